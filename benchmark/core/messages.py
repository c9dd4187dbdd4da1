"""Messages between a job and its parent: progress to the parent, and the order to stop back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Lines(threading.local):
    """A worker's connection to its parent: a queue for messages, and the order to stop."""

    messages: Any = None
    stop: Any = None


_Line = _Lines()


@contextmanager
def connected(messages: Any, stop: Any) -> Iterator[None]:
    """Context in which this thread's messages go into ``messages``, until ``stop`` is set.

    Args:
        messages: an object with ``put(message)``.
        stop: an object with ``is_set()``.
    """
    before = _Line.messages, _Line.stop
    connect(messages, stop)
    try:
        yield
    finally:
        connect(*before)


def connect(messages: Any, stop: Any) -> None:
    """Like `connected`, until the end of this thread."""
    _Line.messages, _Line.stop = messages, stop


def tell(message: object) -> None:
    """Send a message on the progress of a job to the parent process.

    Raises:
        KeyboardInterrupt: the parent was interrupted; the job must save its state and end.
    """
    if _Line.messages is not None:
        _Line.messages.put(message)
    check_cancelled()


def cancelled() -> bool:
    """Whether the parent has cancelled the job."""
    return _Line.stop is not None and bool(_Line.stop.is_set())


def check_cancelled() -> None:
    """End a cancelled job; long jobs call this at points where all their files are complete.

    Raises:
        KeyboardInterrupt: the parent has cancelled the job.
    """
    if cancelled():
        raise KeyboardInterrupt
