"""The signed-rank test, its effect size and Holm's correction, by other routes."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon
from statsmodels.stats.multitest import multipletests

from results.analysis.signed_rank import holm, rank_biserial, signed_levels, signed_rank_p
from tests.helpers.signed_ranks import p_by_all_signs


def noisy(hundredths: list[int], seed: int) -> np.ndarray:
    """Differences of two decimals as float arithmetic gives them, no two quite alike."""
    base = np.random.default_rng(seed).uniform(0, 1, len(hundredths))
    return (base + np.array(hundredths) / 100) - base


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_p_is_exact_with_many_ties(hundredths: list[int], seed: int) -> None:
    levels = signed_levels(noisy(hundredths, seed))
    expected = p_by_all_signs([number / 100 for number in hundredths])
    assert signed_rank_p(levels) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=30), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_effect_does_not_see_the_rounding(hundredths: list[int], seed: int) -> None:
    """By Kerby's definition, of whole numbers."""
    whole = np.array(hundredths)
    nonzero = whole[whole != 0]
    ranks = rankdata(np.abs(nonzero))
    expected = (ranks * np.sign(nonzero)).sum() / ranks.sum() if nonzero.size else 0.0
    assert rank_biserial(signed_levels(noisy(hundredths, seed))) == pytest.approx(expected)


@pytest.mark.parametrize("count", [6, 20, 50])
def test_p_without_ties_is_scipys_exact_one(count: int) -> None:
    values = np.random.default_rng(count).normal(0.2, 1, count)
    expected = wilcoxon(values, method="exact").pvalue
    assert signed_rank_p(signed_levels(values)) == pytest.approx(expected)


@pytest.mark.parametrize("count", [26, 40, 150])
def test_p_of_many_pairs_with_ties_is_scipys_approximation(count: int) -> None:
    whole = np.random.default_rng(count).integers(-3, 5, count)
    expected = wilcoxon(whole, zero_method="pratt", method="asymptotic").pvalue
    assert signed_rank_p(signed_levels(noisy(list(whole), 0))) == pytest.approx(expected)


def test_forty_subjects_half_up_half_down() -> None:
    """0.55 and 0.45 against 0.5: nothing, whatever float arithmetic makes of the sizes."""
    other = np.where(np.arange(40) % 2 == 1, 0.55, 0.45)
    levels = signed_levels(other - 0.5)
    assert set(np.abs(levels)) == {1}
    assert rank_biserial(levels) == 0 and signed_rank_p(levels) == 1
    other[1] += 0.06
    changed = signed_levels(other - 0.5)
    # 39 share rank 20, one has rank 40: (19 · 20 + 40 − 20 · 20) / 820; z = 20 / √17200.
    assert rank_biserial(changed) == pytest.approx(20 / 820)
    assert signed_rank_p(changed) == pytest.approx(0.8788, abs=5e-5)


def test_rounding_of_means_is_no_difference() -> None:
    values = np.array([0.3, 0.6, 0.7])
    levels = signed_levels(values * 3 / 3 - values + 1e-16)
    assert not levels.any() and rank_biserial(levels) == 0 and signed_rank_p(levels) == 1


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
@settings(deadline=None)
def test_holm_is_statsmodels(p: list[float]) -> None:
    with patch("gc.collect"):  # statsmodels calls it each time, which takes longest
        expected = multipletests(p, method="holm")[1]
    np.testing.assert_allclose(holm(np.array(p)), expected, atol=1e-15)
