"""Work shared by processes, with a progress bar; no worker outlives its parent."""

import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, suppress
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from benchmark.core.errors import CoopbenchError, WriteError
from benchmark.core.interruption import block_signals, hear_signals
from benchmark.core.progress import progress_bar
from benchmark.core.streams import say

ATTEMPTS = 3
"""How often in a row processes may be killed without any job having been done meanwhile."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def default_workers() -> int:
    """The CPU cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def begin_imports(modules: Sequence[str]) -> None:
    """Have all processes of several pieces of work born with these modules, imported meanwhile.

    Without it the first work decides what the others' processes have to import anew. Of no use
    after that, or where the system cannot fork.
    """
    context = _process_context(modules)
    if context.get_start_method() == "forkserver":
        from multiprocessing import forkserver

        forkserver.ensure_running()


def _process_context(preload: Sequence[str]) -> BaseContext:
    """How new processes are made: from a clean server that has imported ``preload`` once."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # First what settles whose packages these are: the server looks into the working folder.
    context.set_forkserver_preload(["coopbench_start", *preload])
    return context


class _Lines(threading.local):
    """A worker's line to its parent: what it has to tell, and whether it is to stop."""

    messages: Any = None
    stop: Any = None


_Line = _Lines()


@contextmanager
def connected(messages: Any, stop: Any) -> Iterator[None]:
    """Within this context, what this thread tells is put into ``messages``, until ``stop`` is set.

    Args:
        messages: what has ``put(message)``.
        stop: what has ``is_set()``.
    """
    before = _Line.messages, _Line.stop
    _Line.messages, _Line.stop = messages, stop
    try:
        yield
    finally:
        _Line.messages, _Line.stop = before


def tell(message: object) -> None:
    """Tell the parent process how a job is coming on.

    Raises:
        KeyboardInterrupt: the parent was interrupted; the job is to save its state and end.
    """
    if _Line.messages is not None:
        _Line.messages.put(message)
    check_cancelled()


def check_cancelled() -> None:
    """To be called by long jobs where all that they have done so far is whole.

    Raises:
        KeyboardInterrupt: the parent has no more use for the job, which is to end.
    """
    if _Line.stop is not None and _Line.stop.is_set():
        raise KeyboardInterrupt


def _keep_to_one_thread() -> None:
    """Each worker is one core's work; libraries that start threads of their own would crowd it."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        os.environ[variable] = "1"
    # Those that the process was born with have read the variables already.
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if "SimpleITK" in sys.modules:
        sys.modules["SimpleITK"].ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def _start_worker(messages: Any, stop: Any) -> None:
    _keep_to_one_thread()
    # Ctrl-C reaches the whole group of processes; the parent decides what becomes of the work.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hear_signals()
    _Line.messages, _Line.stop = messages, stop
    parent = multiprocessing.parent_process()
    if parent is not None:

        def end_with_parent() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=end_with_parent, daemon=True).start()


@contextmanager
def _listening(messages: Any, listen: Callable[[Any], None] | None) -> Iterator[None]:
    """Hand what workers tell to ``listen``, in a thread, until the work is done."""
    over = threading.Event()

    def hear() -> None:
        while not over.is_set():
            try:
                message = messages.get(timeout=0.2)
            except queue.Empty:
                continue
            if listen is not None:
                listen(message)

    thread = threading.Thread(target=hear, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _outcome(work: Callable[[Job], Result], job: Job) -> Result | Exception:
    try:
        return work(job)
    except Exception as error:
        return error


def _unless_stopped(work: Callable[[Job], Result], job: Job) -> Result:
    """A job that the pool has handed out already can no longer be cancelled."""
    check_cancelled()
    try:
        return work(job)
    except KeyboardInterrupt:
        if _Line.stop.is_set():
            raise
        # By a signal to this process alone, which is to end with that, and not to wait for more.
        os._exit(1)


@contextmanager
def run_parallel(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    title: str,
    workers: int,
    preload: Sequence[str] = (),
    listen: Callable[[Any], None] | None = None,
) -> Iterator[Iterator[tuple[Job, Result | Exception]]]:
    """Within this context, each job with its result, or the exception it raised, as they finish.

    Where the context is left by an exception, such as Ctrl-C, no further job is begun, and those
    under way end where they next `tell` or `check_cancelled`.

    Args:
        work: a function of a module, run in ``workers`` processes. Where one of them is killed,
            jobs that had not ended are begun again.
        jobs: what it is called with; they start in this order.
        title: of the progress bar, which counts jobs; none is shown where ``listen`` is given.
        workers: processes at most; 0: this one, which may itself be one that no others may be
            started from.
        preload: modules that the processes have imported from the start.
        listen: called in this process with all that jobs `tell`.
    """
    if workers == 0 or not jobs:
        yield ((job, _outcome(work, job)) for job in jobs)
        return
    context = _process_context(preload)
    with (
        progress_bar(title, len(jobs), hidden=listen is not None) as advance,
        closing(_results(work, jobs, context, workers, listen, advance)) as results,
    ):
        yield results


def _results(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    context: BaseContext,
    workers: int,
    listen: Callable[[Any], None] | None,
    advance: Callable[[], None],
) -> Generator[tuple[Job, Result | Exception], None, None]:
    """The jobs' results as they finish; what a killed process was doing is begun again."""
    left, fruitless = dict(enumerate(jobs)), 0
    while left:
        before = len(left)
        # New ones each time: a process that is killed may take the lock of the old ones with it.
        messages, stop = context.Queue(), context.Event()
        with (
            _listening(messages, listen),
            ProcessPoolExecutor(
                max_workers=min(workers, len(left)),
                mp_context=context,
                initializer=_start_worker,
                initargs=(messages, stop),
            ) as pool,
        ):
            try:
                futures: dict[Future[Result], int] = {}
                # A process that is half started would be forgotten, or complain.
                with block_signals(), suppress(BrokenProcessPool):
                    for place, job in left.items():
                        futures[pool.submit(_unless_stopped, work, job)] = place
                for future in as_completed(futures):
                    error = future.exception()
                    if isinstance(error, BrokenProcessPool):
                        continue
                    if error is not None and not isinstance(error, Exception):
                        raise error
                    job = left.pop(futures[future])
                    yield job, future.result() if error is None else error
                    advance()
            except BaseException:
                stop.set()
                # Not left to the pool's own end, which would wait for all that is queued.
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        fruitless = fruitless + 1 if len(left) == before else 0
        if fruitless == ATTEMPTS:
            raise CoopbenchError(
                "worker processes were killed again and again, perhaps for want of memory; "
                "run the same command again with fewer processes"
            )
        if left:
            say("a worker process was killed; its job is begun again")


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
