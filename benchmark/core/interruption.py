"""Ctrl-C and termination heeded where the state is whole."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def heeded_between_steps() -> Iterator[Callable[[], None]]:
    """Hold back SIGINT and SIGTERM; the function yielded raises KeyboardInterrupt if one came.

    An interrupt in the middle of a step would leave weights that belong to no step. In a thread
    other than the main one, where signals cannot be handled, nothing is held back.
    """
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True

    def heed() -> None:
        if came:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield heed
        return
    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield heed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def block_signals() -> Iterator[None]:
    """Hold back SIGINT and SIGTERM; KeyboardInterrupt is raised at the end of the block instead.

    Processes that are started in the block have both blocked, until they `hear_signals`.
    """
    with heeded_between_steps() as heed:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            heed()


def hear_signals() -> None:
    """Undo in a new process what it has from a parent that was `block_signals`."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
