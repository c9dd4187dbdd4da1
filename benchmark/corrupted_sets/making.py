"""The one way in which a recipe corrupts many things: cases of a set, or images of a folder.

Every volume has a seed of its own, derived from the recipe, the kind, its name and the draw, so
neither the order nor the number of processes changes a byte. What was made from the very same
things before, and is intact, is kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from benchmark.core.errors import CoopbenchError
from benchmark.core.parallel import check_cancelled, run_parallel
from benchmark.corrupted_sets.corrupt_volume import volume_seed
from benchmark.corrupted_sets.manifest import (
    Manifest,
    RecipeRecord,
    VolumeRecord,
    record_recipe,
    software,
)
from benchmark.corrupted_sets.recipe import Recipe

Source = TypeVar("Source")
Result = TypeVar("Result")
Kept = TypeVar("Kept")
Kept_co = TypeVar("Kept_co", covariant=True)


@dataclass(frozen=True)
class Making:
    """What is to be done to every source.

    Attributes:
        recipe: what is done.
        seed: another one draws other parameters.
        out: where to.
        given: the volumes of a manifest by file, whose seeds and parameters are taken; none: these
            are drawn.
    """

    recipe: Recipe
    seed: int
    out: Path
    given: Mapping[str, VolumeRecord]

    @classmethod
    def of(cls, recipe: Recipe, seed: int, out: Path, replayed: Manifest | None) -> "Making":
        """After a manifest, or else drawn from a seed."""
        volumes = replayed.volumes if replayed else ()
        return cls(recipe, seed, out, {volume.file: volume for volume in volumes})

    @cached_property
    def made_by(self) -> RecipeRecord:
        """What a record keeps of the recipe."""
        return record_recipe(self.recipe)

    @cached_property
    def software(self) -> dict[str, str]:
        """The versions that the voxels depend on."""
        return software(self.recipe)

    def volume(
        self,
        file: str,
        kind: str,
        name: Sequence[object],
        *,
        source: Path,
        source_sha256: str,
        label_sha256: str | None = None,
    ) -> "Drawing":
        """The seed of a volume, and its parameters where a manifest gives them.

        Args:
            file: of the volume, under ``out``.
            kind: of the recipe.
            name: what its seed is derived from.
            source: the clean one, for messages.
            source_sha256: of its file.
            label_sha256: of its label's, where it has one.

        Raises:
            CoopbenchError: the manifest lacks the volume, or it was made from another source.
        """
        if not self.given:
            return Drawing(volume_seed(self.recipe, self.seed, kind, *name), None)
        record = self.given.get(file)
        if record is None:
            raise CoopbenchError(f"{source}: the manifest lacks {file}")
        if record.source_sha256 != source_sha256:
            raise CoopbenchError(
                f"{source}: is not the clean image that the set was made from ({file})"
            )
        if record.label_sha256 != label_sha256:
            raise CoopbenchError(f"{source}: its label is not that of the set ({file})")
        return Drawing(record.seed, record.parameters)


@dataclass(frozen=True)
class Drawing:
    """The seed of a volume, and the parameters that it is to have; None: as they are drawn."""

    seed: int
    parameters: dict[str, Any] | None


class Target(Protocol[Kept_co]):
    """What one kind and draw make of a source."""

    def kept(self) -> Kept_co | None:
        """The record of what exists already, made from the very same things and intact."""

    def make(self) -> Kept_co:
        """Corrupt the source and write it, with a record."""


@dataclass(frozen=True)
class Made(Generic[Kept]):
    """What came of a kind and draw: its record, and whether it is new."""

    kind: str
    kept: Kept
    new: bool


def make_all(recipe: Recipe, target: Callable[[str, int], Target[Kept]]) -> list[Made[Kept]]:
    """Every kind and draw of one source; what is intact is kept.

    Args:
        recipe: what is done.
        target: of a kind and a draw, from 1.

    Raises:
        KeyboardInterrupt: the parent process has no more use for it; what is made is whole.
    """
    made = []
    for kind in recipe.kinds:
        for draw in range(1, recipe.draws + 1):
            one = target(kind, draw)
            kept = one.kept()
            if kept is None:
                check_cancelled()
                made.append(Made(kind, one.make(), new=True))
            else:
                made.append(Made(kind, kept, new=False))
    return made


@contextmanager
def make_in_parallel(
    work: Callable[[Source], Result],
    sources: Sequence[Source],
    recipe: Recipe,
    *,
    name: str,
    workers: int,
) -> Iterator[Iterator[tuple[Source, Result | Exception]]]:
    """Corrupt many sources at once, as `run_parallel` has it.

    Args:
        work: a function of a module, which calls `make_all` for a source.
        sources: what is corrupted.
        recipe: what is done.
        name: of them all, for the progress bar.
        workers: processes.
    """
    modules = [getattr(work, "func", work).__module__, type(recipe).__module__]
    title = f"corrupt {name} ({recipe.title})"
    with run_parallel(work, sources, title=title, workers=workers, preload=modules) as outcomes:
        yield outcomes
