"""Run the jobs of a study in processes of this command."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmark.core.workers import Workers
from benchmark.study.job import Job


@dataclass(frozen=True)
class Places:
    """Places for jobs that run at once on this machine.

    Attributes:
        number: number of places.
        training: places that a training takes.
        cores: cores of the machine.
    """

    number: int
    training: int
    cores: int


def local_places(*, cores: int, trainings: int, gpu: bool) -> Places:
    """Places for this number of trainings at once, or evaluations beside them.

    On a CPU, an evaluation takes a core. On a GPU, several evaluations at once keep it busy while
    metrics are computed.

    Args:
        cores: cores of this machine.
        trainings: number of trainings at once.
        gpu: whether networks compute on a GPU.
    """
    number = max(trainings, min(4, cores) if gpu else cores)
    return Places(number, number // trainings, cores)


class LocalEngine:
    """Runs trainings and evaluations side by side in processes, and a corruption alone on all
    cores.

    Args:
        workers: the processes.
        places: the places for jobs.
        alone: context in which a job shows its own progress.
    """

    def __init__(
        self, workers: Workers, places: Places, alone: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._workers, self._places, self._alone = workers, places, alone
        self._running: dict[int, Job] = {}
        self._by_hand: list[tuple[Job, Exception | None]] = []

    def has_room(self, job: Job) -> bool:
        """Whether enough places are free."""
        if job.kind == "corrupt":
            return not self._running
        taken = sum(map(self._taken_by, self._running.values()))
        return not self._by_hand and taken + self._taken_by(job) <= self._places.number

    def begin(self, job: Job) -> None:
        """Give a job to a process; a corruption is done at once, with processes of its own."""
        if job.kind != "corrupt":
            self._running[self._workers.submit(job.work, job.argument, 0)] = job
            return
        error: Exception | None = None
        try:
            with self._alone():
                job.work(job.argument, self._places.cores)
        except Exception as raised:
            error = raised
        self._by_hand.append((job, error))

    def ended(self) -> Sequence[tuple[Job, Exception | None]]:
        """Wait until a job has ended."""
        if by_hand := self._by_hand:
            self._by_hand = []
            return by_hand
        return [
            (self._running.pop(number), result if isinstance(result, Exception) else None)
            for number, result in self._workers.ended().items()
        ]

    def _taken_by(self, job: Job) -> int:
        return self._places.training if job.kind == "train" else 1


@contextmanager
def local_engine(
    places: Places,
    *,
    preload: Sequence[str],
    listen: Callable[[Any], None],
    alone: Callable[[], AbstractContextManager[None]],
) -> Iterator[LocalEngine]:
    """Context with processes of this command, which end with it.

    Args:
        places: the places for jobs.
        preload: modules that the processes import at their start.
        listen: called with the messages of trainings.
        alone: as in `LocalEngine`.
    """
    with Workers(places.number, preload=preload, listen=listen) as workers:
        yield LocalEngine(workers, places, alone)
