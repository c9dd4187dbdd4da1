"""The goals for reports, and their measurement, each in a new process."""

import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmark.core.parallel import results_or_raise, run_parallel
from benchmark.speed.report import Stage, StudySize, time_report, write_study


@dataclass(frozen=True)
class Case:
    """A study, and the goals of its report for time (on two cores) and memory."""

    name: str
    size: StudySize
    seconds: float
    gb: float | None = None
    """Goal for memory in 10⁹ bytes; None: no goal."""


GOALS = (
    Case("many methods", StudySize(1500, 1, 1, 3), 30, 1.5),
    Case("many test sets", StudySize(2, 1, 1500, 3), 30, 1.5),
    Case("many scores", StudySize(30, 5, 30, 150), 30, 2.0),
    Case("as results/measured", StudySize(7, 3, 5, 52), 6),
)
"""The last case has the methods, repeats, sets and scores of results/measured/acdc-compact."""


@dataclass(frozen=True)
class Taken:
    """Time and memory of a report."""

    wall: float
    cpu: float
    """Seconds of processor time, which depends less on other work on the machine."""
    gb: float
    """Largest memory of its process, in 10⁹ bytes."""
    stages: tuple[Stage, ...]

    def meets(self, case: Case) -> bool:
        """Whether both goals are met, in processor time."""
        return self.cpu <= case.seconds and (case.gb is None or self.gb <= case.gb)


def take(size: StudySize) -> Taken:
    """Draw a study and time its report, in the calling process, which must be new."""
    with tempfile.TemporaryDirectory(prefix="coopbench-") as folder:
        paths = write_study(Path(folder) / "runs", size)
        wall, cpu = time.perf_counter(), time.process_time()
        stages = tuple(time_report(paths, Path(folder) / "report"))
        taken = time.perf_counter() - wall, time.process_time() - cpu
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return Taken(*taken, held, stages)


def take_apart(size: StudySize) -> Taken:
    """Run `take` in a new process, since the largest memory of a process never decreases."""
    with run_parallel(take, [size], title="bench report", workers=1) as finished:
        [(_, taken)] = results_or_raise(finished)
    return taken
