"""Run jobs in parallel processes, with a progress bar; no worker outlives its parent."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TypeVar

from benchmark.core.errors import CoopbenchError, WriteError
from benchmark.core.messages import check_cancelled, tell
from benchmark.core.progress import progress_bar
from benchmark.core.workers import Workers, begin_imports, default_workers

__all__ = [
    "begin_imports",
    "check_cancelled",
    "default_workers",
    "results_or_raise",
    "run_parallel",
    "split_errors",
    "tell",
]

Job = TypeVar("Job")
Result = TypeVar("Result")


def _outcome(work: Callable[[Job], Result], job: Job) -> Result | Exception:
    try:
        return work(job)
    except Exception as error:
        return error


@contextmanager
def run_parallel(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    title: str,
    workers: int,
    preload: Sequence[str] = (),
) -> Iterator[Iterator[tuple[Job, Result | Exception]]]:
    """Context that yields each job with its result, or its exception, as the jobs finish.

    If an exception such as Ctrl-C ends the context, no further job starts, and running jobs end at
    their next call of `tell` or `check_cancelled`.

    Args:
        work: a module-level function, run in ``workers`` processes. If a process is killed,
            unfinished jobs start again.
        jobs: the arguments of ``work``; jobs start in this order.
        title: title of the progress bar, which counts jobs.
        workers: largest number of processes; 0: use this process, which may be a worker itself that
            cannot start others.
        preload: modules that the processes import at their start.
    """
    if workers == 0 or not jobs:
        yield ((job, _outcome(work, job)) for job in jobs)
        return
    pool = Workers(min(workers, len(jobs)), preload=preload)
    with (
        progress_bar(title, len(jobs)) as advance,
        closing(_results(work, jobs, pool, advance)) as results,
    ):
        yield results


def _results(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: Workers,
    advance: Callable[[], None],
) -> Generator[tuple[Job, Result | Exception], None, None]:
    with workers:
        left = {workers.submit(work, job): job for job in jobs}
        while left:
            for number, outcome in workers.ended().items():
                yield left.pop(number), outcome
                advance()


def results_or_raise(
    outcomes: Iterable[tuple[Job, Result | Exception]],
) -> Iterator[tuple[Job, Result]]:
    """Yield each job with its result, in the order of `run_parallel`.

    Raises:
        Exception: the first exception of a job.
    """
    for job, outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
        yield job, outcome


def split_errors(
    outcomes: Iterable[tuple[Job, Result | Exception]],
) -> tuple[list[tuple[Job, Result]], list[str]]:
    """Split outcomes into results, and sorted lines on jobs with faulty input.

    Raises:
        WriteError: a job cannot write, which is not a fault of its input.
        Exception: the first exception that is not a `CoopbenchError`.
    """
    done: list[tuple[Job, Result]] = []
    faults: list[str] = []
    for job, outcome in outcomes:
        if isinstance(outcome, CoopbenchError) and not isinstance(outcome, WriteError):
            faults += outcome.lines
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            done.append((job, outcome))
    return done, sorted(faults)
