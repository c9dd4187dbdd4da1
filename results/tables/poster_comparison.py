"""Compare our rows with those of the poster: differences, and agreement of the order."""

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results.analysis.order_agreement import order_agreement
from results.scores.order import REMARK_MARK
from results.scores.published import AVERAGES, POSTER_SETS, POSTER_SOURCE, published_table
from results.tables.mean_table import DECIMALS, MeanTable
from results.tables.poster_table import PosterTable
from results.wording import listed

HERE, POSTER, DIFFERENCE = "here", "poster", "difference"


def poster_comparison(table: PosterTable) -> MeanTable | None:
    """Rows of `poster_table` as measured here, as printed, and their difference.

    Only for methods whose title is on the poster; None if there is none. If our average of the FTN
    is over fewer sets, the poster's average is taken over the same sets. The poster has no scores
    of FTN+STN by set, so that average is then left out.
    """
    published = published_table()
    sets, ftn = table.averaged[AVERAGES["FTN"]], AVERAGES["FTN"]
    comparable = bool(sets) and set(sets) <= set(POSTER_SETS)
    if comparable and sets != POSTER_SETS:
        published[ftn] = published[list(sets)].mean(axis=1)
    shared = {
        method: title
        for method, title in table.titles.items()
        if title.removesuffix(REMARK_MARK) in published.index
    }
    if not shared:
        return None
    averages = [name for name, over in table.averaged.items() if over == POSTER_SETS]
    if comparable and ftn not in averages:
        averages = [ftn, *averages]
    columns = [*POSTER_SETS, *averages]
    rows = pd.MultiIndex.from_tuples(
        [(method, source) for method in shared for source in (HERE, POSTER, DIFFERENCE)],
        names=["method", "source"],
    )
    mean = pd.DataFrame(index=rows, columns=columns, dtype="float64")
    sd, repeats = mean.copy(), pd.DataFrame(0, index=rows, columns=columns)
    for method, title in shared.items():
        here = table.mean.loc[method, columns]
        printed = published.loc[title.removesuffix(REMARK_MARK), columns]
        mean.loc[(method, HERE)] = here
        mean.loc[(method, POSTER)] = printed
        mean.loc[(method, DIFFERENCE)] = here - printed
        sd.loc[(method, HERE)] = table.sd.loc[method, columns]
        repeats.loc[(method, HERE)] = table.repeats.loc[method, columns]
    notes = [
        f"poster: {POSTER_SOURCE}. It prints no spread.",
        "here: see the table of Dice for what it rests on; another preparation, another training "
        "length or fewer subjects change these numbers as much as a method does.",
    ]
    lacking = [title for title in published.index if title not in _plain(shared)]
    if lacking:
        notes.append(f"In the poster alone: {listed(lacking)}.")
    ours = [title for method, title in table.titles.items() if method not in shared]
    if ours:
        notes.append(f"Not in the poster: {listed(ours)}.")
    other = [name for name in AVERAGES.values() if name not in averages]
    if other:
        notes.append(f"{listed(other)} here: over other sets than the poster's, not compared.")
    if comparable and sets != POSTER_SETS:
        notes.append(f"* {ftn}: over {listed(sets)} in the poster's rows as well.")
    held = []
    for name in columns:
        pair = (mean[name].xs(source, level="source") for source in (HERE, POSTER))
        held += order_words(name, *pair)
    if held:
        notes.append(
            f"Pairs of methods whose means are in the poster's order: {', '.join(held)}. By chance "
            "alone half of all pairs would be; τ is Kendall's τ-b, p that of no relation between "
            "the two orders, uncorrected and of these means, whatever their errors."
        )
    return MeanTable(
        mean=mean,
        sd=sd,
        repeats=repeats,
        titles=shared,
        headers={name: table.headers[name] for name in columns},
        notes=(*(note for note in table.notes if note.startswith(REMARK_MARK)), *notes),
        phantom=table.phantom,
        unranked=frozenset([DIFFERENCE]),
        signed=frozenset([DIFFERENCE]),
    )


def order_words(name: str, here: pd.Series, printed: pd.Series) -> list[str]:
    """Agreement of a column with the poster's order: "ACDC 12 of 21 (τ 0.14, p 0.77)"; or nothing.

    τ and p are left out for fewer than four methods, where no order is significant.
    """
    same, of = same_order(here, printed)
    if not of:
        return []
    both = _as_printed(here, printed)
    if len(both) < 4:
        return [f"{name} {same} of {of}"]
    tau, p = order_agreement(both[:, 0], both[:, 1])
    return [f"{name} {same} of {of} (τ {tau:.2f}, p {p:.2g})"]


def _as_printed(here: pd.Series, printed: pd.Series) -> NDArray[np.float64]:
    """The rows that have both, at the printed precision, (rows, 2)."""
    both = pd.DataFrame({HERE: here, POSTER: printed}).dropna()
    return both.map(lambda mean: float(f"{mean:.{DECIMALS}f}")).to_numpy()


def same_order(here: pd.Series, printed: pd.Series) -> tuple[int, int]:
    """The number of pairs of rows with the same order in both columns, and the number of pairs.

    Pairs with a missing mean, or equal at the printed precision in either column, do not count.
    """
    rounded = _as_printed(here, printed)
    signs = [np.sign(one - other) for one, other in combinations(rounded, 2)]
    told = [sign for sign in signs if sign.all()]
    return sum(bool(sign[0] == sign[1]) for sign in told), len(told)


def _plain(titles: dict[str, str]) -> set[str]:
    return {title.removesuffix(REMARK_MARK) for title in titles.values()}
