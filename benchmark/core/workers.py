"""Processes that do jobs as these come; none outlives its parent."""

import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.reduction import ForkingPickler
from types import ModuleType
from typing import Any, Self

from benchmark.core.errors import CoopbenchError
from benchmark.core.interruption import block_signals, hear_signals
from benchmark.core.messages import cancelled, check_cancelled, connect
from benchmark.core.streams import say

ATTEMPTS = 3
"""How often in a row processes may be killed without any job having been done meanwhile."""


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
    context = process_context(modules)
    if context.get_start_method() == "forkserver":
        from multiprocessing import forkserver

        forkserver.ensure_running()


def process_context(preload: Sequence[str]) -> ForkServerContext | SpawnContext:
    """How new processes are made: from a clean server that has imported ``preload`` once."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # First what settles whose packages these are: the server looks into the working folder.
    context.set_forkserver_preload(["coopbench_start", *preload])
    return context


class Workers:
    """Processes that do jobs, as a context: left by an exception, such as Ctrl-C, no further job is
    begun, and those under way end where they next `tell` or `check_cancelled`.

    Where one of the processes is killed, jobs that had not ended are begun again.

    Args:
        number: of processes, at most; they are started as they are needed.
        preload: modules that the processes have imported from the start.
        listen: called in this process with all that jobs `tell`.
    """

    def __init__(
        self,
        number: int,
        *,
        preload: Sequence[str] = (),
        listen: Callable[[Any], None] | None = None,
    ) -> None:
        self._number, self._listen = number, listen
        self._context = process_context(preload)
        self._left: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        self._begun = 0
        self._fruitless = 0

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._close(cancel=kind is not None)

    def submit(self, work: Callable[..., Any], *arguments: Any) -> int:
        """Have ``work``, a function of a module, called with these; returns the job's number.

        Jobs are begun in the order of their submission, as processes are free.
        """
        number, self._begun = self._begun, self._begun + 1
        self._left[number] = work, arguments
        self._hand_out(number)
        return number

    def ended(self) -> dict[int, Any]:
        """Wait until a job has ended; the results of those that have, or what they raised.

        Raises:
            CoopbenchError: processes were killed again and again.
        """
        while True:
            done, _ = wait(self._futures, return_when=FIRST_COMPLETED)
            results: dict[int, Any] = {}
            broken = False
            for future in sorted(done, key=self._futures.__getitem__):
                number, error = self._futures.pop(future), future.exception()
                if isinstance(error, BrokenProcessPool):
                    broken = True
                    continue
                if error is not None and not isinstance(error, Exception):
                    raise error
                del self._left[number]
                results[number] = future.result() if error is None else error
            if results:
                self._fruitless = 0
            if broken:
                self._begin_again()
            if results:
                return results

    def _open(self) -> None:
        # New ones each time: a process that is killed may take the lock of the old ones with it.
        self._messages, self._stop = self._context.Queue(), self._context.Event()
        self._futures: dict[Future[Any], int] = {}
        self._over = threading.Event()
        self._hearing = threading.Thread(
            target=_hear, args=(self._messages, self._over, self._listen), daemon=True
        )
        self._hearing.start()
        self._pool = ProcessPoolExecutor(
            max_workers=self._number,
            mp_context=self._context,
            initializer=_start_worker,
            initargs=(self._messages, self._stop),
        )

    def _close(self, *, cancel: bool) -> None:
        if cancel:
            self._stop.set()
        # What is queued is not left to the pool's own end, which would wait for it.
        self._pool.shutdown(wait=True, cancel_futures=cancel)
        self._over.set()
        self._hearing.join()

    def _hand_out(self, number: int) -> None:
        work, arguments = self._left[number]
        # A process that is half started would be forgotten, or complain.
        with block_signals(), _without_main(work, arguments):
            try:
                future = self._pool.submit(_unless_stopped, work, *arguments)
            except BrokenProcessPool as error:  # as those that wait for their end will say as well
                future = Future()
                future.set_exception(error)
            self._futures[future] = number

    def _begin_again(self) -> None:
        """Have new processes do all that is left."""
        self._fruitless += 1
        if self._fruitless > ATTEMPTS - 1:
            raise CoopbenchError(
                "worker processes were killed again and again, perhaps for want of memory; "
                "run the same command again with fewer processes"
            )
        say("a worker process was killed; its job is begun again")
        self._close(cancel=False)
        # What ended in the last moment counts.
        kept = {f: n for f, n in self._futures.items() if f.done() and _has_result(f)}
        self._open()
        self._futures.update(kept)
        for number in [n for n in self._left if n not in kept.values()]:
            self._hand_out(number)


@contextmanager
def _without_main(*needed: Any) -> Iterator[None]:
    """Have new processes not import the program that runs, unless what they need is of it.

    A script without ``if __name__ == "__main__"`` would be run again by each of them.
    """
    main = sys.modules["__main__"]
    if b"__main__" in bytes(ForkingPickler.dumps(needed)):
        yield
        return
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _has_result(future: Future[Any]) -> bool:
    return not isinstance(future.exception(), BrokenProcessPool)


def _hear(messages: Any, over: threading.Event, listen: Callable[[Any], None] | None) -> None:
    """Hand what workers tell to ``listen``, until the work is done."""
    while not over.is_set():
        with suppress(queue.Empty):
            message = messages.get(timeout=0.2)
            if listen is not None:
                listen(message)


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
    connect(messages, stop)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def end_with_parent() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=end_with_parent, daemon=True).start()


def _unless_stopped(work: Callable[..., Any], *arguments: Any) -> Any:
    """A job that the pool has handed out already can no longer be cancelled."""
    check_cancelled()
    try:
        return work(*arguments)
    except KeyboardInterrupt:
        if cancelled():
            raise
        # By a signal to this process alone, which is to end with that, and not to wait for more.
        os._exit(1)
