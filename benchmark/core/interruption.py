"""Handle Ctrl-C and termination at points where the state is consistent."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def delay_interrupts() -> Iterator[Callable[[], None]]:
    """Delay SIGINT and SIGTERM; yields a function that raises KeyboardInterrupt if one has arrived.

    An interrupt in the middle of a step would leave weights that belong to no step. Only the main
    thread can handle signals; in other threads, nothing is delayed.
    """
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True

    def raise_if_interrupted() -> None:
        if came:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield raise_if_interrupted
        return
    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield raise_if_interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def block_signals() -> Iterator[None]:
    """Delay SIGINT and SIGTERM; KeyboardInterrupt is raised at the end of the block instead.

    Processes started in the block have both signals blocked, until they call `unblock_signals`.
    """
    with delay_interrupts() as raise_if_interrupted:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            raise_if_interrupted()


def unblock_signals() -> None:
    """Unblock the signals in a new process, which were blocked by its parent's `block_signals`."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
