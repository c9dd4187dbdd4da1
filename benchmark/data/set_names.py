"""What a corrupted set is called, and which recipe made it: one rule for folders, files and tables.

A set carries its recipe, so that no two recipes share a column or a file: ``KIND (RECIPE)`` in
tables, ``RECIPE_KIND`` in the names of files; and its clean set where that is not ``acdc``:
``KIND (RECIPE on TITLE)``, ``RECIPE-of-SET_KIND``. In tables alone, the sets of the published
ACDC-C keep the poster's plain names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from benchmark.core.errors import UsageError
from benchmark.core.validation import FileName, faults

CLEAN, CLEAN_TITLE = "acdc", "ACDC"
"""The set that a recipe is applied to unless another one is named, and its title."""

PUBLISHED = ("acdc-c", 2)
"""The recipe and version whose sets of ``acdc`` have the poster's names in tables."""

RENAMED = {("acdc-c", 1): ("acdc-c-torchio1", 1)}
"""Recipes and versions that have another name today, and the same voxels."""

LONGEST = 120
"""Characters of a name, as `benchmark.core.validation.FileName` has it."""


def known_as(recipe: str, version: int) -> tuple[str, int]:
    """What a recipe and its version are called today."""
    return RENAMED.get((recipe, version), (recipe, version))


@dataclass(frozen=True)
class MadeBy:
    """What makes two corrupted sets comparable: recipe, version, and the clean set.

    Attributes:
        recipe: its name today, whatever it is made with.
        version: of the recipe.
        clean: name of the clean set.
        clean_title: its title.
    """

    recipe: str
    version: int
    clean: str = CLEAN
    clean_title: str = CLEAN_TITLE

    def __post_init__(self) -> None:
        recipe, version = known_as(self.recipe, self.version)
        object.__setattr__(self, "recipe", recipe)
        object.__setattr__(self, "version", version)

    def same_as(self, other: "MadeBy") -> bool:
        """Whether both are of one recipe, version and clean set, whatever that one's title."""
        ours, theirs = ((o.recipe, o.version, o.clean) for o in (self, other))
        return ours == theirs

    @property
    def label(self) -> str:
        """The recipe, with its version unless that is the first, or the published one."""
        plain = self.version == 1 or (self.recipe, self.version) == PUBLISHED
        return self.recipe if plain else f"{self.recipe} v{self.version}"

    @property
    def group(self) -> str:
        """What the sets of all kinds are called together."""
        return self.label if self.clean == CLEAN else f"{self.label} on {self.clean_title}"

    @property
    def folder(self) -> str:
        """The folder of all kinds below the folder of data, whatever the version."""
        return self.recipe if self.clean == CLEAN else f"{self.recipe}-of-{self.clean}"

    @property
    def folder_of_version(self) -> str:
        """The folder where another version of the recipe has that one."""
        return f"{self.folder}-v{self.version}"

    @property
    def words(self) -> str:
        """In a sentence."""
        of = "" if self.clean == CLEAN else f", of {self.clean_title}"
        before = [f"{name} version {version}" for name, version in self.formerly]
        once = f" (formerly {', '.join(before)})" if before else ""
        return f"{self.recipe} version {self.version}{once}{of}"

    @property
    def formerly(self) -> list[tuple[str, int]]:
        """The names and versions under which earlier releases made the same."""
        return [old for old, new in RENAMED.items() if new == (self.recipe, self.version)]

    def title(self, kind: str) -> str:
        """The column of a kind."""
        plain = (self.recipe, self.version, self.clean) == (*PUBLISHED, CLEAN)
        return kind if plain else f"{kind} ({self.group})"

    def name(self, kind: str) -> str:
        """The name of a kind's files.

        Raises:
            UsageError: it is too long for one.
        """
        of = "" if self.clean == CLEAN else f"-of-{self.clean}"
        name = f"{self.label.replace(' ', '-')}{of}_{kind}"
        if len(name) > LONGEST:
            raise UsageError(
                f"{name}: the names of recipe, clean set and kind make more than {LONGEST} "
                "characters; give one of them a shorter name"
            )
        return name


class CorruptionRecord(BaseModel):
    """What a corrupted set says of itself, in the ``preparation`` of its ``dataset.json``."""

    recipe: FileName
    recipe_version: int = 1
    kind: str
    severity: int | None = None
    test_set: FileName | None = None
    """The kind with its severity, as the recipe calls it; earlier sets had that as their name."""
    clean: FileName = CLEAN
    clean_title: str = CLEAN_TITLE

    @property
    def made_by(self) -> MadeBy:
        """The recipe as it is called today, and the clean set."""
        return MadeBy(self.recipe, self.recipe_version, self.clean, self.clean_title)


def read_corruption(preparation: Mapping[str, Any]) -> CorruptionRecord | None:
    """What a set was corrupted by; None for a clean one.

    Raises:
        ValueError: it does not say so rightly; the message names the key.
    """
    if "recipe" not in preparation:
        return None
    try:
        return CorruptionRecord.model_validate(preparation)
    except ValidationError as error:
        raise ValueError(f"preparation.{faults(error, CorruptionRecord)[0]}") from error
