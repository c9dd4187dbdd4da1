"""Whether the method with the highest average can be told from the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from results.analysis.crossed import Crossed, complete, crossed_mean, subjects_mean
from results.analysis.pairing import score_cube
from results.analysis.statistics import subject_means


@dataclass(frozen=True)
class Distance:
    """The leader's mean Dice minus another method's, over what both have."""

    difference: float
    low: float
    high: float
    over_repeats: bool
    """Whether the interval is over subjects and repeats, or over subjects alone, for want of two
    repeats that both have."""

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves zero out; not so where there is none."""
        return self.low > 0 or self.high < 0


def distances(
    repeats: pd.DataFrame, sets: Iterable[str], cohorts: Mapping[str, str], leader: str
) -> dict[str, Distance]:
    """The leader against each method that shares a subject of every cohort with it.

    Args:
        repeats: scores of one output, of `results.scores.score_table.repeat_scores`.
        sets: whose average is compared; each counts alike.
        cohorts: by set, whose subjects it is made of; those of different cohorts are independent.
        leader: a method.
    """
    members: dict[str, list[str]] = {}
    for name in dict.fromkeys(sets):
        members.setdefault(cohorts.get(name, name), []).append(name)
    total = sum(map(len, members.values()))
    weights = [len(own) / total for own in members.values()]
    # By cohort: the scores of each method, subjects by repeats, whose numbers are the columns'.
    tables: list[dict[str, pd.DataFrame]] = []
    for cohort, own in members.items():
        scores = subject_means(repeats, own, cohort)
        cube, methods = score_cube(scores, "dice")
        subjects, numbers = (sorted(set(scores[name])) for name in ("subject", "repeat"))
        tables.append(
            {
                method: pd.DataFrame(one, subjects, numbers)
                for method, one in zip(methods, cube, strict=True)
            }
        )
    found = {}
    for method in sorted(set.intersection(*(set(table) for table in tables)) - {leader}):
        if any(leader not in table for table in tables):
            break
        lead = _lead(tables, weights, leader, method)
        if lead is not None:
            found[method] = lead
    return found


def _lead(
    tables: list[dict[str, pd.DataFrame]], weights: list[float], leader: str, method: str
) -> Distance | None:
    differences = [table[leader] - table[method] for table in tables]
    held = [set(one.columns[one.notna().any()]) for one in differences]
    common = sorted(set.intersection(*held))
    blocks = [complete(one[common].to_numpy()) for one in differences]
    if not common or any(not len(block) for block in blocks):
        return None
    across = crossed_mean(blocks, weights)
    over_repeats = bool(np.isfinite(across.error))
    lead: Crossed = across if over_repeats else subjects_mean(blocks, weights)
    low, high = lead.interval
    return Distance(lead.mean, low, high, over_repeats)
