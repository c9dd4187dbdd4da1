"""The common class of tables of means over repeats: numbers, order, best cells.

The other files of this folder fill it; `render` prints it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

import pandas as pd

from results.wording import span

DECIMALS = 4
MISSING = "missing"
UNDEFINED = "not defined"


class Cell(NamedTuple):
    """A cell as it is printed."""

    mean: str
    spread: str
    """"±0.0123", "[0.01, 0.02]", or nothing."""
    best: bool
    second: bool
    mark: str
    missing: bool


@dataclass(frozen=True, kw_only=True)
class MeanTable:
    """A table as numbers, with notes on them.

    The three frames share rows and columns (the keys of `headers`). A row is a method, or a tuple
    of a method and further names, in a `MultiIndex` whose levels have the names' meaning
    (`output`).
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
    """Notes on the numbers, one or two sentences each."""
    phantom: bool
    """True where the scores come from synthetic hearts; every rendering then says so."""
    decimals: Mapping[str, int] = field(default_factory=dict)
    """Printed decimals of columns, if not `DECIMALS`."""
    floors: Mapping[str, float] = field(default_factory=dict)
    """By column, the bound below which a number is printed as "<bound", for p-values."""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By column, the words that its numbers, 0, 1, …, stand for."""
    lower_is_better: frozenset[str] = frozenset()
    """The columns of errors, losses and distances, where smaller is better."""
    unranked: frozenset[str] = frozenset()
    """The columns, and further names of rows, without a best number."""
    signed: frozenset[str] = frozenset()
    """The columns, and further names of rows, with differences; they are printed with their
    sign."""
    low: pd.DataFrame | None = None
    """Lower end of the interval; if given, it is printed instead of ±."""
    high: pd.DataFrame | None = None
    """Upper end of the interval."""
    undefined: pd.DataFrame | None = None
    """True where the mean is not defined, although every score exists."""
    marks: pd.DataFrame | None = None
    """Marks after the means (`HIGHER`, `LOWER` or ""), if tests were made."""

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """The method of each row, and the further names of the row."""
        return [key if isinstance(key, tuple) else (str(key),) for key in self.mean.index]

    @property
    def further(self) -> list[str]:
        """The meaning of the further names of a row."""
        return [str(name) for name in self.mean.index.names[1:]]

    def printed(
        self, column: str, number: float, missing: str = MISSING, *, signed: bool = False
    ) -> str:
        """Print a number of a column at its precision; never a negative zero."""
        if math.isnan(number):
            return missing
        if column in self.words:
            return self.words[column][int(number)]
        if column in self.floors and number < self.floors[column]:
            return f"<{self.printed(column, self.floors[column])}"
        return f"{number:{'+' if signed else ''}z.{self.decimals.get(column, DECIMALS)}f}"

    @cached_property
    def cells(self) -> list[list["Cell"]]:
        """The printed cells, by row and column."""
        if self.undefined is None:
            return self._numbers
        return [
            [
                cell._replace(mean=UNDEFINED) if cell.missing and none else cell
                for cell, none in zip(row, undefined, strict=True)
            ]
            for row, undefined in zip(self._numbers, self.undefined.to_numpy(), strict=True)
        ]

    @cached_property
    def _numbers(self) -> list[list["Cell"]]:
        """The cells with their numbers, or the word for a missing one."""
        frames = [self.mean, self.sd, self.best, self.second, self.marks, self.low, self.high]
        values = [
            [[None] * len(self.headers)] * len(self.mean)
            if frame is None
            else frame.values.tolist()
            for frame in frames
        ]
        return [
            [
                self._cell(name, bool(self.signed & {name, *key[1:]}), *cell)
                for name, *cell in zip(self.headers, *row, strict=True)
            ]
            for key, *row in zip(self.keys, *values, strict=True)
        ]

    def _cell(
        self,
        column: str,
        signed: bool,
        mean: float,
        sd: float,
        best: bool,
        second: bool,
        mark: str | None,
        low: float | None,
        high: float | None,
    ) -> "Cell":
        spread = self.printed(column, sd, "")
        if low is not None and high is not None and not math.isnan(low):
            ends = [self.printed(column, end, signed=signed) for end in (low, high)]
            spread = f"[{', '.join(ends)}]"
        elif spread:
            spread = f"±{spread}"
        mean_text = self.printed(column, mean, signed=signed)
        return Cell(mean_text, spread, best, second, mark or "", math.isnan(mean))

    @cached_property
    def _places(self) -> pd.DataFrame:
        """Place of each mean in its column at the printed precision: 1 the best, ties alike.

        Only methods are compared, so places are among rows with the same further names. NaN if the
        mean is missing, or nothing is ranked.
        """
        alike = pd.Series(["\n".join(key[1:]) for key in self.keys])
        left_out = [bool(self.unranked & set(key[1:])) for key in self.keys]
        ranked = [name for name in map(str, self.mean) if name not in self.unranked]
        printed = pd.DataFrame(
            {
                # The smallest error is the best.
                name: [
                    float("nan" if left else self.printed(name, mean, "nan")) * sign
                    for mean, left in zip(self.mean[name], left_out, strict=True)
                ]
                for name in ranked
                for sign in [-1 if name in self.lower_is_better else 1]
            },
            index=alike.index,
        )
        if not ranked:
            return pd.DataFrame(float("nan"), index=self.mean.index, columns=self.mean.columns)
        places = printed.groupby(alike).rank(method="dense", ascending=False)
        return places.set_axis(self.mean.index).reindex(columns=self.mean.columns)

    def _compared(self, statistic: Literal["count", "max"], least: int) -> pd.DataFrame:
        """True where so many are compared with each other ("count"), or places given ("max")."""
        alike = ["\n".join(key[1:]) for key in self.keys]
        groups = self._places.reset_index(drop=True).groupby(pd.Series(alike))
        return groups.transform(statistic).ge(least).set_axis(self.mean.index)

    @cached_property
    def best(self) -> pd.DataFrame:
        """True for the best mean of a column at the printed precision, ties included.

        There is none if fewer than two methods are compared, or all are level.
        """
        return self._places.eq(1) & self._compared("max", 2)

    @cached_property
    def second(self) -> pd.DataFrame:
        """True for the second best mean, ties included; none if fewer than three methods are
        compared.

        If two methods are best, the next one is still second: it has the second best number.
        """
        return self._places.eq(2) & self._compared("count", 3)

    @cached_property
    def best_note(self) -> str:
        """A note on bold and underlined cells; empty if there are none."""
        if not self.best.to_numpy().any():
            return ""
        most = "best" if self.lower_is_better else "highest"
        second = f", underlined: second {most}" if self.second.to_numpy().any() else ""
        among = f", for each {' and '.join(self.further)}" if self.further else ""
        return f"Bold: {most} mean of the column at the printed precision{among}{second}."


def spread_notes(cell: str, total: pd.Series, titles: Mapping[str, str]) -> list[str]:
    """A note on a cell (`cell`), and on the ± over the `total` repeats of each method."""
    if (total == 1).all():
        return [f"{cell} One repeat per method: no spread can be given."]
    spread = "Mean ± sample standard deviation (n−1) over"
    caution = "The ± holds training split and seed together and is no interval over subjects."
    if total.nunique() == 1:
        return [f"{cell} {spread} {total.iloc[0]} repeats. {caution}"]
    each = ", ".join(f"{titles[str(method)]} {count}" for method, count in total.items())
    alone = " A method with one repeat has no ±." if (total == 1).any() else ""
    return [f"{cell} {spread} repeats, whose number differs: {each}.{alone} {caution}"]


def volume_notes(volumes: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Notes on test sets with different scored volumes between rows.

    ``volumes`` are `ScoreGroups.scored_volumes`.
    """
    notes = []
    kinds = volumes.groupby("test_set")["volumes"].nunique()
    for test_set in kinds.index[kinds > 1]:
        own = volumes[volumes["test_set"] == test_set]
        each = ", ".join(
            f"{titles[str(method)]} {span(rows)}" for method, rows in own.groupby("method")["rows"]
        )
        notes.append(
            f"{test_set}: not all methods, repeats and outputs were scored on the same volumes "
            f"(structure scores: {each}); compare these means with care."
        )
    return notes


def absent_notes(
    counts: pd.DataFrame, titles: Mapping[str, str], rule: str = "count as Dice 0"
) -> list[str]:
    """A note on the scores set by the rule for absent structures, by method.

    It covers the outputs in ``counts`` (`ScoreGroups.absent_counts`). Counts are by method, since
    missing a structure is a property of a method.
    """
    total, both = counts["rows"].sum(), counts["both"].sum()
    one = (counts["label"] + counts["prediction"]).groupby(counts["method"].astype(str)).sum()
    note = f"Structures absent from only one of label and prediction {rule}: {one.sum()}"
    if one.sum():
        each = ", ".join(f"{titles[m]} {one[m]}" for m in titles if one.get(m, 0))
        note += f" ({each})"
    outputs = sorted(set(counts["output"].astype(str)))
    note += f" of {total} structure scores ({' and '.join(outputs)})"
    return [f"{note}; absent from both, left out: {both}."]


def without_empty_columns(table: MeanTable) -> MeanTable:
    """Remove empty columns from a table, and add a note on them.

    If all columns are empty, they stay: the table then shows that everything is missing.
    """
    held = table.mean.notna()
    if table.undefined is not None:
        held |= table.undefined
    kept = [name for name in table.headers if held[name].any()]
    empty = [header for name, header in table.headers.items() if name not in kept]
    if not kept or not empty:
        return table
    frames = ("mean", "sd", "repeats", "low", "high", "marks", "undefined")
    given = {name: frame for name in frames if (frame := getattr(table, name)) is not None}
    return replace(
        table,
        headers={name: table.headers[name] for name in kept},
        notes=(*table.notes, f"Left out, since they have no score: {', '.join(empty)}."),
        **{name: frame[kept] for name, frame in given.items()},
    )
