"""TensorBoard's events of a run, whose writer is a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

_WRITER = "_AsyncWriterThread"
"""TensorBoard's name for the class of that thread."""


@contextmanager
def open_events(folder: Path, *, step: int) -> Iterator[SummaryWriter]:
    """Within this context, what writes the events of a run from ``step`` on.

    What goes wrong in the thread is raised where the next event is added, and not also printed
    by the thread.
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
