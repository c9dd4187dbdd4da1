"""Names of corrupted sets, and the recipe that made them: one rule for folders, files and tables.

The name of a set contains its recipe, so that no two recipes share a column or a file: ``KIND
(RECIPE)`` in tables, ``RECIPE_KIND`` in the names of files. It also contains the clean set, unless
that is ``acdc``: ``KIND (RECIPE on TITLE)``, ``RECIPE-of-SET_KIND``. Only in tables, the sets of
the published ACDC-C keep the poster's plain names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from benchmark.core.errors import UsageError
from benchmark.core.validation import FileName, faults

CLEAN, CLEAN_TITLE = "acdc", "ACDC"
"""The set that recipes corrupt by default, and its title."""

PUBLISHED = ("acdc-c", 2)
"""Recipe and version of the sets that have the poster's names in tables."""

RENAMED = {("acdc-c", 1): ("acdc-c-torchio1", 1)}
"""Recipes and versions that were renamed, with the same voxels."""

LONGEST = 120
"""Most characters of a name, as in `benchmark.core.validation.FileName`."""


def known_as(recipe: str, version: int) -> tuple[str, int]:
    """The current name and version of a recipe."""
    return RENAMED.get((recipe, version), (recipe, version))


@dataclass(frozen=True)
class MadeBy:
    """The origin of a corrupted set: recipe, version and clean set. Sets of one origin are
    comparable.

    Attributes:
        recipe: the recipe's current name.
        version: version of the recipe.
        clean: name of the clean set.
        clean_title: title of the clean set.
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
        """Whether both have the same recipe, version and clean set; its title does not matter."""
        ours, theirs = ((o.recipe, o.version, o.clean) for o in (self, other))
        return ours == theirs

    @property
    def label(self) -> str:
        """The recipe, with its version unless that is the first, or the published one."""
        plain = self.version == 1 or (self.recipe, self.version) == PUBLISHED
        return self.recipe if plain else f"{self.recipe} v{self.version}"

    @property
    def group(self) -> str:
        """The common name of the sets of all kinds."""
        return self.label if self.clean == CLEAN else f"{self.label} on {self.clean_title}"

    @property
    def folder(self) -> str:
        """The folder of all kinds in the data folder; the same for all versions."""
        return self.recipe if self.clean == CLEAN else f"{self.recipe}-of-{self.clean}"

    @property
    def folder_of_version(self) -> str:
        """The folder to use where `folder` already holds another version of the recipe."""
        return f"{self.folder}-v{self.version}"

    @property
    def words(self) -> str:
        """Recipe, version and clean set in words, for a sentence."""
        of = "" if self.clean == CLEAN else f", of {self.clean_title}"
        before = [f"{name} version {version}" for name, version in self.formerly]
        once = f" (formerly {', '.join(before)})" if before else ""
        return f"{self.recipe} version {self.version}{once}{of}"

    @property
    def formerly(self) -> list[tuple[str, int]]:
        """Former names and versions of the same recipe."""
        return [old for old, new in RENAMED.items() if new == (self.recipe, self.version)]

    def title(self, kind: str) -> str:
        """The title of a kind's column."""
        plain = (self.recipe, self.version, self.clean) == (*PUBLISHED, CLEAN)
        return kind if plain else f"{kind} ({self.group})"

    def name(self, kind: str) -> str:
        """The name of a kind's files.

        Raises:
            UsageError: the name is too long.
        """
        of = "" if self.clean == CLEAN else f"-of-{self.clean}"
        name = f"{self.label.replace(' ', '-')}{of}_{kind}"
        if len(name) > LONGEST:
            raise UsageError(
                f"{name}: the names of recipe, clean set and kind together have more than "
                f"{LONGEST} "
                "characters; give one of them a shorter name"
            )
        return name


class CorruptionRecord(BaseModel):
    """The record of a corruption, in the ``preparation`` of a set's ``dataset.json``."""

    recipe: FileName
    recipe_version: int = 1
    kind: str
    severity: int | None = None
    test_set: FileName | None = None
    """The recipe's name for kind and severity; earlier sets had it as their name."""
    clean: FileName = CLEAN
    clean_title: str = CLEAN_TITLE

    @property
    def made_by(self) -> MadeBy:
        """The recipe under its current name, and the clean set."""
        return MadeBy(self.recipe, self.recipe_version, self.clean, self.clean_title)


def read_corruption(preparation: Mapping[str, Any]) -> CorruptionRecord | None:
    """Read the record of a set's corruption; None for a clean set.

    Raises:
        ValueError: the record is not valid; the message names the key.
    """
    if "recipe" not in preparation:
        return None
    try:
        return CorruptionRecord.model_validate(preparation)
    except ValidationError as error:
        raise ValueError(f"preparation.{faults(error, CorruptionRecord)[0]}") from error
