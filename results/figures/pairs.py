"""Figure of the groups of methods that no test tells apart: a drawn compact letter display."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from results.analysis.all_pairs import groups_of
from results.figures.panels import row_panels
from results.figures.style import colours, styled
from results.scores.order import ordered_sets, ordered_titles, remark_notes
from results.scores.published import AVERAGES
from results.tables.notes_of_tests import family_words


def pairs_figure(
    pairs: pd.DataFrame,
    methods: Sequence[str],
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    notes: Sequence[str] = (),
) -> Figure | None:
    """Draw the groups of `groups_of`, a line of dots each; None for no pairs."""
    if pairs.empty:
        return None
    shown = ordered_titles(methods, titles, remarks)
    place = {method: number for number, method in enumerate(shown)}
    hue = colours(list(shown))
    outputs = [output for output in AVERAGES if (pairs["output"] == output).any()]
    averages = set(AVERAGES.values())
    sets = ordered_sets(set(pairs["test_set"]) - averages)
    columns = [*sets, *(["Average"] if averages & set(pairs["test_set"]) else [])]
    families = " and ".join(
        dict.fromkeys(family_words(pairs[pairs["output"] == output]) for output in outputs)
    )
    footer = [
        "Methods that share a line are not told apart; two that share none differ significantly: "
        f"paired Wilcoxon signed-rank tests over subjects, of these trained networks, {families}. "
        "Not told apart is not alike: a test over few subjects sees large differences only.",
        *remark_notes(shown, remarks),
        *notes,
    ]
    with styled():
        axes = row_panels(
            list(shown.values()),
            columns,
            outputs,
            quantity="Groups of methods that are not told apart",
            footer=footer,
            phantom=phantom,
        )
        most = 1
        for output, row in zip(outputs, axes, strict=True):
            for name, panel in zip(columns, row, strict=True):
                test_set = AVERAGES[output] if name == "Average" else name
                own = pairs[(pairs["output"] == output) & (pairs["test_set"] == test_set)]
                groups = groups_of(own, list(shown))
                most = max(most, len(groups))
                for number, group in enumerate(groups):
                    rows = [place[method] for method in group]
                    panel.vlines(number, min(rows), max(rows), color="0.45", lw=1.0, zorder=2)
                    panel.scatter(
                        [number] * len(rows), rows, s=14, c=[hue[one] for one in group], zorder=3
                    )
                panel.grid(visible=False)
        axes[0][0].set_xlim(-0.7, most - 0.3)
        axes[0][0].set_xticks([])
        figure = axes[0][0].get_figure()
        assert isinstance(figure, Figure)
        return figure


def pairs_alt(
    pairs: pd.DataFrame, methods: Sequence[str], *, titles: Mapping[str, str] | None = None
) -> str:
    """A description of the figure: the groups for the average if there is one, else for every
    set."""
    shown = ordered_titles(methods, titles)
    averages = pairs[pairs["test_set"].isin(AVERAGES.values())]
    parts = []
    for (_, test_set), own in (pairs if averages.empty else averages).groupby(
        ["output", "test_set"]
    ):
        groups = "; ".join(
            ", ".join(shown[name] for name in group) for group in groups_of(own, list(shown))
        )
        parts.append(f"{test_set}: {groups}.")
    return " ".join(["Groups of methods that no test tells apart.", *parts])
