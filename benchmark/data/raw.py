"""The subjects and frames that a reader of a raw layout finds, as input of the preparation."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from benchmark.core.errors import CoopbenchError

Found = TypeVar("Found")

Part = Literal["training", "validation", "testing"]
"""Part of a challenge's download; each part is a set of its own."""


@dataclass(frozen=True)
class RawFrame:
    """An image and its label file; ``index`` picks a frame (from 0) out of 4D files."""

    image: Path
    label: Path
    index: int | None = None


@dataclass(frozen=True)
class RawSubject:
    """A subject's frames by name (``ED``, ``ES``)."""

    subject: str
    frames: Mapping[str, RawFrame]


@dataclass(frozen=True)
class RawSet:
    """A challenge's data as found on disk, with its own numbering of the labels."""

    name: str
    title: str
    source: str
    numbering: Mapping[int, int]
    subjects: tuple[RawSubject, ...]
    faults: tuple[str, ...] = ()
    """A line for each subject that exists but cannot be read."""


def read_each(
    read: Callable[[Found], RawSubject], places: Iterable[Found]
) -> tuple[tuple[RawSubject, ...], tuple[str, ...]]:
    """Read the subjects in ``places``; also returns a line for each that is broken."""
    subjects, faults = [], []
    for place in places:
        try:
            subjects.append(read(place))
        except CoopbenchError as error:
            faults.append(str(error))
    return tuple(subjects), tuple(faults)
