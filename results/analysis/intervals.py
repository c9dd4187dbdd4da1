"""Student's t for means over subjects: intervals, and two one-sided tests of equivalence.

docs/statistics.md shows why t, not the bootstrap: how often each interval holds the true mean.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.analysis.signed_rank import ROUNDING

LEVEL = 0.95
"""Coverage of every interval."""

Numbers = NDArray[np.float64]


def t_reach(error: Any, freedom: Any) -> Any:
    """Half the width of the interval of a mean with this standard error and degrees of freedom.

    NaN where there is no degree of freedom: one value has no interval.
    """
    from scipy.special import ndtri, stdtrit

    # The functions behind scipy.stats.t; called directly, they take a fiftieth of the time.
    degrees, upper = np.asarray(freedom, dtype=np.float64), (1 + LEVEL) / 2
    quantile = np.where(np.isinf(degrees), ndtri(upper), stdtrit(degrees, upper))
    return np.where(degrees > 0, quantile * error, np.nan)


def t_tail(score: float, freedom: float) -> float:
    """The probability above a score in Student's t distribution."""
    from scipy.special import ndtr, stdtr

    return float(ndtr(-score) if math.isinf(freedom) else stdtr(freedom, -score))


def interval_of_mean(values: Numbers) -> tuple[Numbers, Numbers]:
    """Lower and upper end of the interval of each column's mean, (units, columns).

    Values that are missing (NaN) are left out; a column with fewer than two has no interval (NaN).
    """
    count = np.isfinite(values).sum(axis=0)
    total = np.nansum(values, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        variance = np.nansum((values - mean) ** 2, axis=0) / (count - 1)
        reach = t_reach(np.sqrt(variance / count), count - 1)
    return mean - reach, mean + reach


def equivalence_p(mean: float, error: float, freedom: float, margin: float) -> float:
    """p of the two one-sided t-tests that a mean lies within (−margin, margin): the larger p.
    Source: D. J. Schuirmann, J. Pharmacokinet. Biopharm. 1987. NaN without a degree of freedom.
    """
    if not freedom > 0:
        return float("nan")
    if error < ROUNDING:
        return 0.0 if abs(mean) < margin else 1.0
    return t_tail((margin - abs(mean)) / error, freedom)
