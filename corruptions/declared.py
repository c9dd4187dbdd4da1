"""Recipes as data: which corruptions, at which severities, in which units.

A recipe is a TOML file:

    format = "coopbench-recipe-1"
    name = "my-recipe"
    title = "My recipe"
    version = 1            # raise it whenever the voxels change
    draws = 3              # per subject and kind
    field = 192            # the centre that is corrupted, in pixels; leave it out for whole slices
    units = "mm"           # of the lengths of motion and blur; or "pixel"

    [kinds.Motion]         # becomes the test sets Motion-1, Motion-3 and Motion-5
    corruption = "motion"
    severities = [1, 3, 5]

    [kinds.Snow]           # becomes the test set Snow
    corruption = "noise"
    strength = { sigma = 0.3 }
"""

import difflib
from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

import corruptions
from benchmark.core.errors import CoopbenchError
from benchmark.core.parsing import parse_toml
from benchmark.core.text import read_text
from benchmark.core.validation import faults
from benchmark.corrupted_sets.recipe import Corrupted, Recipe, Spacing, Stack
from corruptions.corruption import Corruption, Strength

CORRUPTIONS: dict[str, type[Corruption]] = {
    kind.name: kind
    for kind in (getattr(corruptions, name) for name in corruptions.__all__)
    if isinstance(kind, type) and issubclass(kind, Corruption) and kind is not Corruption
}

Name = Annotated[str, StringConstraints(pattern=r"^\w[\w.]*(-[\w.]+)*$", max_length=80)]


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Kind(_Definition):
    """One corruption in a recipe, with either some of its severities, or a custom strength."""

    corruption: str
    severities: tuple[Annotated[int, Field(ge=1, le=5)], ...] = ()
    strength: dict[str, float] | None = None

    @field_validator("severities")
    @classmethod
    def _each_once(cls, severities: tuple[int, ...]) -> tuple[int, ...]:
        if twice := sorted({one for one in severities if severities.count(one) > 1}):
            raise ValueError(f"names {', '.join(map(str, twice))} more than once")
        return severities


class Definition(_Definition):
    """The content of a recipe file."""

    format: Literal["coopbench-recipe-1"]
    name: Name
    title: str = Field(min_length=1)
    version: int = Field(ge=1)
    draws: int = Field(1, ge=1)
    field: int | None = Field(None, ge=16)
    units: Literal["pixel", "mm"] = "pixel"
    kinds: dict[Name, Kind] = Field(min_length=1)


class DeclaredRecipe(Recipe):
    """A recipe made of the corruptions of this package.

    Args:
        definition: the content of the recipe file.

    Raises:
        ValueError: a corruption or a strength in it does not exist.
    """

    packages = ("torchio", "torch", "simpleitk", "numpy", "scipy")

    def __init__(self, definition: Definition) -> None:
        self.definition = definition.model_dump(mode="json")
        self.name, self.title = definition.name, definition.title
        self.version, self.draws, self.field = (
            definition.version,
            definition.draws,
            definition.field,
        )
        self.units = definition.units
        self._grades: dict[str, tuple[str, int | None, type[Corruption], Strength]] = {}
        for name, kind in definition.kinds.items():
            self._add(name, kind)
        self.kinds = tuple(self._grades)

    def _add(self, name: str, kind: Kind) -> None:
        if kind.corruption not in CORRUPTIONS:
            near = difflib.get_close_matches(kind.corruption, CORRUPTIONS, n=1, cutoff=0)[0]
            raise ValueError(
                f"kinds.{name}: no corruption '{kind.corruption}'; did you mean '{near}'?"
            )
        corruption = CORRUPTIONS[kind.corruption]
        if bool(kind.severities) == (kind.strength is not None):
            raise ValueError(f"kinds.{name}: give either severities or a strength")
        if kind.strength is None:
            for severity in kind.severities:
                strength = corruption.ladder[severity - 1]
                self._grades[f"{name}-{severity}"] = (name, severity, corruption, strength)
            return
        try:
            own = type(corruption.ladder[0]).model_validate(kind.strength)
        except ValidationError as error:
            first = faults(error, type(corruption.ladder[0]))[0]
            raise ValueError(f"kinds.{name}.strength.{first}") from error
        self._grades[name] = (name, None, corruption, own)

    @classmethod
    def parse(cls, definition: Mapping[str, Any]) -> Self:
        """Make a recipe from its definition.

        Raises:
            CoopbenchError: the definition is not valid; the message names the key.
        """
        try:
            return cls(Definition.model_validate(definition))
        except ValidationError as error:
            raise CoopbenchError(*faults(error, Definition)) from error
        except ValueError as error:
            raise CoopbenchError(str(error)) from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a recipe from a TOML file.

        Raises:
            CoopbenchError: the file is missing or not valid; the message names file and key.
        """
        try:
            definition = parse_toml(read_text(path))
        except ValueError as error:
            raise CoopbenchError(f"{path}: is not valid TOML ({error})") from error
        try:
            return cls.parse(definition)
        except CoopbenchError as error:
            raise CoopbenchError(*(f"{path}: {line}" for line in error.lines)) from error

    def family(self, kind: str) -> tuple[str, int | None]:
        """Split the name of a set into the file's name of the kind, and the severity."""
        return self._grades[kind][:2]

    def corrupt(self, slices: Stack, kind: str, seed: int, spacing: Spacing) -> Corrupted:
        """Corrupt slices (slices, H, W) in [0, 1]; the values returned may leave that range."""
        _, _, corruption, strength = self._grades[kind]
        pixel = spacing[1:] if self.units == "mm" else (1.0, 1.0)
        shape = (slices.shape[0], slices.shape[1], slices.shape[2])
        drawn = corruption.draw(strength, shape, pixel, np.random.default_rng(seed))
        return Corrupted(corruption.apply_to(slices, drawn), drawn)

    def replay(self, slices: Stack, kind: str, parameters: dict[str, Any]) -> Stack:
        """Apply the corruption of this kind with these parameters."""
        return self._grades[kind][2].apply_to(slices, parameters)


def _shipped(name: str) -> DeclaredRecipe:
    return DeclaredRecipe.read(Path(str(files("corruptions").joinpath(f"{name}.toml"))))


acdc_c_severity = partial(_shipped, "acdc_c_severity")
mr_c = partial(_shipped, "mr_c")
