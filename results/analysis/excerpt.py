"""What figures and the page show of more methods, or test sets, than could be seen at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from results.scores.order import ordered_sets

MOST = 60
"""Methods, and test sets, up to which all are shown; the reference stands beside the best."""

SHOWN_SETS = 24
"""Test sets that are shown where there are more than `MOST`: figures have a panel for each."""


@dataclass(frozen=True)
class Excerpt:
    """Methods and test sets that are not shown, and what has to be said of it."""

    hidden_methods: frozenset[str] = frozenset()
    hidden_sets: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    best: tuple[str, ...] = ()
    """Where methods are hidden, those that are shown for their mean Dice, the best first."""

    @property
    def of_sets(self) -> "Excerpt":
        """The same of the test sets alone: every method is shown."""
        return Excerpt(
            hidden_sets=self.hidden_sets, notes=self.notes[-1:] if self.hidden_sets else ()
        )

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows whose `method`, `against` and `test_set`, as far as there are, are shown."""
        for column, hidden in (
            ("method", self.hidden_methods),
            ("against", self.hidden_methods),
            ("test_set", self.hidden_sets),
        ):
            if hidden and column in rows:
                rows = rows[~rows[column].isin(list(hidden))]
        return rows


def excerpt(
    subjects: pd.DataFrame, output: str, averaged: Sequence[str], reference: str
) -> Excerpt:
    """The `MOST` methods with the highest mean Dice and the reference.

    All test sets where these are `MOST` at most, else the first `SHOWN_SETS`.

    Args:
        subjects: of `results.scores.score_table.subject_scores`.
        output: whose Dice it is; methods without scores of it, or on fewer sets, come last.
        averaged: the sets that the mean is over, each counting alike.
        reference: a method that is shown whatever its place.
    """
    names = sorted(set(map(str, subjects["method"])))
    sets = ordered_sets(subjects["test_set"].unique())
    notes = []
    hidden_methods: set[str] = set()
    best: list[str] = []
    if len(names) > MOST:
        chosen = subjects[(subjects["output"] == output) & subjects["test_set"].isin(averaged)]
        by_set = chosen.groupby(["method", "test_set"])["dice"].mean()
        over = by_set.groupby(level="method").agg(["count", "mean"]).reindex(names)
        order = over.sort_values(["count", "mean"], ascending=False, kind="stable").index
        best = list(order[:MOST])
        hidden_methods = set(names) - {*best, reference}
        notes.append(
            f"Shown are the {MOST} best of {len(names)} methods, by mean Dice of {output}, and the "
            "reference; the tables as CSV hold all."
        )
    if len(sets) > MOST:
        notes.append(
            f"Shown are the first {SHOWN_SETS} of {len(sets)} test sets, in the order of the "
            "tables, which hold all as CSV."
        )
    hidden_sets = sets[SHOWN_SETS:] if len(sets) > MOST else []
    return Excerpt(frozenset(hidden_methods), frozenset(hidden_sets), tuple(notes), tuple(best))
