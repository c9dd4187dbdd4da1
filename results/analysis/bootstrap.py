"""Resampling subjects, or test sets, with replacement."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from results.analysis.intervals import LEVEL


@lru_cache(maxsize=4)  # rankings of several outputs need the same draws
def resample_counts(units: int, resamples: int, *, seed: int, name: str) -> NDArray[np.float64]:
    """How often each unit was drawn in each resample, (resamples, units); rows sum to ``units``.

    The draws depend only on ``seed`` and ``name``; other comparisons do not change them.
    """
    generator = np.random.default_rng([seed, *name.encode()])
    counts = generator.multinomial(units, np.full(units, 1 / units), size=resamples)
    drawn = counts.astype(np.float64)
    drawn.setflags(write=False)
    return drawn


def percentile_interval(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Lower and upper end of the percentile interval of ``samples``, (resamples, ...), by column.

    Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
    """
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(samples, [tail, 1 - tail], axis=0)
    return low, high
