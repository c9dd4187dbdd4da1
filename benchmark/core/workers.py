"""Worker processes for jobs; no worker outlives its parent."""

import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.reduction import ForkingPickler
from types import ModuleType
from typing import Any, Self

from benchmark.core.errors import CoopbenchError
from benchmark.core.interruption import block_signals, unblock_signals
from benchmark.core.messages import cancelled, check_cancelled, connect
from benchmark.core.streams import say

ATTEMPTS = 3
"""Give up after this number of killed processes in a row without a finished job."""


def default_workers() -> int:
    """The number of CPU cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def begin_imports(modules: Sequence[str]) -> None:
    """Start to import modules in the background, for all later worker processes.

    Otherwise, the first work decides which modules are preloaded, and processes of later work must
    import the others. Has no effect after the first work, or if the system cannot fork.
    """
    context = process_context(modules)
    if context.get_start_method() == "forkserver":
        from multiprocessing import forkserver

        forkserver.ensure_running()


def process_context(preload: Sequence[str]) -> ForkServerContext | SpawnContext:
    """The context for new processes: forked from a clean server with ``preload`` imported."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # First import our own packages: the server would search the working folder.
    context.set_forkserver_preload(["coopbench_start", *preload])
    return context


class Workers:
    """Context with processes that do jobs.

    If an exception such as Ctrl-C ends the context, no further job starts, and running jobs end at
    their next call of `tell` or `check_cancelled`. If a process is killed, unfinished jobs start
    again.

    Args:
        number: largest number of processes; they start when needed.
        preload: modules that the processes import at their start.
        listen: called in this process with all messages that jobs send by `tell`.
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
        """Submit a call of ``work``, a module-level function; returns the job's number.

        Jobs start in the order of submission, when a process is free.
        """
        number, self._begun = self._begun, self._begun + 1
        self._left[number] = work, arguments
        self._hand_out(number)
        return number

    def ended(self) -> dict[int, Any]:
        """Wait until a job has ended; returns the results or exceptions of all ended jobs.

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
        # New queues each time: a killed process may still hold a lock of the old ones.
        self._messages, self._stop = self._context.Queue(), self._context.Event()
        self._futures: dict[Future[Any], int] = {}
        self._over = threading.Event()
        self._hearing = threading.Thread(
            target=_pass_messages_on, args=(self._messages, self._over, self._listen), daemon=True
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
        # Cancel queued jobs here, since the pool's own shutdown would wait for them.
        self._pool.shutdown(wait=True, cancel_futures=cancel)
        self._over.set()
        # Wake the listener. Where a killed process holds the queue's lock, it wakes by itself.
        self._messages.cancel_join_thread()
        self._messages.put(_Last())
        self._hearing.join()

    def _hand_out(self, number: int) -> None:
        work, arguments = self._left[number]
        # Interrupted in its start, a process would be lost, or print errors.
        with block_signals(), _without_main(work, arguments):
            try:
                future = self._pool.submit(_unless_stopped, work, *arguments)
            except BrokenProcessPool as error:  # the waiting jobs will report it as well
                future = Future()
                future.set_exception(error)
            self._futures[future] = number

    def _begin_again(self) -> None:
        """Start new processes for all unfinished jobs."""
        self._fruitless += 1
        if self._fruitless > ATTEMPTS - 1:
            raise CoopbenchError(
                "worker processes were killed again and again, perhaps from a lack of memory; "
                "run the same command again with fewer processes"
            )
        say("a worker process was killed; its job starts again")
        self._close(cancel=False)
        # Jobs that ended in the last moment count.
        kept = {f: n for f, n in self._futures.items() if f.done() and _has_result(f)}
        self._open()
        self._futures.update(kept)
        for number in [n for n in self._left if n not in kept.values()]:
            self._hand_out(number)


class _Last:
    """The message after all others."""


@contextmanager
def _without_main(*needed: Any) -> Iterator[None]:
    """Keep new processes from importing the main program, unless they need it.

    Otherwise, each process would run a script without ``if __name__ == "__main__"`` again.
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


def _pass_messages_on(
    messages: Any, over: threading.Event, listen: Callable[[Any], None] | None
) -> None:
    """Pass the workers' messages to ``listen``, to the last one."""
    while True:
        try:
            message = messages.get(timeout=0.2)
        except queue.Empty:
            if over.is_set():
                return
            continue
        if isinstance(message, _Last):
            return
        if listen is not None:
            listen(message)


def _limit_to_one_thread() -> None:
    """Limit libraries to one thread, since each worker has one core."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        os.environ[variable] = "1"
    # Preloaded libraries have already read the variables.
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if "SimpleITK" in sys.modules:
        sys.modules["SimpleITK"].ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def _start_worker(messages: Any, stop: Any) -> None:
    _limit_to_one_thread()
    # Ctrl-C reaches the whole process group; only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    unblock_signals()
    connect(messages, stop)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def end_with_parent() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=end_with_parent, daemon=True).start()


def _unless_stopped(work: Callable[..., Any], *arguments: Any) -> Any:
    """Do a job unless the work was cancelled; the pool cannot cancel jobs already given out."""
    check_cancelled()
    try:
        return work(*arguments)
    except KeyboardInterrupt:
        if cancelled():
            raise
        # A signal to this process only: end it, and do not wait for more jobs.
        os._exit(1)
