"""Do all jobs of a study on the chosen engine, and make the report."""

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
"""Seconds that a worker lost by its cluster may take to release the run that it trains."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Crew:
    """The processes or workers for the jobs of a study.

    Attributes:
        engine: processes of this command, or the workers of a Dask cluster.
        at_once: number of trainings at once, or of workers of our own cluster.
        scheduler: address of a Dask scheduler; None: start one.
        elsewhere: other machines compute; this one may lack the device.
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
    """Do every job of a study that is due, then report on all finished runs.

    Args:
        study: the study.
        crew: the processes or workers.
        out: the folder of the report; None: named after data and preset.
        ansi: as in `benchmark.reporting.make_report`.
        say: called with a line on the progress.
        faults: faults that have occurred already.

    Returns:
        The lines of the report, and the faults; all other jobs are done.

    Raises:
        KeyboardInterrupt: after every running training has saved its state.
        CoopbenchError: no run is finished, or the report cannot be made.
    """
    if out is not None:  # check before hours are spent
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
    """Do every job of a study that is due; returns the faults.

    Raises:
        KeyboardInterrupt: after every running training has saved its state.
        UsageError: Dask is not installed.
    """
    run = _run_on_cluster if crew.engine == "dask" else _run_here
    try:
        return run(study, crew, say)
    except UsageError:
        raise
    except CoopbenchError as error:  # finished runs are still reported
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
