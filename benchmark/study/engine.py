"""Run the jobs of a study in order, on any engine."""

import traceback
from collections.abc import Sequence
from typing import Protocol

from benchmark.core.errors import CoopbenchError
from benchmark.study.job import Job
from benchmark.study.order import Order


class Engine(Protocol):
    """Runs jobs: processes of this command, a cluster, or a plan that only adds up times."""

    def has_room(self, job: Job) -> bool:
        """Whether a job can start now, beside the running ones."""

    def begin(self, job: Job) -> None:
        """Begin a job."""

    def ended(self) -> Sequence[tuple[Job, Exception | None]]:
        """Wait a while; returns the jobs that have ended, each with its exception or None."""


class Watcher(Protocol):
    """Receives the progress of a study."""

    def ended(self, job: Job, fault: CoopbenchError | None, lost: Sequence[Job]) -> None:
        """A job has ended. If it failed, the jobs ``lost`` cannot be done, since they need it."""


def run_grid(jobs: Sequence[Job], engine: Engine, watcher: Watcher) -> list[CoopbenchError]:
    """Do every job that is due, after the jobs that it needs.

    If a job fails, only the jobs that need it are lost.

    Args:
        jobs: the jobs, each after those that it needs.
        engine: runs the jobs.
        watcher: receives the progress.

    Returns:
        The faults, in the order of the jobs.
    """
    order, running = Order([job for job in jobs if job.due]), 0
    faults: dict[str, CoopbenchError] = {}
    while running or order.next:
        while (job := order.next) and engine.has_room(job):
            engine.begin(order.begin())
            running += 1
        for job, error in engine.ended():
            running -= 1
            if error is None:
                order.end(job)
                watcher.ended(job, None, ())
            else:
                faults[job.name] = _as_fault(job, error)
                watcher.ended(job, faults[job.name], order.give_up(job))
    return [faults[job.name] for job in jobs if job.name in faults]


def _as_fault(job: Job, error: Exception) -> CoopbenchError:
    if isinstance(error, CoopbenchError):
        return error
    return CoopbenchError(
        f"{job.name}: {type(error).__name__}: {error}",
        details="".join(traceback.format_exception(error)),
    )
