"""Figure of the methods' segmentations of one case of each test set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.figures.overlay import (
    Image,
    Label,
    crop_box,
    draw_contours,
    show_image,
    structure_handles,
)
from results.figures.style import (
    EDGE,
    NOTE_LINE,
    mark_phantom,
    styled,
    wrapped_notes,
    write_notes,
)
from results.scores.order import further_sets, ordered_titles, remark_notes
from results.scores.published import POSTER_SETS

CHOICES = ("best", "median", "worst")
"""The choice of a test set's case, by the mean Dice over the drawn methods."""


@dataclass(frozen=True)
class CaseSlice:
    """A slice of a case with its label and predictions; image (h, w) in [0, 1], maps (h, w)."""

    test_set: str
    name: str
    """Subject, frame and draw."""
    image: Image
    label: Label
    predictions: Mapping[str, Label]
    """Predictions by method."""
    dice: Mapping[str, float]
    """Dice of the whole volume, mean over its structures, by method."""


def qualitative_figure(
    cases: Sequence[CaseSlice],
    choice: str,
    output: str,
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    notes: Sequence[str] = (),
) -> Figure | None:
    """Draw a row for each test set and a column for each method; None if there is no case.

    White: the label; coloured: the prediction. A number is the Dice of the volume.
    """
    if not cases:
        return None
    by_set = {one.test_set: one for one in cases}
    rows = [name for name in POSTER_SETS if name in by_set] + further_sets(by_set)
    shown = ordered_titles(cases[0].predictions, titles, remarks)
    label_room, gap = 0.95, 0.05
    side = min(1.25, max(0.6, (7.2 - 2 * EDGE - label_room) / len(shown) - gap))
    longest = max(len(title) for title in shown.values())
    slanted = longest * 0.062 > side + gap
    tail = longest * 0.05 if slanted else 0.0  # the last title is wider than its column
    width = max(5.2, 2 * EDGE + label_room + len(shown) * (side + gap) + tail)
    lines = wrapped_notes(
        [
            f"The {choice} case of each test set by the mean Dice of {output} over the methods "
            "shown; the slice with the largest label. White: label; coloured: prediction; number: "
            "Dice of the volume, mean over structures.",
            *remark_notes(shown, remarks),
            *notes,
        ],
        width,
    )
    bottom = EDGE + NOTE_LINE * len(lines) + 0.3
    head = 0.16 + (longest * 0.042 if slanted else 0.0)
    top = EDGE + head + (0.24 if phantom else 0.0)
    height = bottom + len(rows) * (side + gap) + top
    with styled():
        figure = Figure(figsize=(width, height))
        for row, name in enumerate(rows):
            one = by_set[name]
            low = height - top - (row + 1) * side - row * gap
            box = crop_box([one.label, *one.predictions.values()])
            figure.text(
                EDGE / width,
                (low + side / 2) / height,
                f"{name}\n{one.name}",
                va="center",
                fontsize=6,
                linespacing=1.3,
            )
            for column, (method, title) in enumerate(shown.items()):
                left = EDGE + label_room + column * (side + gap)
                ax = figure.add_axes((left / width, low / height, side / width, side / height))
                ax.set_gid(f"{name}/{method}")
                show_image(ax, one.image[box])
                draw_contours(ax, one.label[box], colour="white", width=0.9)
                draw_contours(ax, one.predictions[method][box], width=0.9)
                ax.text(
                    0.97, 0.03, f"{one.dice[method]:.3f}", transform=ax.transAxes, ha="right",
                    va="bottom", fontsize=5.5, color="white",
                    bbox={"facecolor": "black", "alpha": 0.6, "pad": 1, "edgecolor": "none"},
                )  # fmt: skip
                if row == 0:
                    ax.text(
                        0.5, 1.04, title, transform=ax.transAxes, fontsize=6.5, va="bottom",
                        ha="left" if slanted else "center", rotation=40 if slanted else 0,
                        rotation_mode="anchor",
                    )  # fmt: skip
        figure.legend(
            handles=[
                Line2D([], [], color="0.75", linewidth=2, label="label (white)"),
                *structure_handles(),
            ],
            loc="lower center",
            bbox_to_anchor=(0.5, (EDGE + NOTE_LINE * len(lines) + 0.05) / height),
            ncols=4,
            fontsize=6.5,
            frameon=False,
            borderaxespad=0,
        )
        write_notes(figure, lines)
        if phantom:
            mark_phantom(figure)
        return figure


def qualitative_alt(cases: Sequence[CaseSlice], choice: str) -> str:
    """A description of the figure, for readers who cannot see it."""
    each = "; ".join(
        f"{one.test_set} {one.name}: Dice {min(one.dice.values()):.3f} to "
        f"{max(one.dice.values()):.3f}"
        for one in cases
    )
    return f"Contours of label and prediction on the {choice} case of each test set. {each}."
