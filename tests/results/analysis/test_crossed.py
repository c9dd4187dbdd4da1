"""The model of subjects and repeats, and t intervals, by other routes."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_1samp
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.stats.weightstats import DescrStatsW

from results.analysis.crossed import complete, crossed_mean
from results.analysis.intervals import equivalence_p, interval_of_mean, t_reach, t_tail


def drawn(seed: int, subjects: int = 20, repeats: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        0.02
        + 0.03 * rng.normal(size=(subjects, 1))
        + 0.02 * rng.normal(size=(1, repeats))
        + 0.02 * rng.normal(size=(subjects, repeats))
    )


def test_error_is_the_mixed_models() -> None:
    """statsmodels, restricted likelihood, subjects and repeats as crossed random effects."""
    table = drawn(2)
    long = pd.DataFrame(table).stack().rename_axis(["subject", "repeat"]).rename("d").reset_index()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its search for the maximum
        model = MixedLM.from_formula(
            "d ~ 1",
            long,
            groups=np.ones(len(long)),
            vc_formula={"subject": "0 + C(subject)", "repeat": "0 + C(repeat)"},
        ).fit(reml=True, method=["bfgs", "powell"])
    found = crossed_mean([table])
    assert found.mean == pytest.approx(model.fe_params.iloc[0])
    assert found.error == pytest.approx(model.bse_fe.iloc[0], rel=1e-3)


def test_repeats_that_are_all_the_error_leave_their_own_t_test() -> None:
    """Subjects that change alike: then the repeats are the sample."""
    by_repeat = np.array([0.01, 0.03, 0.05])
    found = crossed_mean([np.tile(by_repeat, (8, 1))])
    assert found.p == pytest.approx(ttest_1samp(by_repeat, 0).pvalue)
    assert found.interval == pytest.approx(DescrStatsW(by_repeat).tconfint_mean())
    assert found.freedom == pytest.approx(2) and found.subjects_error == 0


def test_degrees_of_freedom_by_hand() -> None:
    """Mean squares 0.75 of 1 (subjects), 0.25 of 1 (repeats), 0.25 of 1 (rest), of 2 × 2 cells."""
    table = np.array([[0.0, 0.0], [0.5, 1.0]])
    # Subject means 0, 0.75; repeat means 0.25, 0.5; residuals ±0.125.
    subjects, repeats, rest = 0.5625 / 4, 0.0625 / 4, 4 * 0.125**2 / 4
    found = crossed_mean([table])
    assert found.error**2 == pytest.approx(max(subjects - rest, 0) + max(repeats - rest, 0) + rest)
    freedom = (subjects + repeats - rest) ** 2 / (subjects**2 + repeats**2 + rest**2)
    assert found.freedom == pytest.approx(max(1, freedom))


def test_two_cohorts_are_independent() -> None:
    """Of one cohort twice at half the weight, the subjects' part of the variance halves."""
    table = drawn(3)
    one, two = crossed_mean([table]), crossed_mean([table, table], [0.5, 0.5])
    assert two.mean == pytest.approx(one.mean)
    assert two.subjects_error == pytest.approx(one.subjects_error / np.sqrt(2))
    assert two.repeats_error == pytest.approx(one.repeats_error)  # the same trainings


@pytest.mark.parametrize("shape", [(1, 3), (5, 1), (1, 1)])
def test_one_of_either_has_no_interval(shape: tuple[int, int]) -> None:
    found = crossed_mean([np.full(shape, 0.02)])
    assert found.mean == pytest.approx(0.02)
    assert np.isnan([found.error, found.p, *found.interval, found.equivalent_p(0.01)]).all()


def test_no_difference_anywhere_is_no_evidence() -> None:
    found = crossed_mean([np.zeros((6, 3))])
    assert found.p == 1 and found.interval == (0, 0) and found.equivalent_p(0.01) == 0


def test_complete_leaves_out_who_lacks_a_repeat() -> None:
    table = np.array([[1.0, 2.0], [np.nan, 3.0], [4.0, 5.0]])
    assert complete(table).tolist() == [[1, 2], [4, 5]]


def test_interval_is_statsmodels_and_leaves_gaps_out() -> None:
    values = np.random.default_rng(1).exponential(0.1, (9, 3))
    values[3:, 1] = np.nan
    values[1:, 2] = np.nan
    low, high = interval_of_mean(values)
    for column, count in ((0, 9), (1, 3)):
        expected = DescrStatsW(values[:count, column]).tconfint_mean()
        assert (low[column], high[column]) == pytest.approx(expected)
    assert np.isnan([low[2], high[2]]).all()  # one value has no interval


@pytest.mark.parametrize("shift", [-0.02, -0.004, 0.0, 0.006, 0.03])
def test_equivalence_is_statsmodels(shift: float) -> None:
    values = np.random.default_rng(5).normal(shift, 0.01, 20)
    expected = DescrStatsW(values).ttost_mean(-0.01, 0.01)[0]
    error = values.std(ddof=1) / np.sqrt(20)
    assert equivalence_p(values.mean(), error, 19, 0.01) == pytest.approx(expected)


@pytest.mark.parametrize("freedom", [1, 2.5, 19, np.inf])
def test_special_functions_are_students(freedom: float) -> None:
    assert t_reach(1.0, freedom) == pytest.approx(t.ppf(0.975, freedom))
    assert t_tail(1.3, freedom) == pytest.approx(t.sf(1.3, freedom))
