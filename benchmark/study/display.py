"""Show the progress of a study: bars on a terminal, else a line for each training."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from benchmark.core.errors import CoopbenchError
from benchmark.core.progress import make_progress
from benchmark.study.job import Job


class StudyDisplay:
    """Context with a bar for the whole study and one for each running training.

    Args:
        jobs: the jobs of the study.
        say: called with lines if there is no terminal.
    """

    def __init__(self, jobs: Sequence[Job], say: Callable[[str], None]) -> None:
        self._progress, self._say = make_progress(), say
        self._whole = self._progress.add_task("study", total=sum(job.due for job in jobs), note="")
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Context in which the bars are hidden, so that other output can be shown."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def listen(self, message: tuple[str, int, int, str]) -> None:
        """Show a training's message: its run, step, number of steps, and a note."""
        name, step, total, note = message
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total, note="")
        self._progress.update(self._tasks[name], completed=step, total=total, note=note)

    def ended(self, job: Job, fault: CoopbenchError | None, lost: Sequence[Job]) -> None:
        """Count an ended job and those lost with it; report trainings and failures."""
        self._progress.advance(self._whole, 1 + len(lost))
        name = job.name.removeprefix("train ")
        if name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))
        if fault is not None:
            jobs = "1 job that needs it is" if len(lost) == 1 else f"{len(lost)} that need it are"
            self._say(f"{job.name}: failed" + (f"; {jobs} not done" if lost else ""))
        elif self._progress.disable and job.kind == "train":
            self._say(f"trained {name}")
