"""Whether two orders of a few methods agree more than chance: Kendall's τ with its exact p."""

from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from results.analysis.ranking import kendall_tau

MOST = 8
"""Methods of which all orders are gone through: 40,320 of eight."""


def order_agreement(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """Kendall's τ-b of two columns of `MOST` values at most, and its two-sided p.

    p is the share of all orders of the one column whose τ is as far from 0, or farther; exact with
    ties as well. Both are NaN where all values of a column are alike. (The library that has τ
    takes most of a second to load, and its p with ties is approximate.)

    Raises `ValueError` for more values.
    """
    if len(one) > MOST:
        raise ValueError(f"{len(one)} values have too many orders; {MOST} at most")
    tau = float(kendall_tau(one[None], other)[0])
    if np.isnan(tau):
        return tau, tau
    every = kendall_tau(one[_orders(len(one))], other)
    return tau, float((np.abs(every) >= abs(tau) - 1e-9).mean())


@lru_cache(maxsize=2)
def _orders(count: int) -> NDArray[np.int64]:
    """All orders of so many places, (orders, count)."""
    return np.array(list(permutations(range(count))), dtype=np.int64)
