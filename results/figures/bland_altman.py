"""Bland-Altman plots of predicted clinical measures against those of the labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from results.analysis.clinical import DENSITY, LIMITS, UNITS, ClinicalPairs, agreement
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
from results.figures.words import least_and_most
from results.scores.order import ordered_titles, remark_notes

_WIDE, _HIGH, _GAP = 1.0, 0.85, 0.34  # inches: a panel, and the space for its ticks


def bland_altman_figure(
    clinical: ClinicalPairs,
    test_set: str,
    *,
    output: str,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    notes: Sequence[str] = (),
) -> Figure | None:
    """Draw every pair of a set: difference against mean, methods by measures (`UNITS`).

    Lines show the bias and the two limits of agreement, each a mean over repeats, as in the table
    of agreement. None if the set has no such measures.
    """
    pairs = _of(clinical, test_set, output)
    if pairs.empty:
        return None
    shown = ordered_titles(pairs["method"].unique(), titles, remarks)
    measures = [name for name in UNITS if name in set(pairs["measure"])]
    lines = agreement(pairs).groupby(["method", "measure"])[["bias", "low", "high"]].mean()
    footer = [
        f"{test_set}, {output}. Across: mean of label and prediction; upright: prediction minus "
        f"label. Point: a subject (and draw) of a repeat. Line: bias; dashes: bias ± {LIMITS} "
        f"standard deviations (Bland and Altman, Lancet 1986). LV mass: MYO at ED times {DENSITY} "
        "g/ml.",
        *remark_notes(shown, remarks),
        *notes,
    ]
    with styled():
        return _draw(pairs, lines, shown, measures, footer, phantom)


def _of(clinical: ClinicalPairs, test_set: str, output: str) -> pd.DataFrame:
    pairs = clinical.pairs
    return pairs[(pairs["test_set"] == test_set) & (pairs["output"] == output)]


def _draw(
    pairs: pd.DataFrame,
    lines: pd.DataFrame,
    shown: Mapping[str, str],
    measures: Sequence[str],
    footer: Sequence[str],
    phantom: bool,
) -> Figure:
    figure = Figure()
    canvas = FigureCanvasAgg(figure)
    left = 2 * EDGE + max(text_width(canvas, title) for title in shown.values()) + _GAP
    width = max(left + len(measures) * (_WIDE + _GAP) - _GAP + EDGE, 5.2)
    wrapped = wrapped_notes(footer, width)
    bottom = 2 * EDGE + NOTE_LINE * len(wrapped) + 0.15
    top = 0.3 + (0.24 if phantom else 0.0)
    height = bottom + len(shown) * (_HIGH + 0.25) - 0.1 + top
    figure.set_size_inches(width, height)
    points = pairs.assign(
        mean=(pairs["label"] + pairs["prediction"]) / 2,
        difference=pairs["prediction"] - pairs["label"],
    )
    found: dict[Any, Any] = lines.to_dict("index")
    for column, measure in enumerate(measures):
        first = None
        for row, (method, colour) in enumerate(colours(list(shown)).items()):
            low = height - top - (row + 1) * _HIGH - row * 0.25
            corner = (left + column * (_WIDE + _GAP), low)
            ax = figure.add_axes(
                (corner[0] / width, corner[1] / height, _WIDE / width, _HIGH / height),
                sharex=first,
                sharey=first,
            )
            first = first or ax
            if row == 0:
                ax.set_title(f"{measure} ({UNITS[measure]})", fontsize=7.5, pad=4)
            if column == 0:
                place = ((left - _GAP) / width, (low + _HIGH / 2) / height)
                figure.text(*place, shown[method], ha="right", va="center", fontsize=7)
            ax.tick_params(labelsize=5.5, pad=1.5, labelbottom=row == len(shown) - 1)
            ax.xaxis.set_major_locator(MaxNLocator(3))
            ax.yaxis.set_major_locator(MaxNLocator(4))
            ax.grid(color="0.9", linewidth=0.4)
            ax.set_axisbelow(True)
            ax.spines[["top", "right"]].set_visible(False)
            ax.axhline(0, color="0.6", linewidth=0.5, zorder=1)
            own = points[(points["method"] == method) & (points["measure"] == measure)]
            ax.scatter(
                own["mean"], own["difference"], s=5, color=colour, alpha=0.7, linewidths=0, zorder=2
            )
            if (at := found.get((method, measure))) is not None:
                ax.axhline(at["bias"], color="0.15", linewidth=0.9, zorder=3)
                for limit in (at["low"], at["high"]):
                    ax.axhline(limit, color="0.15", linewidth=0.7, linestyle="--", zorder=3)
    write_notes(figure, wrapped)
    if phantom:
        mark_phantom(figure)
    return figure


def bland_altman_alt(
    clinical: ClinicalPairs,
    test_set: str,
    *,
    output: str,
    titles: Mapping[str, str] | None = None,
) -> str:
    """A description of the figure, for readers who cannot see it."""
    found = agreement(_of(clinical, test_set, output))
    shown = ordered_titles(found["method"].unique(), titles)
    fractions = found[found["measure"] == "LV EF"]
    words = f"Bland-Altman plots of clinical measures on {test_set} for {len(shown)} methods."
    if fractions.empty:
        return words
    means = fractions.groupby("method")["bias"].mean().reset_index()
    least, most = least_and_most(
        means, "bias", lambda row: f"{row['bias']:+.1f} % ({shown[row['method']]})"
    )
    return f"{words} The bias of the LV ejection fraction lies between {least} and {most}."
