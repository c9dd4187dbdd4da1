"""A job of a study, which any process that sees the same folders can do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["corrupt", "train", "evaluate"]


@dataclass(frozen=True)
class Job:
    """A job of a study.

    Attributes:
        name: unique name of the job.
        kind: kind of work.
        work: a module-level function, called with ``argument`` and the number of processes that it
            may start (0: none).
        argument: argument of ``work``; it can be pickled.
        needs: names of the jobs that must be done before.
        done: nothing is left to do, as far as this is visible without reading volumes.
        method: method of a run, to estimate its time.
        volumes: number of volumes to corrupt or score, to estimate the time.
    """

    name: str
    kind: Kind
    work: Callable[[Any, int], None]
    argument: Any
    needs: tuple[str, ...] = ()
    done: bool = False
    method: str = ""
    volumes: int = 0

    @property
    def due(self) -> bool:
        """Whether a study does the job; corrupted sets are always read and checked."""
        return self.kind == "corrupt" or not self.done
