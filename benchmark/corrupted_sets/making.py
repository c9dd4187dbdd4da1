"""Apply a recipe to many sources: the cases of a set, or the images of a folder.

Every volume has its own seed, derived from the recipe, the kind, its name and the draw, so neither
the order nor the number of processes changes a byte. Results that exist intact, from the same
inputs, are kept.
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
    """The recipe, seed and folder for all sources.

    Attributes:
        recipe: the recipe to apply.
        seed: other seeds draw other parameters.
        out: the folder to write to.
        given: the volumes of a manifest by file, whose seeds and parameters are used; empty: draw
            these.
    """

    recipe: Recipe
    seed: int
    out: Path
    given: Mapping[str, VolumeRecord]

    @classmethod
    def of(cls, recipe: Recipe, seed: int, out: Path, replayed: Manifest | None) -> "Making":
        """Take seeds and parameters from a manifest if there is one; else draw from ``seed``."""
        volumes = replayed.volumes if replayed else ()
        return cls(recipe, seed, out, {volume.file: volume for volume in volumes})

    @cached_property
    def made_by(self) -> RecipeRecord:
        """The record of the recipe."""
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
            file: path of the volume below ``out``.
            kind: a kind of the recipe.
            name: the parts to derive the volume's seed from.
            source: the clean volume, for messages.
            source_sha256: checksum of its file.
            label_sha256: checksum of its label's file, if it has a label.

        Raises:
            CoopbenchError: the manifest lacks the volume, or has it from another source.
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
    """The seed of a volume, and its parameters; None: draw the parameters."""

    seed: int
    parameters: dict[str, Any] | None


class Target(Protocol[Kept_co]):
    """The corrupted result of a source for one kind and draw."""

    def kept(self) -> Kept_co | None:
        """The record of a result that already exists, intact and from the same inputs; else
        None."""

    def make(self) -> Kept_co:
        """Corrupt the source and write it, with a record."""


@dataclass(frozen=True)
class Made(Generic[Kept]):
    """The record for one kind and draw, and whether it is new."""

    kind: str
    kept: Kept
    new: bool


def make_all(recipe: Recipe, target: Callable[[str, int], Target[Kept]]) -> list[Made[Kept]]:
    """Make every kind and draw of one source; intact results are kept.

    Args:
        recipe: the recipe to apply.
        target: returns the target for a kind and a draw (from 1).

    Raises:
        KeyboardInterrupt: the parent process has cancelled the work; finished results are complete.
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
    """Corrupt many sources in parallel, by `run_parallel`.

    Args:
        work: a module-level function that calls `make_all` for a source.
        sources: the sources to corrupt.
        recipe: the recipe to apply.
        name: name of all sources together, for the progress bar.
        workers: number of processes.
    """
    modules = [getattr(work, "func", work).__module__, type(recipe).__module__]
    title = f"corrupt {name} ({recipe.title})"
    with run_parallel(work, sources, title=title, workers=workers, preload=modules) as outcomes:
        yield outcomes
