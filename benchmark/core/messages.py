"""From a job to who waits for it: how far it is; and back: that it is to end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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
    connect(messages, stop)
    try:
        yield
    finally:
        connect(*before)


def connect(messages: Any, stop: Any) -> None:
    """As `connected`, to the end of this thread."""
    _Line.messages, _Line.stop = messages, stop


def tell(message: object) -> None:
    """Tell the parent process how a job is coming on.

    Raises:
        KeyboardInterrupt: the parent was interrupted; the job is to save its state and end.
    """
    if _Line.messages is not None:
        _Line.messages.put(message)
    check_cancelled()


def cancelled() -> bool:
    """Whether the parent has no more use for the job."""
    return _Line.stop is not None and bool(_Line.stop.is_set())


def check_cancelled() -> None:
    """To be called by long jobs where all that they have done so far is whole.

    Raises:
        KeyboardInterrupt: the parent has no more use for the job, which is to end.
    """
    if cancelled():
        raise KeyboardInterrupt
