"""Comparisons of scores that are all alike, few, constant or missing, beside SciPy's."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from results.analysis.pairing import compare_pair, score_cubes
from results.analysis.statistics import paired_tests
from tests.helpers.signed_ranks import p_by_all_signs

NAN = float("nan")


def compare(own: np.ndarray, base: np.ndarray) -> dict[str, float]:
    """Of (subjects, repeats), on all that both have."""
    return compare_pair(own, base, 0.01, np.isfinite(own) & np.isfinite(base))


def expected(differences: np.ndarray) -> tuple[float, float, float]:
    """p over all signs, and SciPy's t interval."""
    mean, error = differences.mean(), stats.sem(differences)
    low, high = stats.t.interval(0.95, len(differences) - 1, mean, error) if error else (mean, mean)
    return p_by_all_signs(differences), float(low), float(high)


@given(st.lists(st.sampled_from([-0.02, -0.01, 0.0, 0.01, 0.03]), min_size=2, max_size=9))
def test_ties_and_zeros_are_scipys(steps: list[float]) -> None:
    base = np.linspace(0.5, 0.7, len(steps)).round(6)
    found = compare((base + steps).round(6)[:, None], base[:, None])
    p, low, high = expected(np.array(steps))
    assert found["p"] == pytest.approx(p, abs=1e-12)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.02, -0.02])
def test_all_differences_alike(shift: float) -> None:
    base = np.linspace(0.5, 0.7, 6).round(6)[:, None]
    found = compare((base + shift).round(6), base)
    assert found["p"] == pytest.approx(2 / 2**6 if shift else 1.0)
    assert found["effect"] == np.sign(shift)
    assert (found["low"], found["high"]) == pytest.approx((shift, shift), abs=1e-9)
    assert found["equivalent_p"] == (1.0 if shift else 0.0)


def test_a_constant_method_against_one_that_varies() -> None:
    base = np.array([0.4, 0.5, 0.7, 0.9])
    found = compare(np.full((4, 1), 0.5), base[:, None])
    interval = stats.ttest_1samp(0.5 - base, 0).confidence_interval()
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high))
    assert found["p"] == pytest.approx(p_by_all_signs(0.5 - base))


def test_one_subject_has_a_difference_and_no_more() -> None:
    found = compare(np.array([[0.6, 0.7]]), np.array([[0.5, 0.5]]))
    assert found["difference"] == pytest.approx(0.15) and found["subjects"] == 1
    assert found["p"] == 1.0  # two signs, both as far from the mean
    for name in ("low", "high", "equivalent_p", "crossed_p", "crossed_low", "subjects_error"):
        assert np.isnan(found[name]), name


def test_one_repeat_says_nothing_of_further_trainings() -> None:
    found = compare(np.array([[0.6], [0.7], [0.8]]), np.full((3, 1), 0.5))
    assert found["repeats"] == 1 and found["low"] < 0.2 < found["high"]
    for name in ("crossed", "crossed_p", "crossed_equivalent_p", "repeats_error"):
        assert np.isnan(found[name]), name


def test_what_is_missing_is_in_no_mean() -> None:
    own = np.array([[0.6, NAN], [NAN, 0.9], [NAN, NAN], [0.7, 0.8]])
    base = np.array([[0.5, 0.1], [0.2, 0.5], [0.3, 0.3], [NAN, 0.6]])
    found = compare(own, base)
    differences = np.array([0.1, 0.4, 0.2])
    assert found["subjects"] == 3 and found["partial"]
    assert found["difference"] == pytest.approx(differences.mean())
    p, low, high = expected(differences)
    assert (found["p"], found["low"], found["high"]) == pytest.approx((p, low, high))
    with pytest.raises(ValueError, match="share no subject and repeat"):
        compare(np.array([[0.5, NAN]]), np.array([[NAN, 0.5]]))


def test_tests_that_cannot_be_made_are_none_of_the_family() -> None:
    rows = [
        ("FTN", name, method, 0, subject, dice)
        for name, subjects in (("Many", range(8)), ("One", range(1)))
        for subject in map(str, subjects)
        for method, dice in (("standard", 0.5), ("new", 0.6 + 0.001 * int(subject)))
    ]
    columns = ["output", "test_set", "method", "repeat", "subject", "dice"]
    tests = paired_tests(pd.DataFrame(rows, columns=columns), "standard").set_index("test_set")
    assert tests.at["Many", "p_holm"] == pytest.approx(2 * 2 / 2**8)
    # The t-test of one subject does not exist: that of the other set is corrected for no other.
    assert tests.at["Many", "equivalent_p_holm"] == tests.at["Many", "equivalent_p"]
    assert np.isnan(tests.at["One", "equivalent_p_holm"]) and tests.at["One", "mark"] == ""


KEYS = st.tuples(*(st.sampled_from(one) for one in (("FTN", "FTN+STN"), "ab", "mn", (0, 1), "xyz")))


@pytest.mark.slow
@given(st.dictionaries(KEYS, st.floats(0, 1), min_size=1))
def test_cubes_are_those_of_each_set_by_itself(scores: dict[tuple[str, ...], float]) -> None:
    columns = ["output", "test_set", "method", "repeat", "subject", "dice"]
    frame = pd.DataFrame([(*key, value) for key, value in scores.items()], columns=columns)
    found = {(one.output, one.test_set): one for one in score_cubes(frame, "dice")}
    groups = dict(iter(frame.groupby(["output", "test_set"])))
    assert list(found) == list(groups)
    for key, own in groups.items():
        names = [sorted(set(own[name])) for name in ("method", "subject", "repeat")]
        cells = pd.MultiIndex.from_product(names)
        cube = own.set_index(["method", "subject", "repeat"])["dice"].reindex(cells)
        expected = cube.to_numpy().reshape([len(one) for one in names])
        np.testing.assert_array_equal(found[key].scores, expected)
        assert found[key].methods == names[0]
