"""The one way in which the jobs of a study are done, whoever does them."""

import traceback
from collections.abc import Sequence
from typing import Protocol

from benchmark.core.errors import CoopbenchError
from benchmark.study.job import Job
from benchmark.study.order import Order


class Engine(Protocol):
    """Who does jobs: processes of this command, a cluster, or a plan, which counts their time."""

    def has_room(self, job: Job) -> bool:
        """Whether a job can be begun now, beside those that are running."""

    def begin(self, job: Job) -> None:
        """Begin a job."""

    def ended(self) -> Sequence[tuple[Job, Exception | None]]:
        """Wait a while; jobs that have come to their end, each with what it raised."""


class Watcher(Protocol):
    """Who is told how a study is coming on."""

    def ended(self, job: Job, fault: CoopbenchError | None, lost: Sequence[Job]) -> None:
        """A job is done; or has failed, and ``lost`` can no longer be done, since they need it."""


def run_grid(jobs: Sequence[Job], engine: Engine, watcher: Watcher) -> list[CoopbenchError]:
    """Do every job that is due, each once those that it needs are done.

    A job that fails costs those that need it, and no other.

    Args:
        jobs: each after those that it needs.
        engine: who does them.
        watcher: is told how it goes.

    Returns:
        What went wrong, in the order of the jobs.
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
