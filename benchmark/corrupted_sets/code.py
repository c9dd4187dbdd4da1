"""Record the code of other packages' recipes, to notice when it has changed since a set was made.

Our own recipes raise their version whenever the same seed would give other voxels, and recipes in
files are recorded as a whole. For a recipe of another package, the record has a digest of its
source files.
"""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint
from typing import Literal

from benchmark.core.code import OWN, record_code
from benchmark.core.errors import CoopbenchError
from benchmark.core.files import digest
from benchmark.core.plugins import installed
from benchmark.corrupted_sets.recipe import GROUP, Recipe, find_recipe
from benchmark.data.dataset import Dataset
from results.wording import listed

OnChange = Literal["keep", "remake"]
"""What to do with a set made by an earlier version of its recipe's code."""

PREFIX = "code of recipe "
"""Prefix of the name under which a set records a recipe's code."""

CHOICE = "--remake makes it again, --keep leaves it as it is"


def recipe_code(recipe: Recipe) -> dict[str, str]:
    """Package, version and source digest of another package's recipe, under one name.

    Empty for our own recipes, and for those in files.
    """
    return {} if recipe.definition is not None else _code(type(recipe))


@cache  # loaded classes do not change
def _code(kind: type[Recipe]) -> dict[str, str]:
    entry = _entry(kind)
    if entry is None or entry.dist is None or entry.dist.name == OWN:
        return {}
    record = record_code(entry, commit=None)
    return {f"{PREFIX}{entry.name}": f"{record.name}, {digest(record.files)[:12]}"}


def _entry(kind: type[Recipe]) -> EntryPoint | None:
    """The entry point that names a class."""
    every = (entry for entries in installed(GROUP).values() for entry in entries)
    named = (kind.__module__, kind.__qualname__)
    return next((entry for entry in every if (entry.module, entry.attr) == named), None)


def other_code(made_with: dict[str, str], recipe: Recipe) -> str:
    """Describe how the recipe's code that made a set differs from the installed code; else empty.

    Args:
        made_with: the ``software`` of the set.
        recipe: the installed recipe.
    """
    for name, now in recipe_code(recipe).items():
        before = made_with.get(name)
        if before is None:
            return f"the {name} that made it was not recorded"
        if before != now:
            return f"made by other {name} ({before}) than is installed now ({now})"
    return ""


def code_notes(datasets: Iterable[Dataset]) -> list[str]:
    """Notes for tables on corrupted sets whose recipe's code has changed."""
    titles: dict[str, list[str]] = {}
    for dataset in datasets:
        recorded = any(name.startswith(PREFIX) for name in dataset.software)
        if dataset.corruption is None or not (recorded or _foreign(dataset)):
            continue
        name = dataset.corruption.made_by.recipe
        try:
            said = other_code(dataset.software, find_recipe(name))
        except CoopbenchError:
            said = f"recipe {name} is not installed here, so its code could not be compared"
        if said:
            titles.setdefault(said, []).append(dataset.title)
    return [f"{listed(names)}: {said}." for said, names in titles.items()]


def _foreign(dataset: Dataset) -> bool:
    """Whether the recipe is of another package; imports nothing, since it is called for all
    sets."""
    assert dataset.corruption is not None
    entries = installed(GROUP).get(dataset.corruption.made_by.recipe, [])
    return any(entry.dist is not None and entry.dist.name != OWN for entry in entries)
