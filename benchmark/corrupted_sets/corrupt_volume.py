"""Corrupt a volume by a recipe: scale it, corrupt its centre field, and put the field back."""

from pathlib import Path
from typing import Any

from benchmark.core.errors import CoopbenchError
from benchmark.core.seeding import derive_seed
from benchmark.corrupted_sets.recipe import Corrupted, Recipe, Spacing, Stack
from benchmark.data.field import centre_field, inside_field, put_back, scale_slices


def corrupt_slices(
    recipe: Recipe,
    slices: Stack,
    kind: str,
    *,
    seed: int,
    spacing: Spacing,
    parameters: dict[str, Any] | None = None,
) -> Corrupted:
    """Corrupt slices (slices, H, W) as in the protocol, section 5.

    The centre field is scaled to [0, 1] slice by slice, corrupted, scaled to [0, 1] again, and put
    back. If ``parameters`` are given, they are applied and nothing is drawn.
    """
    field = slices if recipe.field is None else centre_field(slices, recipe.field)
    corrupted = _apply(recipe, field, kind, seed, spacing, parameters)
    return Corrupted(put_back(scale_slices(corrupted.slices), slices), corrupted.parameters)


def corrupt_in_range(
    recipe: Recipe,
    slices: Stack,
    kind: str,
    *,
    seed: int,
    spacing: Spacing,
    parameters: dict[str, Any] | None = None,
) -> Corrupted:
    """Corrupt slices (slices, H, W) of any intensities; each keeps its range in the field.

    As `corrupt_slices`, but slices smaller than the field are not padded.
    """
    whole = slices.copy()
    field = whole if recipe.field is None else inside_field(whole, recipe.field)
    low = field.min(axis=(-2, -1), keepdims=True)
    span = field.max(axis=(-2, -1), keepdims=True) - low
    corrupted = _apply(recipe, field, kind, seed, spacing, parameters)
    field[:] = low + span * scale_slices(corrupted.slices)
    return Corrupted(whole, corrupted.parameters)


def _apply(
    recipe: Recipe,
    field: Stack,
    kind: str,
    seed: int,
    spacing: Spacing,
    parameters: dict[str, Any] | None,
) -> Corrupted:
    scaled = scale_slices(field)
    if parameters is None:
        return recipe.corrupt(scaled, kind, seed, spacing)
    return Corrupted(recipe.replay(scaled, kind, parameters), parameters)


def volume_seed(recipe: Recipe, seed: int, kind: str, *name: object) -> int:
    """The seed of a volume; all severities of a kind share it, and so have the same direction."""
    return derive_seed(recipe.seed_name or recipe.name, seed, recipe.family(kind)[0], *name)


def not_applied(path: Path, kind: str, error: Exception) -> CoopbenchError:
    """The error for a recipe that raised ``error``."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return CoopbenchError(f"{path}: {kind} cannot be applied to it ({reason})")
