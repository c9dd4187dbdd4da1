"""Test whether the method with the highest average differs from the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from results.analysis.crossed import Crossed, complete, crossed_mean, subjects_mean
from results.analysis.intervals import Numbers
from results.analysis.pairing import score_cubes
from results.analysis.statistics import subject_means


@dataclass(frozen=True)
class Distance:
    """The leader's mean Dice minus another method's, over their common scores."""

    difference: float
    low: float
    high: float
    over_repeats: bool
    """Whether the interval is over subjects and repeats; else over subjects alone, since the
    methods share fewer than two repeats."""

    @property
    def known(self) -> bool:
        """Whether there is an interval; one subject has none."""
        return bool(np.isfinite(self.low))

    @property
    def above(self) -> bool:
        """Whether the interval is above zero; False if there is none."""
        return self.low > 0

    @property
    def below(self) -> bool:
        """Whether the interval is below zero: then the leader's mean is higher only through other
        scores."""
        return self.high < 0


def distances(
    repeats: pd.DataFrame, sets: Iterable[str], cohorts: Mapping[str, str], leader: str
) -> dict[str, Distance]:
    """The leader against each method that shares a subject of every cohort with it.

    Args:
        repeats: scores of one output, of `results.scores.score_table.repeat_scores`.
        sets: the sets to average over, with equal weights.
        cohorts: for each set, the cohort of its subjects; different cohorts are independent.
        leader: the method with the highest average.
    """
    members: dict[str, list[str]] = {}
    for name in dict.fromkeys(sets):
        members.setdefault(cohorts.get(name, name), []).append(name)
    total = sum(map(len, members.values()))
    weights = [len(own) / total for own in members.values()]
    by_set = dict(iter(repeats.groupby("test_set")))
    tables = []
    for cohort, own in members.items():
        if not all(name in by_set for name in own):
            return {}
        # A subject's score in a cohort is its mean over the cohort's sets.
        alone = by_set[own[0]].dropna(subset=["dice"]) if len(own) == 1 else None
        joined = pd.concat([by_set[name] for name in own]) if alone is None else alone
        scores = subject_means(joined, own, cohort) if alone is None else alone
        leads = {}
        for cube in score_cubes(scores, "dice"):  # one, or none where there are no scores
            if leader not in cube.methods:
                continue
            first = cube.methods.index(leader)
            for place, name in enumerate(cube.methods):
                ahead = cube.scores[first] - cube.scores[place]
                leads[name] = np.where(cube.compared(first, place), ahead, np.nan)
        tables.append(_Cohort(leads, sorted(set(scores["repeat"]))))
    found = {}
    for method in sorted(set.intersection(*(set(one.leads) for one in tables)) - {leader}):
        lead = _lead(tables, weights, method)
        if lead is not None:
            found[method] = lead
    return found


class _Cohort(NamedTuple):
    """Differences of the leader from the others on the subjects of a cohort."""

    leads: dict[str, Numbers]
    """The differences by method, (subjects, repeats); NaN where there is none. Empty if the leader
    has no scores."""
    numbers: list[int]
    """Numbers of the repeats."""


def _lead(tables: list[_Cohort], weights: list[float], method: str) -> Distance | None:
    differences = [one.leads[method] for one in tables]
    held = [
        {
            number
            for number, there in zip(
                one.numbers, np.atleast_1d(np.isfinite(own).any(axis=0)), strict=True
            )
            if there
        }
        for one, own in zip(tables, differences, strict=True)
    ]
    common = sorted(set.intersection(*held))
    blocks = [
        complete(own[:, [one.numbers.index(number) for number in common]])
        for one, own in zip(tables, differences, strict=True)
    ]
    if not common or any(not len(block) for block in blocks):
        return None
    across = crossed_mean(blocks, weights)
    over_repeats = bool(np.isfinite(across.error))
    lead: Crossed = across if over_repeats else subjects_mean(blocks, weights)
    low, high = lead.interval
    return Distance(lead.mean, low, high, over_repeats)
