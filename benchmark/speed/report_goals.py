"""The goals that a report is to meet, and what it takes today: each in a process of its own."""

import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmark.core.parallel import results_or_raise, run_parallel
from benchmark.speed.report import Stage, StudySize, time_report, write_study


@dataclass(frozen=True)
class Case:
    """A study, and how long its report may take on two cores, and hold."""

    name: str
    size: StudySize
    seconds: float
    gb: float | None = None
    """10⁹ bytes; None: no goal."""


GOALS = (
    Case("many methods", StudySize(1500, 1, 1, 3), 30, 1.5),
    Case("many test sets", StudySize(2, 1, 1500, 3), 30, 1.5),
    Case("many scores", StudySize(30, 5, 30, 150), 30, 2.0),
    Case("as results/measured", StudySize(7, 3, 5, 52), 6),
)
"""The last has as many methods, repeats, sets and scores as results/measured/acdc-compact."""


@dataclass(frozen=True)
class Taken:
    """What a report took."""

    wall: float
    cpu: float
    """Seconds of processor time, which other work on the machine does not change."""
    gb: float
    """10⁹ bytes, the most that its process held."""
    stages: tuple[Stage, ...]

    def meets(self, case: Case) -> bool:
        """Whether both goals are met, in processor time."""
        return self.cpu <= case.seconds and (case.gb is None or self.gb <= case.gb)


def take(size: StudySize) -> Taken:
    """Draw a study and time its report, in the process that calls this, which is a fresh one."""
    with tempfile.TemporaryDirectory(prefix="coopbench-") as folder:
        paths = write_study(Path(folder) / "runs", size)
        wall, cpu = time.perf_counter(), time.process_time()
        stages = tuple(time_report(paths, Path(folder) / "report"))
        taken = time.perf_counter() - wall, time.process_time() - cpu
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return Taken(*taken, held, stages)


def take_apart(size: StudySize) -> Taken:
    """`take` in a process of its own: how much one has held is never less than before."""
    with run_parallel(take, [size], title="bench report", workers=1) as finished:
        [(_, taken)] = results_or_raise(finished)
    return taken
