"""What every table of means over repeats is, whatever its columns: numbers, order, what is best.

`results.table` and `results.robustness` fill it; `results.render` prints it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

PHANTOM_MARK = "PHANTOM: shows that the software works, not that one method is better"
"""Stands on everything that was made from synthetic hearts."""

DECIMALS = 4
MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class MeanTable:
    """A table as numbers, with what has to be said about them.

    The three frames share rows and columns (the keys of `headers`). A row is a method, or the tuple
    of a method and further names, in a `MultiIndex` whose levels say what these are (`output`).
    """

    mean: pd.DataFrame
    """Mean over repeats; NaN where missing."""
    sd: pd.DataFrame
    """Sample standard deviation (n - 1) over repeats; NaN for fewer than two."""
    repeats: pd.DataFrame
    """Number of repeats behind each mean."""
    titles: dict[str, str]
    """Method name to display title, in row order."""
    headers: dict[str, str]
    """Column to printed header."""
    notes: tuple[str, ...]
    """What a reader must know about the numbers, one sentence or two each."""
    phantom: bool
    """True where the scores come from synthetic hearts; every rendering then says so."""
    decimals: Mapping[str, int] = field(default_factory=dict)
    """Printed decimals of a column, where these are not `DECIMALS`."""
    lower_is_better: frozenset[str] = frozenset()
    """The columns of errors, losses and distances."""

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """The method of each row, and the further names of the row."""
        return [key if isinstance(key, tuple) else (str(key),) for key in self.mean.index]

    @property
    def further(self) -> list[str]:
        """What the further names of a row are."""
        return [str(name) for name in self.mean.index.names[1:]]

    def printed(self, column: str, number: float, missing: str = MISSING) -> str:
        """A number of a column at its printed precision; never a negative zero."""
        return (
            missing if math.isnan(number) else f"{number:z.{self.decimals.get(column, DECIMALS)}f}"
        )

    @property
    def best(self) -> pd.DataFrame:
        """True for the best mean of a column at the printed precision, ties included.

        Only methods are compared, so the best is among the rows that share the further names. Where
        fewer than two of these have a number there is no best.
        """
        alike = [key[1:] for key in self.keys]
        best = pd.DataFrame(False, index=self.mean.index, columns=self.mean.columns)
        for column in self.mean:
            name = str(column)
            sign = -1 if name in self.lower_is_better else 1
            score = pd.Series(
                [sign * float(self.printed(name, number, "nan")) for number in self.mean[name]]
            )
            groups = score.groupby(pd.Series(alike))
            marked = score.eq(groups.transform("max")) & (groups.transform("count") >= 2)
            best[column] = marked.to_numpy()
        return best

    @property
    def best_note(self) -> str:
        """What bold means in this table."""
        most = "best" if self.lower_is_better else "highest"
        among = f", for each {' and '.join(self.further)}" if self.further else ""
        return f"Bold: {most} mean of the column at the printed precision{among}."


def listed(names: Iterable[str]) -> str:
    """Names as a text lists them: "a", "a and b", "a, b and c"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def spread_notes(cell: str, total: pd.Series, titles: Mapping[str, str]) -> list[str]:
    """What a cell is (`cell`), and what the ± is over: `total` repeats of each method."""
    if (total == 1).all():
        return [f"{cell} One repeat per method: no spread can be given."]
    spread = "Mean ± sample standard deviation (n−1) over"
    caution = "The ± holds training split and seed together and is no interval over subjects."
    if total.nunique() == 1:
        return [f"{cell} {spread} {total.iloc[0]} repeats. {caution}"]
    each = ", ".join(f"{titles[str(method)]} {count}" for method, count in total.items())
    alone = " A method with one repeat has no ±." if (total == 1).any() else ""
    return [f"{cell} {spread} repeats, whose number differs: {each}.{alone} {caution}"]


def volume_notes(means: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Test sets on which not all were scored on equally many structures (of `set_scores`)."""
    notes = []
    for test_set, rows in means.groupby("test_set")["rows"]:
        if rows.nunique() > 1:
            span = rows.groupby(means["method"]).agg(["min", "max"])
            each = ", ".join(
                f"{titles[str(method)]} {low}" + (f" to {high}" if high > low else "")
                for method, low, high in span.itertuples()
            )
            notes.append(
                f"{test_set}: not every repeat and output was scored on the same volumes "
                f"(structure scores: {each}); compare these means with care."
            )
    return notes


def absent_notes(
    counts: pd.DataFrame, titles: Mapping[str, str], rule: str = "count as Dice 0"
) -> list[str]:
    """How many scores are so by rule, by method because failing to find is a property of one."""
    total, both = counts["rows"].sum(), counts["both"].sum()
    one = (counts["label"] + counts["prediction"]).groupby(counts["method"].astype(str)).sum()
    note = f"Structures absent from only one of label and prediction {rule}: {one.sum()}"
    if one.sum():
        each = ", ".join(f"{titles[m]} {one[m]}" for m in titles if one.get(m, 0))
        note += f" ({each})"
    note += f" of {total} structure scores (FTN and FTN+STN)"
    return [f"{note}; absent from both, left out: {both}."]
