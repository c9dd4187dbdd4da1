"""Averages with each test set left out: does one set decide which method leads?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from results.scores.published import AVERAGES
from results.tables.mean_table import MeanTable
from results.tables.poster_table import PosterTable

ALL = "all"
"""The column of the average over all sets."""


def averages_without(table: PosterTable, output: str) -> pd.DataFrame:
    """Mean over sets by method: over all sets of the table's average (`ALL`), and without each of
    them.

    A method that lacks one set has only the average without it. Empty for fewer than three sets.
    """
    sets = list(table.averaged[AVERAGES[output]])
    if len(sets) < 3:
        return pd.DataFrame(index=table.mean.index)
    means = table.mean[sets].to_numpy(dtype=np.float64)
    gone = np.isnan(means)
    held = np.where(gone, 0.0, means)
    rest = (held.sum(axis=1, keepdims=True) - held) / (len(sets) - 1)
    lacking = gone.sum(axis=1, keepdims=True) - gone  # among the remaining sets
    every = np.column_stack([means.mean(axis=1), np.where(lacking > 0, np.nan, rest)])
    return pd.DataFrame(every, table.mean.index, [ALL, *sets])


def leave_one_out_table(table: PosterTable, output: str) -> MeanTable | None:
    """`averages_without` as a table; None for fewer than three sets."""
    means = averages_without(table, output)
    if means.empty:
        return None
    nothing = pd.DataFrame(np.nan, index=means.index, columns=means.columns)
    return MeanTable(
        mean=means,
        sd=nothing,
        repeats=pd.DataFrame(dict.fromkeys(means, table.repeats.max(axis=1)), index=means.index),
        titles=table.titles,
        headers={
            ALL: "All sets",
            **{name: f"Without {name}" for name in map(str, means) if name != ALL},
        },
        notes=(
            f"Mean Dice ({output}) over the sets of the average, and over all of them but one.",
            *leader_notes(means, table.titles),
        ),
        phantom=table.phantom,
    )


def leader_notes(means: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """A sentence on the sets without which another method leads, or that there are none."""
    if means.empty or len(whole := means.dropna()) < 2:
        return []
    places = whole.round(9).rank(ascending=False, method="min").astype(int)
    first = str(whole[ALL].idxmax())
    moved = []
    for name in whole:
        if (place := places[name].to_dict()[first]) > 1:
            leader = titles[str(whole[name].idxmax())]
            moved.append(f"without {name} {leader} leads, {titles[first]} is {ordinal(place)}")
    if not moved:
        return [f"{titles[first]} leads the average whichever one set is left out."]
    return [f"{titles[first]} leads the average; {'; '.join(moved)}."]


def ordinal(number: int) -> str:
    """A place as a word up to the twelfth, then as a number."""
    words = (
        *("first", "second", "third", "fourth", "fifth", "sixth"),
        *("seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"),
    )
    return words[number - 1] if number <= len(words) else f"in place {number}"
