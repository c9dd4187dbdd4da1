"""Dice per test set and method as a figure: every subject a point, a slim box over them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import boxplot_stats
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator

from results.errors import ScoreFileError
from results.figures.style import (
    EDGE,
    NOTE_LINE,
    colours,
    mark_phantom,
    styled,
    text_width,
    wrapped_notes,
    write_notes,
)
from results.order import further_sets, ordered_titles, remark_notes
from results.published import AVERAGES, POSTER_SETS
from results.scores import subject_scores

_BOX = 0.5  # height of a box in rows
_FACET, _GAP = 0.9, 0.1  # inches: a test set's width, and between two


def score_figure(
    scores: pd.DataFrame,
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    notes: Sequence[str] = (),
) -> Figure:
    """Draw a score table (see `results.scores.read_scores`), FTN above FTN+STN.

    Test sets stand side by side in the table's order, methods are labelled rows in the table's
    order, and all panels share one Dice axis. A point is a subject: the mean Dice of its frames,
    structures, draws and repeats, undefined scores left out. Boxes: median and quartiles over
    subjects, whiskers to the furthest subject within 1.5 interquartile ranges; diamond: mean.

    The figure belongs to no pyplot state. `remarks` on methods and `notes` are printed below it;
    `phantom` marks it as made from synthetic hearts. A method without scores for a set is marked
    "missing" there.

    Raises `ScoreFileError` where no score is defined.
    """
    subjects = subject_scores(scores)
    found = set(subjects["test_set"])
    if subjects.empty:
        raise ScoreFileError("scores: every Dice is empty, nothing to draw; check the evaluation")
    sets = [*(name for name in POSTER_SETS if name in found), *further_sets(found)]
    shown = ordered_titles(subjects["method"].unique(), titles, remarks)
    notes = [*remark_notes(shown, remarks), *notes]
    outputs = [output for output in AVERAGES if (subjects["output"] == output).any()]
    points = dict(iter(subjects.groupby(["output", "test_set", "method"])["dice"]))
    lowest = min(np.floor(subjects["dice"].min() * 10) / 10, 0.8)

    with styled():
        axes = _grid(list(shown.values()), sets, outputs, _footer(subjects, notes), phantom)
        for output, row in zip(outputs, axes, strict=True):
            for test_set, panel in zip(sets, row, strict=True):
                for place, (method, colour) in enumerate(colours(list(shown)).items()):
                    dice = points.get((output, test_set, method))
                    _draw_method(panel, place, colour, dice)
        # Shared by all panels.
        axes[0][0].set_xlim(lowest - 0.03, 1.03)
        axes[0][0].xaxis.set_major_locator(MultipleLocator(0.2 if lowest < 0.55 else 0.1))
        axes[0][0].xaxis.set_major_formatter("{x:.3g}")
        figure = axes[0][0].get_figure()
        assert isinstance(figure, Figure)
        return figure


def _footer(subjects: pd.DataFrame, notes: Sequence[str]) -> list[str]:
    counts = subjects.groupby("test_set")["subject"].nunique()
    missing = [name for name in POSTER_SETS if name not in counts.index]
    legend = (
        "Point: a subject, the mean of its frames, structures, draws and repeats. Box: median and "
        "quartiles over subjects; whiskers: furthest subject within 1.5 interquartile ranges; "
        "diamond: mean."
    )
    return [legend, *([f"No scores for {', '.join(missing)}."] if missing else []), *notes]


def _grid(
    labels: list[str], sets: list[str], outputs: list[str], footer: Sequence[str], phantom: bool
) -> list[list[Axes]]:
    """Empty panels, one row per output and one column per test set, laid out in inches."""
    figure = Figure()
    canvas = FigureCanvasAgg(figure)
    left = EDGE + 0.08 + max(text_width(canvas, label) for label in labels)
    # The phantom mark needs 5.2 inches.
    width = max(left + len(sets) * (_FACET + _GAP) - _GAP + EDGE, 5.2)
    facet = (width - left - EDGE + _GAP) / len(sets) - _GAP
    lines = wrapped_notes(footer, width)
    bottom = 0.56 + NOTE_LINE * len(lines)
    panel = len(labels) * (0.19 if len(labels) > 6 else 0.27)
    between = 0.28
    top = 0.44 + (0.22 if phantom else 0.0)
    height = bottom + len(outputs) * panel + (len(outputs) - 1) * between + top
    figure.set_size_inches(width, height)

    axes: list[list[Axes]] = []
    for row, output in enumerate(outputs):
        low = height - top - (row + 1) * panel - row * between
        panels: list[Axes] = []
        for column, name in enumerate(sets):
            box = (left + column * (facet + _GAP), low, facet, panel)
            ax = figure.add_axes(
                (box[0] / width, box[1] / height, box[2] / width, box[3] / height),
                sharex=axes[0][0] if axes else (panels[0] if panels else None),
            )
            _dress(ax, labels if column == 0 else [""] * len(labels), row == len(outputs) - 1)
            if row == 0:
                ax.set_title(name, fontsize=7.5 * min(1, 15 / len(name)), pad=17)
            panels.append(ax)
        figure.text(
            left / width, (low + panel + 0.05) / height, output, fontsize=7.5, fontweight="bold"
        )
        axes.append(panels)
    centre = (left + width - EDGE) / 2 / width
    figure.text(centre, (bottom - 0.34) / height, "Dice", ha="center", fontsize=7.5)
    write_notes(figure, lines)
    if phantom:
        mark_phantom(figure)
    return axes


def _dress(ax: Axes, labels: list[str], last: bool) -> None:
    """Row labels, light bands that lead the eye across panels, and a quiet frame."""
    for place in range(0, len(labels), 2):
        ax.axhspan(place - 0.5, place + 0.5, color="0.955", linewidth=0, zorder=0)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_yticks(range(len(labels)), labels)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelbottom=last, labelsize=6)
    ax.grid(axis="x", color="0.85", linewidth=0.5)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _draw_method(ax: Axes, place: int, colour: str, dice: pd.Series | None) -> None:
    """One box with its subjects, or the word that there are none."""
    if dice is None:
        ax.text(
            0.5, place, "missing", transform=ax.get_yaxis_transform(), ha="center", va="center",
            fontsize=5.8, style="italic", color="0.35",
        )  # fmt: skip
        return
    # Spread over the row by the golden ratio: even, and the same in every run.
    offsets = ((np.arange(len(dice)) * 0.618034) % 1 - 0.5) * 0.62
    ax.scatter(
        dice, place + offsets, s=18 / (1 + len(dice) / 10), color=colour, alpha=0.75,
        linewidths=0, zorder=2,
    )  # fmt: skip
    # Drawn by hand: the name of boxplot's argument for lying boxes depends on the release.
    (box,) = boxplot_stats(dice.to_numpy())
    line: dict[str, Any] = {"color": "0.15", "linewidth": 0.7, "zorder": 3}
    low, high = place - _BOX / 2, place + _BOX / 2
    tint, corner = to_rgba(colour, 0.22), (box["q1"], low)
    ax.add_patch(
        Rectangle(corner, box["iqr"], _BOX, fc=tint, ec="0.15", lw=0.7, zorder=2.5, gid="box")
    )
    ax.hlines([place] * 2, [box["whislo"], box["q3"]], [box["q1"], box["whishi"]], **line)
    ax.vlines(box["med"], low, high, **line | {"linewidth": 1.4})
    ax.plot(
        box["mean"], place, marker="D", markersize=2.8, markerfacecolor="white",
        markeredgecolor="0.15", markeredgewidth=0.6, zorder=4,
    )  # fmt: skip
