"""Figure of the poster's table as a heat map."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from results.figures.style import (
    EDGE,
    NOTE_LINE,
    mark_phantom,
    styled,
    text_width,
    wrapped_notes,
    write_notes,
)
from results.figures.words import least_and_most
from results.scores.published import AVERAGES
from results.tables.poster_table import PosterTable
from results.wording import some_of

_WIDTH, _HEIGHT = 0.52, 0.22  # inches of a cell


def heat_figure(table: PosterTable, *, notes: Sequence[str] = ()) -> Figure:
    """Draw the means of a table: methods by test sets, with the averages apart.

    Columns without any number are left out; a missing cell is hatched. The remarks on methods and
    the phantom mark are the table's own.
    """
    import seaborn

    mean = table.mean.dropna(axis=1, how="all")
    averages = [str(name) for name in mean if name in AVERAGES.values()]
    sets = [str(name) for name in mean if name not in averages]
    blocks = [block for block in (sets, averages) if block]
    labels = [table.titles[str(name)] for name in mean.index]
    notes = [
        f"{table.headers[name]}: mean over {some_of(table.averaged[name], 'test sets')}."
        for name in averages
    ] + [note for note in table.notes if note.startswith("‡")] + list(notes)  # fmt: skip
    low, high = float(np.nanmin(mean)), float(np.nanmax(mean))
    with styled():
        figure = Figure()
        canvas = FigureCanvasAgg(figure)
        heads = [table.headers[str(name)] for name in mean]
        head_room = 0.12 + max(text_width(canvas, head) for head in heads) * 0.8
        left = EDGE + 0.08 + max(text_width(canvas, label) for label in labels)
        gap = 0.12
        width = left + _WIDTH * mean.shape[1] + gap * (len(blocks) - 1) + 0.8
        width = max(width, 5.2)
        lines = wrapped_notes(notes, width)
        bottom = 2 * EDGE + NOTE_LINE * len(lines)
        top = head_room + 0.1 + (0.24 if table.phantom else 0.0)
        height = bottom + _HEIGHT * len(mean) + top
        figure.set_size_inches(width, height)
        x, panel = left, _HEIGHT * len(mean)
        for number, block in enumerate(blocks):
            wide = _WIDTH * len(block)
            ax = figure.add_axes((x / width, bottom / height, wide / width, panel / height))
            values = mean[block]
            seaborn.heatmap(
                values,
                ax=ax,
                cmap="cividis",
                vmin=low,
                vmax=high,
                annot=values.map(lambda value: "" if np.isnan(value) else f"{value:.3f}"),
                fmt="",
                annot_kws={"fontsize": 7},
                cbar=False,
                linewidths=0.6,
                linecolor="white",
                xticklabels=[table.headers[str(name)] for name in block],
                yticklabels=labels if number == 0 else False,
            )
            ax.set_facecolor("0.93")
            for row, column in zip(*np.nonzero(values.isna().to_numpy()), strict=True):
                ax.text(
                    column + 0.5, row + 0.5, "missing", ha="center", va="center", fontsize=5.5,
                    style="italic", color="0.35",
                )  # fmt: skip
            ax.set(xlabel="", ylabel="")
            ax.xaxis.tick_top()
            ax.tick_params(length=0)
            ax.tick_params(axis="x", rotation=40)
            for label in ax.get_xticklabels():
                label.set_horizontalalignment("left")
                label.set_rotation_mode("anchor")
            ax.tick_params(axis="y", rotation=0)
            x += wide + gap
        bar = figure.add_axes(((x + 0.02) / width, bottom / height, 0.08 / width, panel / height))
        figure.colorbar(figure.axes[0].collections[0], cax=bar, label="Dice").outline.set_visible(
            False
        )
        bar.tick_params(labelsize=6, width=0.5)
        write_notes(figure, lines)
        if table.phantom:
            mark_phantom(figure)
        return figure


def heat_alt(table: PosterTable) -> str:
    """A description of the figure, for readers who cannot see it."""
    values = table.mean.rename_axis("method").reset_index()
    values = values.melt("method", var_name="column", value_name="dice").dropna()
    low, high = least_and_most(
        values,
        "dice",
        lambda row: f"{row['dice']:.4f} ({table.titles[row['method']]}, {row['column']})",
    )
    return f"Heat map of mean Dice of {len(table.mean)} methods, from {low} to {high}."
