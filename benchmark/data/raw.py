"""What a reader of a raw layout gives to the preparation."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


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
