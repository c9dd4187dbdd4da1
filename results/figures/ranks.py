"""Figure of the methods' rank distributions over resampled subjects, or test sets."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from results.analysis.ranking import RESAMPLES, Ranking
from results.figures.panels import row_panels
from results.figures.style import colours, styled
from results.scores.order import ordered_titles, remark_notes
from results.wording import some_listed


def rank_figure(
    rankings: Mapping[str, Sequence[Ranking]],
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    notes: Sequence[str] = (),
) -> Figure | None:
    """Draw rank distributions by output: areas are shares of the resamples.

    A line spans the ranks of the middle 95 % of the resamples, a bar marks the median. Methods are
    in the order of the first ranking. None if there is no ranking.
    """
    every = [ranking for found in rankings.values() for ranking in found]
    if not every:
        return None
    methods = list(dict.fromkeys(name for ranking in every for name in ranking.shares.index))
    shown = ordered_titles(methods, titles, remarks)
    hue = colours(list(shown))
    overs = list(dict.fromkeys(ranking.over for ranking in every))
    footer = [
        "Area: share of the resamples in which the method has the rank; line: middle 95 %; bar: "
        "median.",
        f"Ranks by mean Dice over {some_listed(every[0].sets, 'test sets')}, resampled with "
        f"replacement ({RESAMPLES} times). Kendall's τ with the order of all, mean and middle "
        "95 %: "
        + "; ".join(
            f"{output}, {ranking.over} {_tau(ranking)}"
            for output, found in rankings.items()
            for ranking in found
        )
        + ".",
        *dict.fromkeys(line for ranking in every for line in ranking.notes(shown)),
        *remark_notes(shown, remarks),
        *notes,
    ]
    with styled():
        axes = row_panels(
            [shown[name] for name in methods],
            [f"{over[0].upper()}{over[1:]} resampled" for over in overs],
            list(rankings),
            quantity="Rank",
            footer=footer,
            phantom=phantom,
        )
        for output, row in zip(rankings, axes, strict=True):
            found = {ranking.over: ranking for ranking in rankings[output]}
            for over, panel in zip(overs, row, strict=True):
                if over not in found:
                    panel.set_visible(False)
                    continue
                shares = found[over].shares
                ranks = shares.columns.to_numpy(dtype=float)
                for place, name in enumerate(methods):
                    if name not in shares.index:
                        continue
                    share = shares.loc[name].to_numpy()
                    low, median, high = _quantiles(ranks, share)
                    panel.hlines(place, low, high, color="0.35", linewidth=0.8, zorder=2)
                    panel.scatter(
                        ranks[share > 0],
                        np.full((share > 0).sum(), place),
                        s=95 * share[share > 0],
                        color=hue[name],
                        alpha=0.8,
                        linewidths=0,
                        zorder=3,
                    )
                    panel.vlines(
                        median, place - 0.28, place + 0.28, color="0.1", linewidth=1.2, zorder=4
                    )
        count = max(len(methods), *(int(max(ranking.shares.columns)) for ranking in every))
        axes[0][0].set_xlim(0.5, count + 0.5)
        axes[0][0].set_xticks(range(1, count + 1, 1 if count <= 8 else -(-count // 6)))
        figure = axes[0][0].get_figure()
        assert isinstance(figure, Figure)
        return figure


def _tau(ranking: Ranking) -> str:
    mean, low, high = ranking.tau
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"


def _quantiles(ranks: np.ndarray, share: np.ndarray) -> tuple[float, float, float]:
    """The ranks at 2.5, 50 and 97.5 % of a distribution."""
    below = np.cumsum(share)
    low, median, high = (
        float(ranks[min(int(np.searchsorted(below, level - 1e-12)), len(ranks) - 1)])
        for level in (0.025, 0.5, 0.975)
    )
    return low, median, high


def rank_alt(
    rankings: Mapping[str, Sequence[Ranking]], *, titles: Mapping[str, str] | None = None
) -> str:
    """A description of the figure, for readers who cannot see it."""
    parts = []
    for output, found in rankings.items():
        for ranking in found:
            shown = ordered_titles(ranking.shares.index, titles)
            first = str(ranking.shares.index[0])
            share = float(ranking.leads[first])
            alone = "" if share == float(ranking.alone[first]) else ", alone or level,"
            parts.append(
                f"{output}, {ranking.over} resampled: {shown[first]} has the best mean rank and "
                f"is first{alone} in {share:.0%}."
            )
    return " ".join(["Rank distributions.", *parts])
