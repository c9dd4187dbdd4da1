"""Work shared by processes, with a progress bar; no worker outlives its parent."""

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
    """Within this context, each job with its result, or the exception it raised, as they finish.

    Where the context is left by an exception, such as Ctrl-C, no further job is begun, and those
    under way end where they next `tell` or `check_cancelled`.

    Args:
        work: a function of a module, run in ``workers`` processes. Where one of them is killed,
            jobs that had not ended are begun again.
        jobs: what it is called with; they start in this order.
        title: of the progress bar, which counts jobs.
        workers: processes at most; 0: this one, which may itself be one that no others may be
            started from.
        preload: modules that the processes have imported from the start.
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
    """Each job with its result, as `run_parallel` brings them.

    Raises:
        Exception: the first that a job raised.
    """
    for job, outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
        yield job, outcome


def split_errors(
    outcomes: Iterable[tuple[Job, Result | Exception]],
) -> tuple[list[tuple[Job, Result]], list[str]]:
    """What came of the jobs whose input is good, and sorted lines on those whose input is not.

    Raises:
        WriteError: the first time that a job cannot write, which is no fault of its input.
        Exception: the first of any other kind than `CoopbenchError`.
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
