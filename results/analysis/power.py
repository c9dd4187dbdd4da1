"""The number of repeats needed to show a difference between two methods.

A repeat is a split and a seed that both methods have. Its difference is one number, and the test of
n repeats is a one-sample t-test. The spread of these numbers is measured; from few repeats, it is
only a rough estimate. More repeats reduce only the error from training, not the error from
subjects.
"""

import math
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

POWER = 0.8
"""Power: the probability that the test shows an existing difference."""

ALPHA = 0.05
"""Level of one two-sided comparison, not corrected for others."""

LIMIT = 1000
"""Largest number of repeats to consider."""


@lru_cache(maxsize=4096)
def power_of(effect: float, repeats: int) -> float:
    """The probability that a two-sided t-test of the repeats' differences gives p < `ALPHA`.

    ``effect`` is the true difference in standard deviations of the repeats' differences. Source: J.
    Cohen, Statistical Power Analysis, 1988, chapter 2. The noncentral t distribution is computed as
    a mean of normal distributions over the estimated deviation; unlike scipy's function, this works
    for any size of effect.
    """
    from scipy.special import ndtr

    bounds, shift = _bounds(repeats), abs(effect) * math.sqrt(repeats)
    _, weights = _chances()
    return float((ndtr(shift - bounds) + ndtr(-shift - bounds)) @ weights)


@cache
def _chances() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a mean over chances is taken, by Gauss and Legendre's rule, and the weights.

    Its error in a power is below 4e-6.
    """
    places, weights = np.polynomial.legendre.leggauss(128)
    return (places + 1) / 2, weights / 2


@lru_cache(maxsize=64)
def _bounds(repeats: int) -> NDArray[np.float64]:
    """Critical values of the mean, in true standard errors, by the chance of the deviation."""
    from scipy.special import gammaincinv, stdtrit

    half = (repeats - 1) / 2
    chances, _ = _chances()
    estimated = np.sqrt(gammaincinv(half, chances) / half)
    return np.asarray(estimated * stdtrit(repeats - 1, 1 - ALPHA / 2))


@lru_cache(maxsize=128)
def detectable_effect(repeats: int) -> float:
    """The effect, in standard deviations, that this number of repeats (two or more) shows with
    `POWER`."""
    low, high = 0.0, 1.0
    while power_of(high, repeats) < POWER:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if power_of(middle, repeats) < POWER else (low, middle)
    return high


def repeats_needed(difference: float, deviation: float) -> float:
    """The smallest number of repeats, two or more, that show a difference with `POWER`.

    ``deviation`` is the standard deviation over repeats of the difference, in the same unit. NaN if
    the deviation is not known, or the difference is 0; infinite if more than `LIMIT`.
    """
    if math.isnan(difference) or math.isnan(deviation) or difference == 0:
        return math.nan
    if deviation == 0:
        return 2.0
    effect = abs(difference) / deviation
    if power_of(effect, LIMIT) < POWER:
        return math.inf
    low, high = 1, LIMIT
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(effect, middle) >= POWER else (middle, high)
    return float(high)
