"""Do all jobs of a study, by whom the user chose, and report on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from benchmark.core.device import find_device
from benchmark.core.errors import CoopbenchError, UsageError, join_errors
from benchmark.core.workers import default_workers
from benchmark.corrupted_sets.actions import Corrupting
from benchmark.reporting.make_report import make_report
from benchmark.reporting.report import ReportOptions
from benchmark.runs.run import find_run
from benchmark.study.display import StudyDisplay
from benchmark.study.engine import run_grid
from benchmark.study.grid import RECIPE, make_grid
from benchmark.study.local_engine import local_engine, local_places
from benchmark.study.preload import PRELOAD
from benchmark.study.study import Study

PATIENCE = 180.0
"""Seconds that a worker given up by its cluster may take to let go of the run it was training."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Crew:
    """Who does the jobs of a study.

    Attributes:
        engine: processes of this command, or the workers of a Dask cluster.
        at_once: trainings at once; workers of a cluster of our own.
        scheduler: address of a Dask scheduler; None: one of our own.
        elsewhere: its machines have the device, and this one may not.
    """

    engine: Literal["local", "dask"]
    at_once: int
    scheduler: str | None = None
    elsewhere: bool = False


def run_and_report(
    study: Study,
    crew: Crew,
    out: Path | None,
    *,
    ansi: bool,
    say: Say,
    faults: Sequence[CoopbenchError] = (),
) -> tuple[list[str], list[CoopbenchError]]:
    """Do every job of a study that is due, and report on what is finished then.

    Args:
        study: the study.
        crew: who does it.
        out: the folder of the report; None: named after data and preset.
        ansi: as `benchmark.reporting.make_report` has it.
        say: called with a line on what is going on.
        faults: what has gone wrong already.

    Returns:
        The lines of the report, and what went wrong; all else is done.

    Raises:
        KeyboardInterrupt: after every running training has saved its state.
        CoopbenchError: no run is finished, or there can be no report.
    """
    if out is not None:  # before hours are spent, not after
        out.mkdir(parents=True, exist_ok=True)
    for name in study.corrupted:
        for line in Corrupting(RECIPE, 0, workers=0).left_alone(study.data, name):
            say(line)
    found = [*faults, *run_study(study, crew, say)]
    finished = any(find_run(study.runs, config).finished for config in study.configs)
    if len(found) > len(faults) and (crew.elsewhere or not finished):
        raise join_errors(found)
    try:
        lines = make_report(
            study.data,
            study.runs,
            study.configs[0].preset,
            out,
            ReportOptions(),
            device=find_device("auto") if crew.elsewhere else study.device,
            scored_on=study.device,
            ansi=ansi,
            gather=True,
            say=say,
        )
    except CoopbenchError as error:
        raise (join_errors([*found, error]) if found else error) from error
    return lines, found


def run_study(study: Study, crew: Crew, say: Say) -> list[CoopbenchError]:
    """Do every job of a study that is due; returns what went wrong.

    Raises:
        KeyboardInterrupt: after every running training has saved its state.
        UsageError: Dask is not installed.
    """
    run = _run_on_cluster if crew.engine == "dask" else _run_here
    try:
        return run(study, crew, say)
    except UsageError:
        raise
    except CoopbenchError as error:  # what is finished is to be seen all the same
        return [error]


def _run_here(study: Study, crew: Crew, say: Say) -> list[CoopbenchError]:
    jobs, gpu = make_grid(study), study.device.type == "cuda"
    places = local_places(cores=default_workers(), trainings=crew.at_once, gpu=gpu)
    with (
        StudyDisplay(jobs, say) as display,
        local_engine(
            places, preload=PRELOAD, listen=display.listen, alone=display.hidden
        ) as engine,
    ):
        return run_grid(jobs, engine, display)


def _run_on_cluster(study: Study, crew: Crew, say: Say) -> list[CoopbenchError]:
    try:
        from benchmark.study.dask_engine import check_workers, cluster, dask_engine
    except ImportError as error:
        raise UsageError(
            f"--engine dask: {error.name} is not installed; pip install 'coopbench[dask]'"
        ) from error
    jobs, gpu = make_grid(replace(study, patience=PATIENCE)), study.device.type == "cuda"
    folders = (study.data, study.runs)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    with cluster(crew.scheduler, workers=crew.at_once, gpu=gpu, say=say) as client:
        for line in check_workers(client, [folder.resolve() for folder in folders]):
            say(line)
        with (
            StudyDisplay(jobs, say) as display,
            dask_engine(client, gpu=gpu, listen=display.listen, say=say) as engine,
        ):
            return run_grid(jobs, engine, display)
