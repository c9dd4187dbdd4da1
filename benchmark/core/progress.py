"""Progress bars on standard error; silent if it is not a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)


def make_progress() -> Progress:
    """Make a bar with counts and remaining time; disabled if standard error is not a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),  # the rest must fit into 80 columns
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not console.is_terminal,
    )


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Context with a bar for ``total`` items; yields a function to call after each item."""
    with make_progress() as progress:
        task = progress.add_task(title, total=total, note="")
        yield lambda: progress.advance(task)
