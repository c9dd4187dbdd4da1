"""Select the methods and test sets for figures and the page, if there are too many for all."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from results.scores.order import ordered_sets

MOST = 60
"""Up to this many methods, or test sets, all are shown; else the best, and the reference."""

SHOWN_SETS = 24
"""Number of test sets to show if there are more than `MOST`; figures have a panel for each."""


@dataclass(frozen=True)
class Excerpt:
    """Methods and test sets that are not shown, and notes on them."""

    hidden_methods: frozenset[str] = frozenset()
    hidden_sets: frozenset[str] = frozenset()
    method_notes: tuple[str, ...] = ()
    set_notes: tuple[str, ...] = ()
    best: tuple[str, ...] = ()
    """The methods with the highest mean Dice, `MOST` at most, the best first."""

    @property
    def of_sets(self) -> "Excerpt":
        """The excerpt of test sets only; every method is shown."""
        return Excerpt(hidden_sets=self.hidden_sets, set_notes=self.set_notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on methods and test sets."""
        return (*self.method_notes, *self.set_notes)

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Select the rows of shown methods and test sets (`method`, `against`, `test_set`, if
        present)."""
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

    All test sets are shown if there are at most `MOST`, else the first `SHOWN_SETS`.

    Args:
        subjects: of `results.scores.score_table.subject_scores`.
        output: the output whose Dice counts; methods without its scores, or on fewer sets, come
            last.
        averaged: the sets to average over, with equal weights.
        reference: a method that is always shown.
    """
    names = sorted(set(map(str, subjects["method"])))
    sets = ordered_sets(subjects["test_set"].unique())
    method_notes, set_notes = [], []
    hidden_methods: set[str] = set()
    chosen = subjects[(subjects["output"] == output) & subjects["test_set"].isin(averaged)]
    by_set = chosen.groupby(["method", "test_set"])["dice"].mean()
    over = by_set.groupby(level="method").agg(["count", "mean"]).reindex(names)
    order = over.sort_values(["count", "mean"], ascending=False, kind="stable").index
    best = list(order[:MOST])
    if len(names) > MOST:
        hidden_methods = set(names) - {*best, reference}
        method_notes.append(
            f"Shown are the {MOST} best of {len(names)} methods, by mean Dice of {output}, and the "
            "reference; the tables as CSV hold all."
        )
    hidden_sets: list[str] = []
    if len(sets) > MOST:
        hidden_sets = sets[SHOWN_SETS:]
        set_notes.append(
            f"Shown are the first {SHOWN_SETS} of {len(sets)} test sets, in the order of the "
            "tables, which hold all as CSV."
        )
    return Excerpt(
        frozenset(hidden_methods),
        frozenset(hidden_sets),
        tuple(method_notes),
        tuple(set_notes),
        tuple(best),
    )
