"""The rows of a score table in groups, which are found once for the means of all metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ScoreGroups:
    """The rows of a table of `results.scores.score_table.read_scores`, grouped by some columns."""

    scores: pd.DataFrame
    codes: NDArray[np.int64]
    """The number of each row's group."""
    keys: pd.DataFrame
    """The columns of each group, as text where they are names, sorted by them."""

    @classmethod
    def of(cls, scores: pd.DataFrame, names: Sequence[str]) -> "ScoreGroups":
        """Group the rows by the columns of these names."""
        return cls(scores, *group_numbers(scores, names))

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The number of rows of each group."""
        return np.bincount(self.codes, minlength=len(self.keys))

    @cached_property
    def absent_counts(self) -> pd.DataFrame:
        """`keys`, and how often a structure was absent.

        The columns `label` and `prediction` count the structures absent in that one only (they
        count as Dice 0), `both` those absent in both (left out of the means), `rows` all structure
        scores.
        """
        absent = self.scores["absent"]
        counts = {
            name: self.counts((absent == name).to_numpy())
            for name in ("label", "prediction", "both")
        }
        return self.keys.assign(**counts, rows=self.rows)

    @cached_property
    def scored_volumes(self) -> pd.DataFrame:
        """`keys`, with `rows` (structure scores) and `volumes`."""
        return self.keys.assign(rows=self.rows, volumes=self.volumes)

    @cached_property
    def subjects(self) -> dict[str, int]:
        """The number of subjects of each test set."""
        _, pairs = group_numbers(self.scores, ["test_set", "subject"])
        return {str(name): int(count) for name, count in pairs["test_set"].value_counts().items()}

    def counts(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The number of rows of each group among those ``chosen``."""
        return np.bincount(self.codes[chosen], minlength=len(self.keys))

    def means(self, metric: str) -> pd.DataFrame:
        """Mean of a metric in each group; independent of the rows' order.

        Returns the columns of `keys`, `mean` (NaN where no row is defined), `rows` and `scored`
        (those that are).
        """
        means, scored = _means(self.scores[metric].to_numpy(), self.codes, len(self.keys))
        return self.keys.assign(mean=means, rows=self.rows, scored=scored)

    @cached_property
    def volumes(self) -> NDArray[np.uint64]:
        """One number for the volumes and structures of each group.

        Groups with the same volumes and structures, in any order, have the same number.
        """
        cells = self.scores["draw"].to_numpy().astype(np.uint64)
        for name in ("subject", "frame", "structure"):
            column = self.scores[name].cat
            cells = cells * np.uint64(len(column.categories)) + column.codes.to_numpy().astype(
                np.uint64
            )
        # Sum a hash of each member (last step of splitmix64); the sum does not depend on the order.
        mixed = (cells + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(27)
        volumes = np.zeros(len(self.keys), dtype=np.uint64)
        np.add.at(volumes, self.codes, mixed)
        return volumes


def _means(
    values: NDArray[np.float64], codes: NDArray[np.int64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean and number of the defined values of each group; ``codes`` has each value's group."""
    defined = ~np.isnan(values)
    chosen, given = codes[defined], values[defined]
    # Values with six decimals, as in the files, are whole millionths, whose sums are exact in any
    # order. Other values are added in order of size.
    millionths = np.rint(given * 1e6)
    if np.array_equal(millionths / 1e6, given):
        sums = np.bincount(chosen, weights=millionths, minlength=size).astype("float64") / 1e6
    else:
        order = np.argsort(given, kind="stable")
        sums = np.bincount(chosen[order], weights=given[order], minlength=size).astype("float64")
    scored = np.bincount(chosen, minlength=size)
    with np.errstate(invalid="ignore"):
        return np.where(scored > 0, sums / scored, np.nan), scored


def group_numbers(
    scores: pd.DataFrame, group: Sequence[str]
) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """The number of each row's group from 0, and the groups, sorted by their names."""
    codes = np.zeros(len(scores), dtype=np.int64)
    levels = []
    for name in group:
        values = scores[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            names = np.array([str(label) for label in values.cat.categories], dtype=object)
            order = np.argsort(names.astype(str), kind="stable")
            place = np.empty(len(names), dtype=np.int64)
            place[order] = np.arange(len(names))
            codes = codes * len(names) + place[values.cat.codes.to_numpy()]
            levels.append(names[order])
        else:
            own, labels = pd.factorize(values, sort=True)
            codes = codes * len(labels) + own
            levels.append(np.asarray(labels))
    total = int(np.prod([len(level) for level in levels]))
    if total <= 4 * len(codes) + 1000:
        found = np.flatnonzero(np.bincount(codes, minlength=total))
        number = np.empty(total, dtype=np.int64)
        number[found] = np.arange(len(found))
        codes = number[codes]
    else:
        found, codes = np.unique(codes, return_inverse=True)
    columns, rest = {}, found
    for name, level in reversed(list(zip(group, levels, strict=True))):
        rest, own = np.divmod(rest, len(level))
        columns[name] = level[own]
    keys = pd.DataFrame({name: columns[name] for name in group})
    return codes, keys.astype({name: "str" for name in group if keys[name].dtype == object})
