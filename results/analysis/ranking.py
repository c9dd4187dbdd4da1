"""Would the order of the methods be the same with other subjects, or other test sets?

A method's score is its mean Dice over test sets, a set's the mean over its subjects. Resampled with
replacement, subjects or sets give other scores and so other ranks; how often a method has which is
its rank distribution (Wiesenfarth et al., Sci. Rep. 2021, arXiv:1910.05121).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results.analysis.bootstrap import percentile_interval, resample_counts
from results.wording import listed

RESAMPLES = 2_000


@dataclass(frozen=True)
class Ranking:
    """The rank distributions of one output."""

    over: str
    """What was resampled: "subjects" or "test sets"."""
    shares: pd.DataFrame
    """Methods, best first, by ranks (1 the best; methods alike share their mean rank): shares of
    the resamples; rows sum to 1."""
    tau: tuple[float, float, float]
    """Kendall's τ-b of a resample's order with that of all: mean, and 95 % interval."""
    sets: tuple[str, ...]
    left_out: tuple[str, ...]
    """Methods without a score on each of the sets."""
    leads: pd.Series
    """By method, the share of the resamples in which none is better, alone or level with others."""

    def first(self, titles: Mapping[str, str]) -> str:
        """Who is first how often, in words."""
        of = f"of resamples of the {self.over}"
        alone = self.shares[1]
        best = str(alone.idxmax())
        if alone[best] > 0:
            return f"{titles[best]} ranks first in {alone[best]:.0%} {of}"
        most = self.leads.max()
        level = [titles[str(name)] for name in self.leads.index[self.leads == most]]
        if len(level) == len(self.leads):
            return f"all methods are level in {most:.0%} {of}"
        return f"{listed(level)} are level in the first place in {most:.0%} {of}"

    def notes(self, titles: Mapping[str, str]) -> list[str]:
        """Who is not ranked."""
        if not self.left_out:
            return []
        names = listed(titles.get(name, name) for name in self.left_out)
        return [f"Not ranked, without scores on every set: {names}."]


def rank_over_subjects(
    subjects: pd.DataFrame, output: str, cohorts: Mapping[str, str], *, seed: int = 0
) -> Ranking | None:
    """Resample the subjects of each cohort.

    None for fewer than two methods that have all sets, or where these share no subject of a set.

    ``subjects`` is of `subject_scores`. ``cohorts`` names, by test set, whose
    subjects it is made of: sets of one cohort, such as a clean set and its corrupted ones, are
    resampled together. A set that is not in it is a cohort of its own.
    """
    cube, sets, methods, left_out = _cube(subjects, output)
    if len(methods) < 2 or any(table.empty for table in cube):
        return None
    means = np.zeros((RESAMPLES, len(methods), len(sets)))
    for cohort in sorted({cohorts.get(name, name) for name in sets}):
        members = [place for place, name in enumerate(sets) if cohorts.get(name, name) == cohort]
        names = sorted({subject for place in members for subject in cube[place].index})
        counts = resample_counts(len(names), RESAMPLES, seed=seed, name=f"ranks/{output}/{cohort}")
        for place in members:
            drawn = counts[:, [names.index(subject) for subject in cube[place].index]]
            # A resample may hold none of the few subjects of a set: its order is then unknown.
            with np.errstate(invalid="ignore"):
                total = drawn.sum(axis=1, keepdims=True)
                means[:, :, place] = drawn @ cube[place].to_numpy() / total
    return _ranking("subjects", means.mean(axis=2), cube, sets, methods, left_out)


def rank_over_sets(subjects: pd.DataFrame, output: str, *, seed: int = 0) -> Ranking | None:
    """Resample the test sets.

    None for one set only, for fewer than two methods that have all, or where these share no subject
    of a set.
    """
    cube, sets, methods, left_out = _cube(subjects, output)
    if len(methods) < 2 or len(sets) < 2 or any(table.empty for table in cube):
        return None
    means = np.stack([scores.mean().to_numpy() for scores in cube], axis=1)
    counts = resample_counts(len(sets), RESAMPLES, seed=seed, name=f"ranks/{output}/sets")
    return _ranking("test sets", counts @ means.T / len(sets), cube, sets, methods, left_out)


def _cube(
    subjects: pd.DataFrame, output: str
) -> tuple[list[pd.DataFrame], list[str], list[str], list[str]]:
    """Per set, subjects by methods without gaps; the sets, the methods, and those left out."""
    chosen = subjects[subjects["output"] == output]
    sets = sorted(set(chosen["test_set"]))
    given = chosen.groupby("method")["test_set"].nunique()
    methods = sorted(given.index[given == len(sets)])
    cube = [
        chosen[chosen["test_set"] == name]
        .pivot(index="subject", columns="method", values="dice")
        .reindex(columns=methods)
        .dropna()  # on the subjects that all have
        for name in sets
    ]
    return cube, sets, methods, sorted(set(given.index) - set(methods))


def _ranking(
    over: str,
    scores: NDArray[np.float64],
    cube: list[pd.DataFrame],
    sets: list[str],
    methods: list[str],
    left_out: list[str],
) -> Ranking:
    """Ranks of ``scores``, (resamples, methods)."""
    whole = np.mean([table.mean().to_numpy() for table in cube], axis=0)
    scores = scores[np.isfinite(scores).all(axis=1)]
    ranks = pd.DataFrame(-scores.round(9)).rank(axis=1).to_numpy()
    taus = kendall_tau(ranks, -whole.round(9))
    taus = taus[np.isfinite(taus)]  # undefined where all are alike
    low, high = percentile_interval(taus) if taus.size else (np.nan, np.nan)
    found = sorted({*range(1, len(methods) + 1), *ranks.ravel().tolist()})
    shares = pd.DataFrame(
        {rank: (ranks == rank).mean(axis=0) for rank in found}, index=pd.Index(methods)
    )
    order = pd.Series(ranks.mean(axis=0), index=methods).sort_values(kind="stable").index
    leads = pd.Series((ranks == ranks.min(axis=1, keepdims=True)).mean(axis=0), pd.Index(methods))
    return Ranking(
        over=over,
        shares=shares.loc[order],
        tau=(float(taus.mean()) if taus.size else float("nan"), float(low), float(high)),
        sets=tuple(sets),
        left_out=tuple(left_out),
        leads=leads.loc[order],
    )


def kendall_tau(ranks: NDArray[np.float64], order: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's τ-b of each row of ``ranks``, (resamples, methods), with ``order``, (methods,).

    Concordant minus discordant pairs over the root of the product of the pairs that are not tied
    in either; NaN where all are. For thousands of rows at once.
    """
    first, second = np.triu_indices(ranks.shape[1], k=1)
    rows = np.sign(ranks[:, first] - ranks[:, second])
    one = np.sign(order[first] - order[second])
    with np.errstate(invalid="ignore"):
        return (rows @ one) / np.sqrt((rows**2).sum(axis=1) * (one**2).sum())
