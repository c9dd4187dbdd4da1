"""Test whether two orders of a few methods agree more than by chance: Kendall's τ with exact p."""

from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from results.analysis.ranking import kendall_tau

MOST = 8
"""Most methods; eight have 40,320 orders, which are all computed."""


def order_agreement(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """Kendall's τ-b of two columns of `MOST` values at most, and its two-sided p.

    p is the share of all orders of one column whose |τ| is as large or larger; it is exact, also
    with ties. Both are NaN if all values of a column are equal. (SciPy's function takes most of a
    second to load, and its p with ties is approximate.)

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
