"""The jobs of a study by processes of this command."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmark.core.workers import Workers
from benchmark.study.job import Job


@dataclass(frozen=True)
class Places:
    """How many jobs run at once on this machine.

    Attributes:
        number: in all.
        training: how many a training takes.
        cores: of the machine.
    """

    number: int
    training: int
    cores: int


def local_places(*, cores: int, trainings: int, gpu: bool) -> Places:
    """Places for so many trainings at once, or evaluations beside them.

    On a CPU, an evaluation takes a core. On a GPU, a few keep it busy during the metrics.

    Args:
        cores: of this machine.
        trainings: at once.
        gpu: whether networks compute on one.
    """
    number = max(trainings, min(4, cores) if gpu else cores)
    return Places(number, number // trainings, cores)


class LocalEngine:
    """Trainings and evaluations side by side in processes; a corruption alone, on all cores.

    Args:
        workers: the processes.
        places: how many there are.
        alone: a context in which a job shows its own progress.
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
        """Hand a job to a process; a corruption is done here and now, by processes of its own."""
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
    """Processes of this command, which end with the context.

    Args:
        places: how many jobs run at once.
        preload: modules that the processes have imported from the start.
        listen: called with what trainings tell of themselves.
        alone: as `LocalEngine` has it.
    """
    with Workers(places.number, preload=preload, listen=listen) as workers:
        yield LocalEngine(workers, places, alone)
