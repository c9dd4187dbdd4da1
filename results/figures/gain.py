"""Figure of the gain from refinement by the STN, subject by subject."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from results.figures.panels import BOX_LEGEND, draw_box, row_panels
from results.figures.style import colours, styled
from results.figures.words import least_and_most
from results.scores.order import ordered_sets, ordered_titles, remark_notes
from results.scores.published import AVERAGES
from results.wording import HIGHER, LOWER


def gains(subjects: pd.DataFrame) -> pd.DataFrame:
    """Dice of FTN+STN minus that of FTN by test_set, method and subject, as the column `gain`.

    ``subjects`` is from `subject_scores`; only subjects with both outputs count.
    """
    wide = subjects.pivot(index=["test_set", "method", "subject"], columns="output", values="dice")
    wide = wide.reindex(columns=list(AVERAGES))
    return (wide["FTN+STN"] - wide["FTN"]).dropna().rename("gain").reset_index()


def gain_figure(
    subjects: pd.DataFrame,
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    notes: Sequence[str] = (),
    tests: pd.DataFrame | None = None,
) -> Figure | None:
    """Draw `gains` by test set and method, like Dice in `results.figures.scores`.

    ``tests`` is from `refinement_tests`; below each box are the intervals of its mean over
    subjects, and over subjects and repeats, and at the edge is the mark of the test. None if no
    subject has scores of both outputs. Methods with one output are named below.
    """
    found = gains(subjects)
    if found.empty:
        return None
    sets = ordered_sets(found["test_set"])
    shown = ordered_titles(subjects["method"].unique(), titles, remarks)
    without = [title for name, title in shown.items() if name not in set(found["method"])]
    shown = {name: title for name, title in shown.items() if title not in without}
    footer = [
        "Right of the line: the refined segmentation is better. Point: a subject, the mean of its "
        f"frames, structures, draws and repeats. {BOX_LEGEND}",
        *([_TESTED] if tests is not None and len(tests) else []),
        *([f"Of one output only, and so not here: {', '.join(without)}."] if without else []),
        *remark_notes(shown, remarks),
        *notes,
    ]
    points = dict(iter(found.groupby(["test_set", "method"])["gain"]))
    with styled():
        (axes,) = row_panels(
            list(shown.values()),
            sets,
            [""],
            quantity="Dice of FTN+STN minus Dice of FTN",
            footer=footer,
            phantom=phantom,
        )
        for test_set, panel in zip(sets, axes, strict=True):
            panel.axvline(0, color="0.15", linewidth=0.8, zorder=1)
            for place, (method, colour) in enumerate(colours(list(shown)).items()):
                draw_box(panel, place, colour, points.get((test_set, method)))
        if tests is not None and len(tests):
            rows = list(shown)
            panels = dict(zip(sets, axes, strict=True))
            for row in tests[tests["test_set"].isin(sets)].to_dict("records"):
                _draw_test(panels[row["test_set"]], rows.index(row["method"]), row)
        reach = max(0.02, float(np.abs(found["gain"]).max())) * 1.08
        axes[0].set_xlim(-reach, reach)
        # Farther out, labels would touch those of the next panel; the line is at 0.
        mark = round_below(0.7 * reach)
        axes[0].xaxis.set_major_locator(FixedLocator([-mark, mark]))
        figure = axes[0].get_figure()
        assert isinstance(figure, Figure)
        return figure


_TESTED = (
    "Lines below a box: 95 % interval of the mean gain, thick over subjects (t), thin over "
    "subjects and repeats (mixed model; cut off at the edges). "
    f"{HIGHER}, {LOWER}: significantly different from FTN (Wilcoxon over subjects, Holm's "
    "correction over all of them), in brackets where not all repeats point the same way."
)


def _draw_test(panel: Axes, place: int, row: dict[Hashable, Any]) -> None:
    """Draw the intervals of one comparison below its box, and its mark."""
    below = place + 0.37
    panel.hlines(below, row["crossed_low"], row["crossed_high"], color="0.35", lw=0.6, zorder=3)
    panel.hlines(below, row["low"], row["high"], color="0.1", lw=1.4, zorder=3)
    panel.text(
        0.99, place, row["mark"], transform=panel.get_yaxis_transform(), ha="right", va="center",
        fontsize=8, zorder=5,
    )  # fmt: skip


def round_below(number: float) -> float:
    """Round a positive number down to one of …, 0.1, 0.2, 0.3, 0.5, 0.7, 1, …"""
    unit = 10.0 ** math.floor(math.log10(number))
    return max(step * unit for step in (1, 2, 3, 5, 7) if step * unit <= number)


def gain_alt(subjects: pd.DataFrame, *, titles: Mapping[str, str] | None = None) -> str:
    """A description of the figure, for readers who cannot see it."""
    found = gains(subjects)
    shown = ordered_titles(found["method"].unique(), titles)
    means = found.groupby(["method", "test_set"])["gain"].mean().reset_index()
    low, high = least_and_most(
        means,
        "gain",
        lambda row: f"{row['gain']:+.4f} ({shown[row['method']]} on {row['test_set']})",
    )
    return (
        f"Box plots of Dice of FTN+STN minus FTN for {len(shown)} methods. Means over subjects lie "
        f"between {low} and {high}."
    )
