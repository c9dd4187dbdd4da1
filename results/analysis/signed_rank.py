"""The signed-rank test of paired differences and its effect size, correct with ties."""

import math

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-9
"""Scores are written with six decimals, so means that differ by less differ by rounding alone."""

EXACT, EXACT_TIED = 50, 25
"""Up to this many pairs, p is exact: without ties and zeros, and with them."""


def signed_levels(differences: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sign times level of each difference: 0 for none, ±1 for the smallest size, ±2 for the next.

    Sizes within `ROUNDING` of their neighbour have the same level, so that rounding errors of means
    neither separate equal differences nor create a difference. This is better than rounding to the
    9th decimal, which can separate close neighbours.
    """
    sizes = np.abs(differences)
    order = np.argsort(sizes, kind="stable")
    steps = np.diff(sizes[order], prepend=0.0) > ROUNDING
    levels = np.empty(len(sizes), dtype=np.int64)
    levels[order] = np.cumsum(steps)
    return levels * np.sign(differences).astype(np.int64)


def signed_rank_p(levels: NDArray[np.int64]) -> float:
    """Two-sided p of the Wilcoxon signed-rank test, zeros by Pratt; 1 where no pair differs.

    It is the share of all 2^n signs of the nonzero differences whose rank sum is at least as far
    from its mean: exact for up to `EXACT` pairs, or `EXACT_TIED` with ties or zeros. For more, the
    normal approximation with the variance of the tied ranks and no correction for continuity.

    Source: J. W. Pratt, Remarks on zeros and ties in the Wilcoxon signed rank procedures, JASA
    1959. ``levels`` is of `signed_levels`.
    """
    from scipy.special import ndtr

    ranks = _ranks(np.abs(levels))[levels != 0]
    if not ranks.size:
        return 1.0
    balance = abs(float((np.sign(levels[levels != 0]) * ranks).sum()))
    tied = np.unique(np.abs(levels)).size < levels.size or (levels == 0).any()
    if levels.size > (EXACT_TIED if tied else EXACT):
        deviation = math.sqrt(float((ranks**2).sum()))
        return float(min(1.0, 2 * ndtr(-balance / deviation)))
    # Mean ranks are multiples of 1/2; doubled, they are whole numbers. Count the sign patterns for
    # each sum of positive ranks, rank by rank.
    doubled = np.rint(2 * ranks).astype(np.int64)
    total = int(doubled.sum())
    ways = np.zeros(total + 1)
    ways[0] = 1.0
    for rank in doubled:
        ways[rank:] += ways[: total + 1 - rank].copy()
    sums = np.abs(2 * np.arange(total + 1) - total)
    return float(min(1.0, ways[sums >= 2 * balance - 1e-6].sum() / ways.sum()))


def rank_biserial(levels: NDArray[np.int64]) -> float:
    """(W⁺ − W⁻) / (W⁺ + W⁻) of the rank sums of positive and negative differences; 0 for none.

    The matched-pairs rank-biserial correlation, in [-1, 1]; zeros are left out. ``levels`` is of
    `signed_levels`. Source: D. S. Kerby, Comprehensive Psychology 2014.
    """
    nonzero = levels[levels != 0]
    if not nonzero.size:
        return 0.0
    ranks = _ranks(np.abs(nonzero))
    return float((np.sign(nonzero) * ranks).sum() / ranks.sum())


def _ranks(levels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean ranks of whole numbers from 0; the smallest has rank 1."""
    counts = np.bincount(levels)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[levels])


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's correction of p-values, for all of them together (Scand. J. Statist. 1979).

    Written here in four lines, since the library with this function takes a second to load.
    """
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(factors * p[order]))
    return corrected
