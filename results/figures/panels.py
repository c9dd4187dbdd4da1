"""Draw panels side by side, laid out in inches: rows of boxes, or lines above a legend."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import boxplot_stats
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from results.figures.style import (
    EDGE,
    NOTE_LINE,
    colours,
    mark_phantom,
    text_width,
    wrapped_notes,
    write_notes,
)

BOX_LEGEND = (
    "Box: median and quartiles over subjects; whiskers: furthest subject within 1.5 interquartile "
    "ranges; diamond: mean."
)

_BOX = 0.5  # height of a box in rows
_FACET, _GAP = 0.9, 0.1  # inches: a panel's width, and between two
_LEAST_FACET = 0.5
_PAGE = 7.0  # inches: a two-column page; panels become narrower to fit
_MARKERS = "osD^vPX*"
_DASHES = ("-", "--", ":", "-.")


def row_panels(
    labels: list[str],
    columns: list[str],
    rows: list[str],
    *,
    quantity: str,
    footer: Sequence[str],
    phantom: bool,
) -> list[list[Axes]]:
    """Make empty panels side by side, with labelled rows, laid out in inches.

    All share the axis of the ``quantity``; an empty title in ``rows`` takes no space.
    """
    figure = Figure()
    canvas = FigureCanvasAgg(figure)
    left = EDGE + 0.08 + max(text_width(canvas, label) for label in labels)
    room = (_PAGE - left - EDGE + _GAP) / len(columns) - _GAP
    wanted = min(_FACET, max(_LEAST_FACET, room))
    # The phantom mark needs 5.2 inches.
    width = max(left + len(columns) * (wanted + _GAP) - _GAP + EDGE, 5.2)
    facet = (width - left - EDGE + _GAP) / len(columns) - _GAP
    lines = wrapped_notes(footer, width)
    bottom = 0.56 + NOTE_LINE * len(lines)
    panel = len(labels) * (0.19 if len(labels) > 6 else 0.27)
    between = 0.28
    top = 0.44 + (0.22 if phantom else 0.0)
    height = bottom + len(rows) * panel + (len(rows) - 1) * between + top
    figure.set_size_inches(width, height)

    axes: list[list[Axes]] = []
    for row, title in enumerate(rows):
        low = height - top - (row + 1) * panel - row * between
        panels: list[Axes] = []
        for column, name in enumerate(columns):
            box = (left + column * (facet + _GAP), low, facet, panel)
            ax = figure.add_axes(
                (box[0] / width, box[1] / height, box[2] / width, box[3] / height),
                sharex=axes[0][0] if axes else (panels[0] if panels else None),
            )
            dress_rows(ax, labels if column == 0 else [""] * len(labels), row == len(rows) - 1)
            if row == 0:
                ax.set_title(name, fontsize=7.5 * min(1, 15 * facet / _FACET / len(name)), pad=17)
            panels.append(ax)
        figure.text(
            left / width, (low + panel + 0.05) / height, title, fontsize=7.5, fontweight="bold"
        )
        axes.append(panels)
    centre = (left + width - EDGE) / 2 / width
    figure.text(centre, (bottom - 0.34) / height, quantity, ha="center", fontsize=7.5)
    write_notes(figure, lines)
    if phantom:
        mark_phantom(figure)
    return axes


def dress_rows(ax: Axes, labels: list[str], last: bool) -> None:
    """Draw row labels, light bands across the panels, and a thin frame."""
    for place in range(0, len(labels), 2):
        ax.axhspan(place - 0.5, place + 0.5, color="0.955", linewidth=0, zorder=0)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_yticks(range(len(labels)), labels)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelbottom=last, labelsize=6)
    ax.grid(axis="x", color="0.85", linewidth=0.5)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)


def draw_box(ax: Axes, place: int, colour: str, values: pd.Series | None) -> None:
    """Draw one box with its points, or the word "missing"."""
    if values is None:
        ax.text(
            0.5, place, "missing", transform=ax.get_yaxis_transform(), ha="center", va="center",
            fontsize=5.8, style="italic", color="0.35",
        )  # fmt: skip
        return
    # Spread points over the row by the golden ratio: even, and the same in every run.
    offsets = ((np.arange(len(values)) * 0.618034) % 1 - 0.5) * 0.62
    ax.scatter(
        values, place + offsets, s=18 / (1 + len(values) / 10), color=colour, alpha=0.75,
        linewidths=0, zorder=2,
    )  # fmt: skip
    # Draw the box here: boxplot's argument for horizontal boxes depends on matplotlib's version.
    (box,) = boxplot_stats(values.to_numpy())
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


def line_panels(
    titles: list[str],
    names: Mapping[str, str],
    *,
    quantities: list[str],
    along: str,
    footer: Sequence[str],
    phantom: bool,
    across: int,
    share: bool = True,
) -> tuple[list[Axes], dict[str, dict[str, Any]]]:
    """Make empty panels for lines, ``across`` side by side, above a legend of ``names``.

    ``quantities`` are the labels of the panels' vertical axes, ``along`` is that of the horizontal
    axis. Returns the panels, and the line style for each key of ``names``: methods differ in colour
    and marker, and after six methods also in dashes.
    """
    figure = Figure()
    canvas = FigureCanvasAgg(figure)
    drawn: dict[str, dict[str, Any]] = {
        name: {"color": colour, "marker": _MARKERS[i % len(_MARKERS)], "ls": _DASHES[i // 6 % 4]}
        for i, (name, colour) in enumerate(colours(list(names)).items())
    }
    down = -(-len(titles) // across)
    width = max(5.2, min(7.2, 0.55 + across * 1.65 + EDGE))
    lines = wrapped_notes(footer, width)
    entry = 0.42 + max(text_width(canvas, title) for title in names.values())
    per_line = max(1, int((width - 2 * EDGE) / entry))
    legend_lines = -(-len(names) // per_line)
    bottom = 2 * EDGE + NOTE_LINE * len(lines) + 0.15 * legend_lines + 0.12
    top = 0.1 + (0.24 if phantom else 0.0)
    panel, title_room, axis_room = 1.25, 0.2, 0.32
    height = bottom + down * (panel + title_room + axis_room) + top
    figure.set_size_inches(width, height)
    left, gap = 0.55, 0.12 if share else 0.5
    facet = (width - left - EDGE - gap * (across - 1)) / across
    panels: list[Axes] = []
    for place, title in enumerate(titles):
        row, column = divmod(place, across)
        low = height - top - (row + 1) * (panel + title_room) - row * axis_room
        ax = figure.add_axes(
            (
                (left + column * (facet + gap)) / width,
                low / height,
                facet / width,
                panel / height,
            ),
            sharey=panels[0] if share and panels else None,
        )
        ax.set_title(title, fontsize=7.5, pad=4)
        ax.tick_params(labelsize=6, labelleft=not share or column == 0)
        ax.grid(color="0.88", linewidth=0.5)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        if not share or column == 0:
            ax.set_ylabel(quantities[place], fontsize=7)
        if place + across >= len(titles):
            ax.set_xlabel(along, fontsize=7, labelpad=2)
        panels.append(ax)
    handles = [
        Line2D([], [], label=title, markersize=3, linewidth=1.1, **drawn[name])
        for name, title in names.items()
    ]
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, (EDGE + NOTE_LINE * len(lines) + 0.03) / height),
        ncols=min(per_line, len(names)),
        fontsize=6.5,
        frameon=False,
        columnspacing=1.0,
        handlelength=2.4,
        borderaxespad=0,
        labelspacing=0.25,
    )
    write_notes(figure, lines)
    if phantom:
        mark_phantom(figure)
    return panels, drawn
