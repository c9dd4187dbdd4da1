"""Which code a recipe of another package is, to tell when a set was made by other code.

Our own recipes raise their version whenever the same seed would give other voxels, and recipes in
files are recorded as a whole; of another package's, its source files tell.
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
"""What to do with a set that other code of its recipe has made."""

PREFIX = "code of recipe "
"""Of the name that a set records it by."""

CHOICE = "--remake makes it anew, --keep leaves it as it is"


def recipe_code(recipe: Recipe) -> dict[str, str]:
    """Package, version and a digest of the sources of another package's recipe, under one name.

    Empty for our own, and for those in files.
    """
    return {} if recipe.definition is not None else _code(type(recipe))


@cache  # of a class, as loaded
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
    """In which code of a recipe a set differs from what is installed; empty where in none.

    Args:
        made_with: the ``software`` of the set.
        recipe: as installed here.
    """
    for name, now in recipe_code(recipe).items():
        before = made_with.get(name)
        if before is None:
            return f"the {name} that made it was not recorded"
        if before != now:
            return f"made by other {name} ({before}) than is installed now ({now})"
    return ""


def code_notes(datasets: Iterable[Dataset]) -> list[str]:
    """What a table must say of the recipes of its corrupted sets, where their code changed."""
    titles: dict[str, list[str]] = {}
    for dataset in datasets:
        recorded = any(name.startswith(PREFIX) for name in dataset.software)
        if dataset.corruption is None or not (recorded or _foreign(dataset)):
            continue
        name = dataset.corruption.made_by.recipe
        try:
            said = other_code(dataset.software, find_recipe(name))
        except CoopbenchError:
            said = f"recipe {name} is not installed here, so that its code was not compared"
        if said:
            titles.setdefault(said, []).append(dataset.title)
    return [f"{listed(names)}: {said}." for said, names in titles.items()]


def _foreign(dataset: Dataset) -> bool:
    """Whether another package has the recipe; asked of all sets, so nothing is imported."""
    assert dataset.corruption is not None
    entries = installed(GROUP).get(dataset.corruption.made_by.recipe, [])
    return any(entry.dist is not None and entry.dist.name != OWN for entry in entries)
