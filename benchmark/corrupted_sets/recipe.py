"""The interface of a recipe of corruptions, and the search for installed recipes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.plugins import PluginError, blamed_on, installed, load, origin
from benchmark.core.validation import nearest

GROUP = "coopbench.recipes"
READERS = "coopbench.recipe_readers"
"""The entry-point group for readers of recipe files; each is registered under a file suffix."""

Stack = NDArray[np.float32]
"""Slices (slices, H, W)."""

Spacing = tuple[float, float, float]
"""Spacing in mm, along slices, H and W."""


@dataclass(frozen=True)
class Corrupted:
    """A corrupted stack (slices, H, W), and the parameters drawn for it as JSON values."""

    slices: Stack
    parameters: dict[str, Any]


class Recipe(ABC):
    """A set of corruptions, each applied to stacks of short-axis slices."""

    name: str
    title: str
    version: int
    """The recipe's version; raise it whenever the same seed would give other voxels."""
    kinds: tuple[str, ...]
    """Names of the kinds of artefact; each kind becomes a test set of its own."""
    draws: int
    """Independent draws per subject and kind."""
    field: int | None
    """Height and width of the centre to corrupt, in pixels; None: whole slices."""
    packages: tuple[str, ...]
    """The libraries whose version the voxels depend on."""
    seed_name: str | None = None
    """Former name that seeds are derived from; None: `name`.

    With it, a renamed recipe keeps its voxels.
    """
    definition: dict[str, Any] | None = None
    """The whole recipe, if it is data instead of code."""

    @abstractmethod
    def corrupt(self, slices: Stack, kind: str, seed: int, spacing: Spacing) -> Corrupted:
        """Corrupt slices (slices, H, W) in [0, 1] by ``kind``; the same seed, the same voxels."""

    @abstractmethod
    def replay(self, slices: Stack, kind: str, parameters: dict[str, Any]) -> Stack:
        """Repeat a corruption, from the parameters that `corrupt` recorded."""

    def family(self, kind: str) -> tuple[str, int | None]:
        """The family of a kind, and its severity; kinds of one family share their seeds."""
        return kind, None


class RecipeReader(Protocol):
    """Makes recipes from data."""

    def read(self, path: Path) -> Recipe:
        """Read the recipe in a file; raises CoopbenchError if the file is not a recipe."""

    def parse(self, definition: Mapping[str, Any]) -> Recipe:
        """Make a recipe from its `Recipe.definition`."""


def recipe_names() -> list[str]:
    """The names of all installed recipes, sorted."""
    return sorted(_registered(GROUP))


def find_recipe(name: str) -> Recipe:
    """Find an installed recipe (entry-point group ``coopbench.recipes``), or the one in a file.

    Args:
        name: name of the recipe, or path of a file with a suffix that a reader is registered for.

    Raises:
        UsageError: the recipe is not installed; the message names those that are, and the most
            similar name.
        PluginError: the recipe's package cannot be loaded.
        CoopbenchError: the file is missing, or is not a recipe.
    """
    suffix = Path(name).suffix.removeprefix(".")
    if suffix in _registered(READERS):
        return find_reader(suffix).read(Path(name))
    registered = _registered(GROUP)
    if name not in registered:
        raise UsageError(
            f"no recipe is called '{name}'; there are "
            f"{', '.join(sorted(registered))}, or give a .toml file"
            f"{nearest(name, registered)}"
        )
    kind = load("recipe", registered[name])
    who = origin("recipe", registered[name])
    with blamed_on(who, "its start"):
        recipe = kind()
    if not isinstance(recipe, Recipe):
        raise PluginError(f"{who}: is not a benchmark.corrupted_sets.recipe.Recipe")
    return recipe


def find_reader(suffix: str) -> RecipeReader:
    """The reader of recipe files with this suffix (without a dot)."""
    reader: RecipeReader = load("reader of recipes", _registered(READERS)[suffix])
    return reader


def recipe_again(name: str, definition: Mapping[str, Any] | None) -> Recipe:
    """The recipe that a manifest names or defines.

    Raises:
        CoopbenchError: the recipe is not installed here.
    """
    if definition is not None:
        return find_reader("toml").parse(definition)
    try:
        return find_recipe(name)
    except UsageError as error:
        raise CoopbenchError(f"the manifest's recipe is not installed: {error}") from error


def _registered(group: str) -> dict[str, list[EntryPoint]]:
    return installed(group)
