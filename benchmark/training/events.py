"""Write TensorBoard events of a run; TensorBoard's writer has its own thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

_WRITER = "_AsyncWriterThread"
"""Name of the class of the writer's thread."""


@contextmanager
def open_events(folder: Path, *, step: int) -> Iterator[SummaryWriter]:
    """Context with a writer for the events of a run from ``step`` on.

    An error in the thread is raised when the next event is added; the thread does not print it.
    """
    printed = threading.excepthook

    def hear(args: threading.ExceptHookArgs) -> None:
        if type(args.thread).__name__ != _WRITER:
            printed(args)

    threading.excepthook = hear
    try:
        events = SummaryWriter(str(folder), purge_step=step or None)
        try:
            yield events
        finally:
            events.close()
    finally:
        threading.excepthook = printed
