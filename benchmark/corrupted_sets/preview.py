"""Draw a picture of a recipe: a clean slice, and every kind at every severity."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import numpy as np
from numpy.typing import NDArray

from benchmark.core.files import whole_file
from benchmark.core.streams import quiet_matplotlib
from benchmark.corrupted_sets.corrupt_volume import corrupt_in_range, volume_seed
from benchmark.corrupted_sets.recipe import Recipe, Spacing, Stack
from benchmark.data.field import centre_field
from results.wording import PHANTOM_MARK

with quiet_matplotlib():
    import matplotlib
    from matplotlib.figure import Figure

SIDE = 1.15
"""Width and height of one panel, in inches."""

CHARACTERS = 14
"""Characters of a bold title per inch."""


@dataclass(frozen=True)
class Example:
    """The volume that a preview shows: slices (slices, H, W), their spacing, and a name."""

    slices: Stack
    spacing: Spacing
    name: str
    phantom: bool
    """Whether it shows a synthetic heart; the picture then says so."""


def preview(recipe: Recipe, example: Example, path: Path, *, seed: int) -> None:
    """Draw a recipe into a PNG file: a row for each kind, a column for each severity or draw."""
    rows: dict[str, list[tuple[str, str, int]]] = {}
    for kind in recipe.kinds:
        family, severity = recipe.family(kind)
        grade = "" if severity is None else f"severity {severity}"
        for draw in range(1, recipe.draws + 1):
            label = " ".join(filter(None, (grade, f"draw {draw}" if recipe.draws > 1 else "")))
            rows.setdefault(family, []).append((label, kind, draw))
    columns = 1 + max(len(row) for row in rows.values())
    title = f"{recipe.title}, version {recipe.version}: {example.name}, middle slice"
    mark = fill(PHANTOM_MARK, round(CHARACTERS * SIDE * columns)) if example.phantom else ""
    head = 0.5 + 0.15 * len(mark.splitlines())
    with matplotlib.rc_context({"font.size": 7, "text.parse_math": False}):
        figure = Figure(figsize=(SIDE * columns, SIDE * len(rows) + head), layout="constrained")
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for line, (family, cells) in zip(axes, rows.items(), strict=True):
            line[0].set_ylabel(family)
            _show(line[0], _middle(recipe, example.slices), "clean")
            for axis, (label, kind, draw) in zip(line[1:], cells, strict=False):
                drawn = volume_seed(recipe, seed, kind, example.name, draw)
                corrupted = corrupt_in_range(
                    recipe, example.slices, kind, seed=drawn, spacing=example.spacing
                )
                _show(axis, _middle(recipe, corrupted.slices), label)
            for axis in line[1 + len(cells) :]:
                axis.set_axis_off()
        top = figure.suptitle("\n".join(filter(None, (mark, title))))
        if mark:
            top.set(color="#B22222", fontweight="bold")
        with whole_file(path) as partial:
            figure.savefig(partial, dpi=150, metadata={"Software": None})


def _middle(recipe: Recipe, slices: Stack) -> NDArray[np.float32]:
    """The field of the middle slice."""
    middle = slices[len(slices) // 2]
    return middle if recipe.field is None else centre_field(middle, recipe.field)


def _show(axis: "matplotlib.axes.Axes", picture: NDArray[np.float32], title: str) -> None:
    axis.imshow(picture, cmap="gray", interpolation="nearest")
    axis.set_title(title, pad=2)
    axis.set_xticks([])
    axis.set_yticks([])
