"""The interface of a recipe of corruptions, and how recipes are found."""

import difflib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UsageError

GROUP = "coopbench.recipes"


@dataclass(frozen=True)
class Corrupted:
    """A corrupted stack (slices, H, W), and the parameters drawn for it as JSON values."""

    slices: NDArray[np.float32]
    parameters: dict[str, Any]


class Recipe(ABC):
    """A set of corruptions, each applied to stacks of short-axis slices."""

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[int]
    """Raised whenever the same seed would give other voxels."""
    kinds: ClassVar[tuple[str, ...]]
    """Each kind becomes a test set of its own, under this name."""
    draws: ClassVar[int]
    """Independent draws per subject and kind."""
    field: ClassVar[int]
    """Height and width of the centre that is corrupted, in pixels."""
    packages: ClassVar[tuple[str, ...]]
    """The libraries whose version the voxels depend on."""

    @abstractmethod
    def corrupt(self, slices: NDArray[np.float32], kind: str, seed: int) -> Corrupted:
        """Corrupt slices (slices, field, field) in [0, 1] by ``kind``; the same seed, the same."""


def find_recipe(name: str) -> Recipe:
    """The recipe registered as ``name`` in the entry-point group ``coopbench.recipes``.

    Raises:
        UsageError: no such recipe is installed; near matches are named.
    """
    registered = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in registered:
        near = difflib.get_close_matches(name, registered, n=3, cutoff=0.4) or sorted(registered)
        raise UsageError(f"no recipe is called '{name}'; there are {', '.join(near)}")
    recipe: Recipe = registered[name].load()()
    return recipe
