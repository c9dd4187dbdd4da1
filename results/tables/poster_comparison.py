"""Our rows beside those that the poster printed, the differences, and whether the order holds."""

from itertools import combinations

import numpy as np
import pandas as pd

from results.scores.order import REMARK_MARK
from results.scores.published import AVERAGES, POSTER_SETS, POSTER_SOURCE, published_table
from results.tables.mean_table import DECIMALS, MeanTable
from results.tables.poster_table import PosterTable
from results.wording import listed

HERE, POSTER, DIFFERENCE = "here", "poster", "difference"


def poster_comparison(table: PosterTable) -> MeanTable | None:
    """Rows of `poster_table` as measured here, as printed, and their difference.

    Of the methods whose title stands in the poster; None where there is none. Where our average of
    the FTN is over fewer sets, the poster's is taken over the same ones; it prints no scores of
    FTN+STN by set, so that average is then left out.
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
    orders = {
        name: same_order(mean[name].xs(HERE, level="source"), mean[name].xs(POSTER, level="source"))
        for name in columns
    }
    held = [f"{name} {same} of {of}" for name, (same, of) in orders.items() if of]
    if held:
        notes.append(
            f"Pairs of methods whose means are in the poster's order: {', '.join(held)}; by chance "
            "alone half of all pairs would be."
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


def same_order(here: pd.Series, printed: pd.Series) -> tuple[int, int]:
    """How many pairs of rows are in the same order in both columns, and of how many.

    Pairs with a missing mean, or alike at the printed precision in either column, do not count.
    """
    both = pd.DataFrame({HERE: here, POSTER: printed}).dropna()
    rounded = both.map(lambda mean: float(f"{mean:.{DECIMALS}f}")).to_numpy()
    signs = [np.sign(one - other) for one, other in combinations(rounded, 2)]
    told = [sign for sign in signs if sign.all()]
    return sum(bool(sign[0] == sign[1]) for sign in told), len(told)


def _plain(titles: dict[str, str]) -> set[str]:
    return {title.removesuffix(REMARK_MARK) for title in titles.values()}
