"""Figure of differences from the reference, with both intervals and the margin of relevance."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from results.figures.gain import round_below
from results.figures.panels import row_panels
from results.figures.style import colours, styled
from results.figures.words import least_and_most
from results.scores.order import ordered_sets, ordered_titles, remark_notes
from results.scores.published import AVERAGES

SYMBOLS = {"better": ">", "worse": "<", "equivalent": "s", "undecided": "o"}
"""The mark of each verdict."""


def difference_figure(
    tests: pd.DataFrame,
    reference: str,
    margin: float,
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    notes: Sequence[str] = (),
) -> Figure | None:
    """Draw the comparisons of `results.analysis.statistics.paired_tests`; None if there is none. A
    thick line is the interval over subjects, a thin line the interval over subjects and repeats,
    and the band the ``margin``. The symbol shows the verdict over subjects; it is filled if the
    verdict over repeats is the same.
    """
    if tests.empty:
        return None
    shown = ordered_titles([reference, *tests["method"].unique()], titles, remarks)
    base = shown.pop(reference)
    hue = colours([reference, *shown])
    outputs = [output for output in AVERAGES if (tests["output"] == output).any()]
    averages = set(AVERAGES.values())
    sets = ordered_sets(set(tests["test_set"]) - averages)
    columns = [*sets, *(["Average"] if averages & set(tests["test_set"]) else [])]
    crossed = tests["crossed_low"].notna().any()
    footer = [
        f"Dice minus that of {base}. Thick line: 95 % t interval over subjects, of these trained "
        "networks."
        + (" Thin line: over subjects and repeats, of the methods." if crossed else "")
        + f" Band: differences within {margin:g}.",
        "Over subjects, after Holm's correction: ▷ better, ◁ worse, □ equivalent, ○ undecided; "
        "filled where it is so over subjects and repeats as well.",
        *remark_notes(shown, remarks),
        *notes,
    ]
    with styled():
        axes = row_panels(
            list(shown.values()),
            columns,
            outputs,
            quantity=f"Difference in Dice from {base}",
            footer=footer,
            phantom=phantom,
        )
        place = {method: number for number, method in enumerate(shown)}
        for output, row in zip(outputs, axes, strict=True):
            of_output = tests[tests["output"] == output]
            for name, panel in zip(columns, row, strict=True):
                test_set = AVERAGES[output] if name == "Average" else name
                panel.axvspan(-margin, margin, color="#FFF2C2", linewidth=0, zorder=0.5)
                panel.axvline(0, color="0.15", linewidth=0.8, zorder=1)
                for one in of_output[of_output["test_set"] == test_set].to_dict("records"):
                    _draw(panel, place[one["method"]], hue[one["method"]], one)
        ends = tests[["low", "high", "crossed_low", "crossed_high", "difference"]]
        reach = max(2 * margin, float(np.nanmax(ends.abs().to_numpy()))) * 1.05
        axes[0][0].set_xlim(-reach, reach)
        mark = round_below(0.7 * reach)
        axes[0][0].xaxis.set_major_locator(FixedLocator([-mark, mark]))
        figure = axes[0][0].get_figure()
        assert isinstance(figure, Figure)
        return figure


def _draw(panel: Axes, place: int, colour: str, row: dict[Hashable, Any]) -> None:
    """Draw one comparison, a row of `paired_tests`."""
    panel.hlines(place, row["crossed_low"], row["crossed_high"], color=colour, lw=0.7, zorder=2)
    panel.hlines(place, row["low"], row["high"], color=colour, lw=2.2, zorder=3)
    both = row["verdict"] == row["crossed_verdict"] != "undecided"
    panel.plot(
        [row["difference"]],
        [place],
        SYMBOLS[row["verdict"]],
        markersize=3.2,
        markeredgewidth=0.7,
        markeredgecolor="0.1",
        markerfacecolor="0.1" if both else "white",
        zorder=4,
    )


def difference_alt(tests: pd.DataFrame, *, titles: Mapping[str, str] | None = None) -> str:
    """A description of the figure: smallest and largest difference, and the number of each
    verdict."""
    shown = ordered_titles(tests["method"].unique(), titles)
    low, high = least_and_most(
        tests,
        "difference",
        lambda row: (
            f"{row['difference']:+.4f} ({shown[row['method']]}, {row['output']}, {row['test_set']})"
        ),
    )
    given = tests["verdict"].value_counts()
    counts = ", ".join(f"{name} {given[name]}" for name in SYMBOLS if name in given)
    return (
        f"Differences in Dice of {len(shown)} methods from the reference, with intervals. They lie "
        f"between {low} and {high}. Verdicts over subjects: {counts}."
    )
