"""A part of a study, which any process that sees the same folders can do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["corrupt", "train", "evaluate"]


@dataclass(frozen=True)
class Job:
    """A part of a study.

    Attributes:
        name: unlike any other's.
        kind: what is done.
        work: a function of a module, called with ``argument`` and the number of processes that it
            may start; 0: none.
        argument: what it is done to; it can be pickled.
        needs: the names of the jobs that must be done before.
        done: nothing is left to do, as far as can be seen without reading volumes.
        method: of a run, for the estimate of its time.
        volumes: how many are corrupted or scored, likewise.
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
        """Whether a study does it: a corrupted set is read and checked even where it exists."""
        return self.kind == "corrupt" or not self.done
