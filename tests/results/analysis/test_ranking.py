"""Rank distributions, against resamples gone through one by one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from results.analysis.ranking import RESAMPLES, kendall_tau, rank_over_sets, rank_over_subjects


def subjects(values: dict[tuple[str, str], list[float]], output: str = "FTN") -> pd.DataFrame:
    """Subject scores by method and test set."""
    return pd.DataFrame(
        [
            {
                "output": output,
                "test_set": test_set,
                "method": method,
                "subject": f"{number:03d}",
                "dice": dice,
            }
            for (method, test_set), column in values.items()
            for number, dice in enumerate(column)
        ]
    )


def test_clear_winner_is_always_first() -> None:
    table = subjects({("a", "ACDC"): [0.9, 0.8, 0.7], ("b", "ACDC"): [0.5, 0.4, 0.6]})
    ranking = rank_over_subjects(table, "FTN", {})
    assert ranking is not None
    assert ranking.shares.to_dict("index") == {"a": {1: 1.0, 2: 0.0}, "b": {1: 0.0, 2: 1.0}}
    assert ranking.tau == (1.0, 1.0, 1.0)
    assert rank_over_sets(table, "FTN") is None  # one set
    assert rank_over_subjects(table, "FTN+STN", {}) is None


def test_share_of_two_subjects_by_hand() -> None:
    """Of (x, x), (x, y), (y, x), (y, y), 'a' wins the first three."""
    table = subjects({("a", "ACDC"): [0.9, 0.4], ("b", "ACDC"): [0.5, 0.5]})
    ranking = rank_over_subjects(table, "FTN", {})
    assert ranking is not None
    assert ranking.shares.at["a", 1] == pytest.approx(0.75, abs=4 * np.sqrt(0.19 / RESAMPLES))


def test_sets_of_a_cohort_are_drawn_together() -> None:
    """The methods' means swap sides with each subject, but only if both sets take the same one."""
    values = {
        ("a", "ACDC"): [0.9, 0.1],
        ("b", "ACDC"): [0.5, 0.5],
        ("a", "Bias"): [0.1, 0.9],
        ("b", "Bias"): [0.49, 0.49],
    }
    together = rank_over_subjects(subjects(values), "FTN", {"ACDC": "ACDC", "Bias": "ACDC"})
    apart = rank_over_subjects(subjects(values), "FTN", {})
    assert together is not None and apart is not None
    assert together.shares.at["a", 1] == 1.0  # a: 0.5 whatever is drawn; b: 0.495
    assert 0.5 < apart.shares.at["a", 1] < 0.95


def test_over_sets_by_hand() -> None:
    """'a' wins on one of two sets by more: it loses only where the other is drawn twice."""
    values = {("a", "X"): [0.9], ("b", "X"): [0.2], ("a", "Y"): [0.4], ("b", "Y"): [0.5]}
    ranking = rank_over_sets(subjects(values), "FTN")
    assert ranking is not None
    assert ranking.shares.at["a", 1] == pytest.approx(0.75, abs=4 * np.sqrt(0.19 / RESAMPLES))
    assert list(ranking.shares.index) == ["a", "b"]


def test_equal_methods_share_a_rank() -> None:
    alike = {("a", "X"): [0.5, 0.6], ("b", "X"): [0.5, 0.6]}
    ranking = rank_over_subjects(subjects(alike), "FTN", {})
    assert ranking is not None
    assert (ranking.shares[1.5] == 1.0).all()
    assert np.isnan(ranking.tau[0])


def test_method_without_a_set_is_left_out_and_named() -> None:
    values = {(name, of): [0.5, 0.6] for name in "ab" for of in "XY"}
    ranking = rank_over_subjects(subjects({**values, ("c", "X"): [0.9, 0.9]}), "FTN", {})
    assert ranking is not None
    assert ranking.left_out == ("c",)
    assert "Not ranked, without scores on every set: C." in ranking.notes({"c": "C"})


def test_one_subject_gives_no_ranks_over_subjects() -> None:
    """Every resample of it is the same, which is no sign of a stable order."""
    table = subjects({("a", "X"): [0.5], ("b", "X"): [0.4], ("a", "Y"): [0.5], ("b", "Y"): [0.4]})
    assert rank_over_subjects(table, "FTN", {}) is None
    assert rank_over_sets(table, "FTN") is not None


def test_methods_that_share_no_subject_are_not_ranked() -> None:
    table = subjects({("a", "X"): [0.5, 0.6], ("b", "X"): [0.5, 0.6], ("a", "Y"): [0.5]})
    table.loc[table["method"] == "b", "subject"] = ["patient000", "patient001"]
    table = pd.concat([table, subjects({("b", "Y"): [0.4]})])
    assert rank_over_subjects(table, "FTN", {}) is None
    assert rank_over_sets(table, "FTN") is None


@pytest.mark.slow
@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=4))
def test_shares_are_a_distribution(columns: list[list[float]]) -> None:
    table = subjects({(f"m{i}", "X"): column for i, column in enumerate(columns)})
    ranking = rank_over_subjects(table, "FTN", {})
    assert ranking is not None
    np.testing.assert_allclose(ranking.shares.sum(axis=1), 1)
    ranks = ranking.shares.columns.to_numpy(dtype=float)
    total = (ranking.shares.to_numpy() * ranks).sum()
    assert total == pytest.approx(len(columns) * (len(columns) + 1) / 2)
    again = rank_over_subjects(table.sample(frac=1, random_state=0), "FTN", {})
    assert again is not None
    pd.testing.assert_frame_equal(again.shares, ranking.shares)


@given(
    st.integers(2, 6).flatmap(
        lambda n: st.tuples(
            st.lists(st.integers(0, 3), min_size=n, max_size=n),
            st.lists(st.integers(0, 3), min_size=n, max_size=n),
        )
    )
)
def test_tau_is_scipys(drawn: tuple[list[int], list[int]]) -> None:
    one, other = (np.array(values, dtype=float) for values in drawn)
    expected = kendalltau(one, other).statistic
    np.testing.assert_allclose(kendall_tau(one[None], other)[0], expected, equal_nan=True)


def test_methods_that_are_level_are_not_said_to_be_first_in_none() -> None:
    titles = {"a": "A", "b": "B", "c": "C"}
    level = rank_over_subjects(subjects({(name, "X"): [0.5, 0.6] for name in titles}), "FTN", {})
    assert level is not None
    assert level.first(titles) == "all methods are level in 100% of resamples of the subjects"
    two = rank_over_subjects(
        subjects({("a", "X"): [0.5, 0.6], ("b", "X"): [0.5, 0.6], ("c", "X"): [0.1, 0.2]}),
        "FTN",
        {},
    )
    assert two is not None
    assert two.first(titles).startswith("A and B are level in the first place in 100% of resamples")
