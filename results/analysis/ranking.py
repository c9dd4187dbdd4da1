"""Stability of the methods' order: would it be the same with other subjects or test sets?

A method's score is its mean Dice over test sets; the score on a set is the mean over its subjects.
Subjects or sets resampled with replacement give other scores and ranks. The frequencies of a
method's ranks are its rank distribution (Wiesenfarth et al., Sci. Rep. 2021, arXiv:1910.05121).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results.analysis.bootstrap import percentile_interval, resample_counts
from results.wording import listed

RESAMPLES = 2_000

MOST = 60
"""Most methods with rank distributions; a figure cannot show more, and the table grows with their
square. If there are more methods, the best by mean rank are kept, and those in `keep`."""

_PAIRWISE = 60
"""Up to this many methods, all pairs of all resamples are compared at once."""


@dataclass(frozen=True)
class Ranking:
    """The rank distributions of one output."""

    over: str
    """What was resampled: "subjects" or "test sets"."""
    shares: pd.DataFrame
    """Methods, best first, by ranks (1 is the best; tied methods share their mean rank): shares of
    the resamples; rows sum to 1. At most `MOST` methods, and those to keep."""
    tau: tuple[float, float, float]
    """Kendall's τ-b of a resample's order with that of all data: mean, and 95 % interval."""
    sets: tuple[str, ...]
    left_out: tuple[str, ...]
    """Methods without a score on each of the sets."""
    leads: pd.Series
    """For each method, the share of resamples in which no other is better (alone or tied)."""
    alone: pd.Series
    """For each method, the share of resamples in which it alone has rank 1."""

    def first(self, titles: Mapping[str, str]) -> str:
        """A sentence on the method that ranks first most often."""
        of = f"of resamples of the {self.over}"
        best = str(self.alone.idxmax())
        if self.alone[best] > 0:
            return f"{titles[best]} ranks first in {self.alone[best]:.0%} {of}"
        most = self.leads.max()
        level = [titles[str(name)] for name in self.leads.index[self.leads == most]]
        if len(level) == len(self.leads):
            return f"all methods are level in {most:.0%} {of}"
        return f"{listed(level)} are level in the first place in {most:.0%} {of}"

    def notes(self, titles: Mapping[str, str]) -> list[str]:
        """Notes on methods that are not ranked or not shown."""
        notes = []
        if len(self.shares) < len(self.leads):
            notes.append(
                f"Ranks among {len(self.leads)} methods; shown are those of the {MOST} best by "
                "mean rank, and of the reference."
            )
        if self.left_out:
            names = listed(titles.get(name, name) for name in self.left_out)
            notes.append(f"Not ranked, without scores on every set: {names}.")
        return notes


@dataclass(frozen=True)
class _SetScores:
    """Scores on one test set of the subjects that all methods have."""

    subjects: NDArray[np.int64]
    """Indices of the subjects among all subjects, ascending, in the order of their names."""
    dice: NDArray[np.float64]
    """(subjects, methods)."""


def rank_over_subjects(
    subjects: pd.DataFrame,
    output: str,
    cohorts: Mapping[str, str],
    *,
    seed: int = 0,
    keep: Collection[str] = (),
) -> Ranking | None:
    """Resample the subjects of each cohort.

    None if fewer than two methods have all sets, if these share no subject of a set, or if every
    cohort has one subject only, so that all resamples would be the same.

    ``subjects`` is of `subject_scores`. ``cohorts`` names, by test set, whose subjects it is made
    of: sets of one cohort, such as a clean set and its corrupted ones, are resampled together. A
    set without an entry is a cohort of its own. ``keep`` names methods whose ranks are always kept.
    """
    tables, sets, methods, left_out = _tables(subjects, output)
    if len(methods) < 2 or any(not len(table.subjects) for table in tables):
        return None
    members: dict[str, list[_SetScores]] = {}
    for name, table in zip(sets, tables, strict=True):
        members.setdefault(cohorts.get(name, name), []).append(table)
    names_of = {
        cohort: np.unique(np.concatenate([table.subjects for table in own]))
        for cohort, own in members.items()
    }
    if all(len(names) < 2 for names in names_of.values()):
        return None
    scores = np.zeros((RESAMPLES, len(methods)))
    for cohort, own in sorted(members.items()):
        names = names_of[cohort]
        counts = resample_counts(len(names), RESAMPLES, seed=seed, name=f"ranks/{output}/{cohort}")
        for table in own:
            drawn = counts[:, np.searchsorted(names, table.subjects)]
            # A resample may have no subject of a small set; then its order is unknown.
            with np.errstate(invalid="ignore"):
                scores += drawn @ table.dice / drawn.sum(axis=1, keepdims=True)
    scores /= len(sets)
    return _ranking("subjects", scores, tables, sets, methods, left_out, keep)


def rank_over_sets(
    subjects: pd.DataFrame, output: str, *, seed: int = 0, keep: Collection[str] = ()
) -> Ranking | None:
    """Resample the test sets.

    None if there is only one set, if fewer than two methods have all sets, or if these share no
    subject of a set. ``keep`` as in `rank_over_subjects`.
    """
    tables, sets, methods, left_out = _tables(subjects, output)
    if len(methods) < 2 or len(sets) < 2 or any(not len(table.subjects) for table in tables):
        return None
    means = np.stack([table.dice.mean(axis=0) for table in tables], axis=1)
    counts = resample_counts(len(sets), RESAMPLES, seed=seed, name=f"ranks/{output}/sets")
    scores = counts @ means.T / len(sets)
    return _ranking("test sets", scores, tables, sets, methods, left_out, keep)


def _tables(
    subjects: pd.DataFrame, output: str
) -> tuple[list[_SetScores], list[str], list[str], list[str]]:
    """The scores by set; the sets, the methods that have all of them, and those left out."""
    chosen = subjects[subjects["output"] == output]
    set_of, names = pd.factorize(chosen["test_set"], sort=True)
    given = chosen.groupby("method")["test_set"].nunique()
    methods = sorted(given.index[given == len(names)])
    subject_of, _ = pd.factorize(chosen["subject"], sort=True)
    method_of = pd.Index(methods).get_indexer(chosen["method"])
    dice = chosen["dice"].to_numpy(dtype=np.float64)
    order = np.argsort(set_of, kind="stable")
    order = order[method_of[order] >= 0]
    ends = np.searchsorted(set_of[order], np.arange(len(names)), side="right")
    tables = []
    for rows in np.split(order, ends[:-1]):
        found, place = np.unique(subject_of[rows], return_inverse=True)
        table = np.full((len(found), len(methods)), np.nan)
        table[place, method_of[rows]] = dice[rows]
        shared = np.isfinite(table).all(axis=1)  # subjects that all methods have
        tables.append(_SetScores(found[shared], table[shared]))
    left_out = sorted(set(given.index) - set(methods))
    return tables, [str(name) for name in names], methods, left_out


def _ranking(
    over: str,
    scores: NDArray[np.float64],
    tables: list[_SetScores],
    sets: list[str],
    methods: list[str],
    left_out: list[str],
    keep: Collection[str],
) -> Ranking:
    """Ranks of ``scores``, (resamples, methods)."""
    whole = np.mean([table.dice.mean(axis=0) for table in tables], axis=0)
    scores = scores[np.isfinite(scores).all(axis=1)]
    ranks = pd.DataFrame(-scores.round(9)).rank(axis=1).to_numpy()
    taus = kendall_tau(ranks, -whole.round(9))
    taus = taus[np.isfinite(taus)]  # undefined if all ranks are tied
    low, high = percentile_interval(taus) if taus.size else (np.nan, np.nan)
    index = pd.Index(methods)
    order = pd.Series(ranks.mean(axis=0), index=methods).sort_values(kind="stable").index
    leads = pd.Series((ranks == ranks.min(axis=1, keepdims=True)).mean(axis=0), index)
    shown = [str(name) for place, name in enumerate(order) if place < MOST or name in keep]
    return Ranking(
        over=over,
        shares=_shares(
            ranks[:, [methods.index(name) for name in shown]], shown, every=len(order) <= MOST
        ),
        tau=(float(taus.mean()) if taus.size else float("nan"), float(low), float(high)),
        sets=tuple(sets),
        left_out=tuple(left_out),
        leads=leads.loc[order],
        alone=pd.Series((ranks == 1).mean(axis=0), index).loc[order],
    )


def _shares(ranks: NDArray[np.float64], methods: Sequence[str], *, every: bool) -> pd.DataFrame:
    """The share of each rank by method; of ``every`` whole rank, or of those that occur."""
    found = set(np.unique(ranks).tolist()) | {1.0}
    if every:
        found |= set(map(float, range(1, len(methods) + 1)))
    columns = np.array(sorted(found))
    places = np.searchsorted(columns, ranks) + len(columns) * np.arange(len(methods))
    counts = np.bincount(places.ravel(), minlength=len(columns) * len(methods))
    shares = counts.reshape(len(methods), -1) / len(ranks)
    return pd.DataFrame(
        shares,
        pd.Index(methods),
        [int(rank) if rank.is_integer() else rank for rank in columns.tolist()],
    )


def kendall_tau(ranks: NDArray[np.float64], order: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's τ-b of each row of ``ranks``, (resamples, methods), with ``order``, (methods,).

    Concordant minus discordant pairs over the root of the product of the pairs that are not tied in
    either; NaN where all are. Works on thousands of rows at once; the memory grows with the number
    of methods, not with its square.
    """
    if ranks.shape[1] > _PAIRWISE:
        from scipy.stats import kendalltau

        return np.array(
            [kendalltau(row, order, method="asymptotic").statistic for row in ranks], np.float64
        )
    first, second = np.triu_indices(ranks.shape[1], k=1)
    rows = np.sign(ranks[:, first] - ranks[:, second])
    one = np.sign(order[first] - order[second])
    with np.errstate(invalid="ignore"):
        return (rows @ one) / np.sqrt((rows**2).sum(axis=1) * (one**2).sum())
