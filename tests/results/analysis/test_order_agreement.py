"""Kendall's τ and its exact p, by scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, permutation_test

from results.analysis.order_agreement import MOST, order_agreement


@given(st.permutations(range(7)), st.permutations(range(7)))
@settings(max_examples=20, deadline=None)
def test_without_ties_it_is_scipys(one: list[int], other: list[int]) -> None:
    expected = kendalltau(one, other, method="exact")
    found = order_agreement(np.array(one, float), np.array(other, float))
    assert found == pytest.approx((expected.statistic, expected.pvalue))


def test_with_ties_it_goes_through_all_orders() -> None:
    one, other = np.array([1.0, 1, 2, 3, 3, 4]), np.array([2.0, 1, 2, 2, 5, 6])
    by_scipy = permutation_test(
        (one,),
        lambda column: abs(kendalltau(column, other).statistic),
        permutation_type="pairings",
        alternative="greater",
        n_resamples=np.inf,
    )
    tau, p = order_agreement(one, other)
    assert tau == pytest.approx(kendalltau(one, other).statistic)
    assert p == pytest.approx(by_scipy.pvalue)


def test_level_columns_have_no_order_and_many_are_refused() -> None:
    assert np.isnan(order_agreement(np.ones(5), np.arange(5.0))).all()
    with pytest.raises(ValueError, match="too many orders"):
        order_agreement(np.arange(MOST + 1.0), np.arange(MOST + 1.0))
