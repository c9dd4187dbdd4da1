"""Paired tests and intervals, against values worked out by hand and by other routes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, ttest_1samp

from benchmark.core.errors import ScoreFileError
from results.analysis.bootstrap import resample_counts
from results.analysis.intervals import interval_of_mean
from results.analysis.statistics import paired_tests, subject_means, untested
from results.tables.notes_of_tests import (
    mark_frame,
    mark_notes,
    opposed_notes,
    partial_notes,
    power_notes,
    tiny_notes,
    untested_notes,
)
from results.wording import HIGHER, LOWER, bracketed
from tests.helpers.signed_ranks import p_by_all_signs


def subjects(
    values: dict[str, list[float]], test_set: str = "ACDC", output: str = "FTN", repeat: int = 0
) -> pd.DataFrame:
    """A column of subject scores for each method."""
    return pd.DataFrame(
        [
            {
                "output": output,
                "test_set": test_set,
                "method": method,
                "repeat": repeat,
                "subject": f"{number:03d}",
                "dice": dice,
            }
            for method, column in values.items()
            for number, dice in enumerate(column)
        ]
    )


def test_p_is_the_exact_one() -> None:
    reference = [0.5] * 8
    differences = [0.01, -0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08]
    other = [0.5 + d for d in differences]
    (row,) = paired_tests(subjects({"standard": reference, "mine": other}), "standard").to_dict(
        "records"
    )
    assert row["p"] == pytest.approx(p_by_all_signs(differences))
    assert row["subjects"] == 8 and row["difference"] == pytest.approx(np.mean(differences))
    # W+ = 36 - 2, W- = 2.
    assert row["effect"] == pytest.approx((34 - 2) / 36)


def test_holm_by_hand() -> None:
    """Three comparisons: the least p times 3, the next times 2, the greatest times 1, ascending."""
    rng = np.random.default_rng(0)
    reference = rng.uniform(0.4, 0.6, 12)
    shifts = {"a": 0.05, "b": 0.004, "c": 0.0}
    values = {"standard": list(reference)}
    values |= {m: list(reference + d + rng.normal(0, 0.01, 12)) for m, d in shifts.items()}
    tests = paired_tests(subjects(values), "standard").set_index("method")
    p = tests["p"].sort_values()
    expected, largest = {}, 0.0
    for factor, (method, value) in zip((3, 2, 1), p.items(), strict=True):
        largest = max(largest, min(1.0, factor * value))
        expected[method] = largest
    for method, value in expected.items():
        assert tests.at[method, "p_holm"] == pytest.approx(value)
    assert tests.at["a", "mark"] == HIGHER and tests.at["c", "mark"] == ""


def test_each_output_is_a_family() -> None:
    values = {"standard": [0.5] * 7, "mine": [0.4, 0.41, 0.42, 0.43, 0.44, 0.45, 0.46]}
    both = pd.concat([subjects(values), subjects(values, output="FTN+STN")])
    tests = paired_tests(both, "standard")
    assert (tests["p_holm"] == tests["p"]).all()  # one comparison in each
    assert (tests["mark"] == LOWER).all()


def test_only_shared_subjects_are_paired() -> None:
    table = subjects({"standard": [0.1, 0.2, 0.3], "mine": [0.2, 0.3, 0.9]})
    table = table[~((table["method"] == "mine") & (table["subject"] == "002"))]
    (row,) = paired_tests(table, "standard").to_dict("records")
    assert row["subjects"] == 2 and row["difference"] == pytest.approx(0.1)


def test_no_difference_is_no_evidence() -> None:
    (row,) = paired_tests(subjects({"standard": [0.5] * 6, "mine": [0.5] * 6}), "standard").to_dict(
        "records"
    )
    assert (row["p"], row["effect"], row["low"], row["high"]) == (1.0, 0.0, 0.0, 0.0)
    assert row["mark"] == ""


def test_a_lonely_method_has_no_tests() -> None:
    tests = paired_tests(subjects({"standard": [0.5, 0.6]}), "standard")
    assert tests.empty and {"p_holm", "mark"} <= set(tests)


def test_unknown_reference_is_named() -> None:
    with pytest.raises(ScoreFileError, match=r"'stndard'.*choose one of mine, standard"):
        paired_tests(subjects({"standard": [0.5], "mine": [0.6]}), "stndard")


@pytest.mark.slow
@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=12),
    st.lists(st.floats(0, 1), min_size=2, max_size=12),
)
@settings(max_examples=12)
def test_order_of_rows_changes_nothing_and_sides_swap(a: list[float], b: list[float]) -> None:
    size = min(len(a), len(b))
    table = subjects({"a": a[:size], "b": b[:size]})
    tests = paired_tests(table, "a")
    (forth,) = tests.to_dict("records")
    shuffled = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(paired_tests(shuffled, "a"), tests)
    (back,) = paired_tests(table, "b").to_dict("records")
    assert back["p"] == pytest.approx(forth["p"])
    assert back["effect"] == pytest.approx(-forth["effect"])
    assert back["low"] == pytest.approx(-forth["high"])
    assert forth["low"] - 1e-12 <= forth["difference"] <= forth["high"] + 1e-12


def test_interval_approaches_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(0.7, 0.1, 400)
    (low,), (high,) = interval_of_mean(values[:, None])
    error = values.std() / 20
    z = norm.ppf(0.975)
    assert low == pytest.approx(values.mean() - z * error, abs=0.1 * error)
    assert high == pytest.approx(values.mean() + z * error, abs=0.1 * error)


def test_resamples_depend_on_seed_and_name_alone() -> None:
    one = resample_counts(9, 20, seed=0, name="FTN/ACDC")
    assert (one.sum(axis=1) == 9).all() and one.shape == (20, 9)
    assert np.array_equal(one, resample_counts(9, 20, seed=0, name="FTN/ACDC"))
    for other in (
        resample_counts(9, 20, seed=1, name="FTN/ACDC"),
        resample_counts(9, 20, seed=0, name="FTN/M&Ms"),
    ):
        assert not np.array_equal(one, other)


def test_mean_of_a_subject_needs_all_sets() -> None:
    one = subjects({"a": [0.2, 0.4], "b": [0.5, 0.7]}, "ACDC")
    two = subjects({"a": [0.4, 0.8], "b": [0.5]}, "RandBias")
    means = subject_means(pd.concat([one, two]), ["ACDC", "RandBias"], "AVG")
    found = means.set_index(["method", "subject"])["dice"].to_dict()
    assert found == pytest.approx({("a", "000"): 0.3, ("a", "001"): 0.6, ("b", "000"): 0.5})
    assert set(means["test_set"]) == {"AVG"} and list(means) == list(one)


def test_marks_take_the_shape_of_the_table() -> None:
    values = {"standard": [0.5] * 7, "mine": [0.4, 0.41, 0.42, 0.43, 0.44, 0.45, 0.46]}
    tests = paired_tests(subjects(values), "standard")
    like = pd.DataFrame(0.0, index=["standard", "mine"], columns=["ACDC", "M&Ms"])
    assert mark_frame(tests, "FTN", like).to_numpy().tolist() == [["", ""], [LOWER, ""]]
    assert (mark_frame(tests, "FTN+STN", like) == "").to_numpy().all()


@pytest.mark.parametrize(("count", "said"), [(5, True), (6, False)])
def test_too_few_subjects_are_said(count: int, said: bool) -> None:
    """2 / 2^5 = 0.0625 can never be below 0.05; 2 / 2^6 = 0.03125 can."""
    values = {"standard": [0.5] * count, "mine": [0.6 + 0.01 * n for n in range(count)]}
    tests = paired_tests(subjects(values), "standard")
    notes = power_notes(tests, {"standard": "Standard", "mine": "Mine"})
    assert any("Too few subjects (5)" in note and "on ACDC" in note for note in notes) is said
    assert (tests["mark"] == HIGHER).all() is not said


def test_a_second_repeat_of_one_method_is_no_difference() -> None:
    """The reference's second split is worse by 0.2; the other method was not trained on it."""
    first = subjects({"standard": [0.5] * 8, "mine": [0.51, 0.5, 0.49, 0.5, 0.51, 0.5, 0.49, 0.5]})
    second = subjects({"standard": [0.3] * 8, "new": [0.4] * 8}, repeat=1)
    tests = paired_tests(pd.concat([first, second]), "standard").set_index("method")
    assert tests.at["mine", "difference"] == pytest.approx(0) and tests.at["mine", "mark"] == ""
    assert tests.at["new", "difference"] == pytest.approx(0.1)
    assert tests["repeats"].tolist() == [1, 1]
    both = pd.concat([first, second, subjects({"mine": [0.35] * 8}, repeat=1)])
    row = paired_tests(both, "standard").set_index("method").loc["mine"]
    assert row["repeats"] == 2 and row["difference"] == pytest.approx(0.025)


def test_a_method_without_a_shared_subject_or_repeat_is_named() -> None:
    table = pd.concat(
        [
            subjects({"standard": [0.5] * 8, "mine": [0.6] * 8}),
            subjects({"late": [0.6] * 8}, repeat=1),
            subjects({"mine": [0.6] * 8}, "M&Ms"),
        ]
    )
    tests = paired_tests(table, "standard")
    assert tests["method"].tolist() == ["mine"]
    found = untested(table, tests, "standard")
    assert found == {"FTN": {"late": ["ACDC"], "mine": ["M&Ms"]}}
    titles = {"standard": "Standard", "mine": "Mine", "late": "Late"}
    (note,) = untested_notes(found["FTN"], titles, "standard")
    assert "common with Standard, on the same volumes: Mine on M&Ms; Late on ACDC." in note
    assert untested_notes({}, titles, "standard") == []


def test_no_mark_where_the_mean_goes_against_the_ranks() -> None:
    """18 of 20 gain a little, two lose much: significant by ranks, lower by mean."""
    reference = [0.7] * 20
    other = [0.7 + 0.002 * (number + 1) for number in range(18)] + [0.1, 0.1]
    (row,) = paired_tests(subjects({"standard": reference, "mine": other}), "standard").to_dict(
        "records"
    )
    assert row["p_holm"] < 0.05 and row["effect"] > 0 > row["difference"]
    assert row["mark"] == ""


def test_a_small_set_can_be_significant_behind_larger_ones() -> None:
    """Holm leaves the six comparisons on eight subjects once the others are rejected."""
    names = [f"m{number}" for number in range(6)]
    large = {"standard": [0.5] * 20} | {
        name: [0.6 + 0.001 * place for place in range(20)] for name in names
    }
    small = {"standard": [0.5] * 8} | {
        name: [0.6 + 0.001 * place for place in range(8)] for name in names
    }
    tests = paired_tests(pd.concat([subjects(large), subjects(small, "Few")]), "standard")
    few = tests[tests["test_set"] == "Few"]
    assert (few["p_holm"] < 0.05).all()  # 6 · 2 / 2^8 = 0.047
    notes = power_notes(tests, {name: name for name in names})
    assert not [note for note in notes if "Too few" in note]


def test_few_repeats_are_said() -> None:
    titles = {"standard": "Standard", "mine": "Mine", "new": "New"}
    one = {"standard": [0.5] * 9, "mine": [0.6] * 9}
    tests = paired_tests(subjects(one), "standard")
    (note,) = power_notes(tests, titles)
    assert note.startswith("Compared on one repeat only:")
    three = pd.concat([subjects(one, repeat=repeat) for repeat in range(3)])
    assert power_notes(paired_tests(three, "standard"), titles) == []
    mixed = pd.concat([three, subjects({"new": [0.6] * 9})])
    (note,) = power_notes(paired_tests(mixed, "standard"), titles)
    assert note.startswith("Compared on one repeat (New) only:")


def test_one_subject_has_no_interval() -> None:
    (row,) = paired_tests(subjects({"standard": [0.5], "mine": [0.6]}), "standard").to_dict(
        "records"
    )
    assert np.isnan([row["low"], row["high"], row["crossed_low"], row["equivalent_p"]]).all()
    assert row["p"] == 1 and row["mark"] == "" and row["verdict"] == "undecided"
    assert row["crossed_verdict"] == ""


def test_a_mark_of_a_part_is_bracketed_and_its_means_are_said() -> None:
    """The method was not scored on the ten hard subjects; on the easy ones it is worse."""
    easy, hard = [0.8 + 0.001 * n for n in range(10)], [0.4] * 10
    other = [dice - 0.02 - 0.001 * n for n, dice in enumerate(easy)]
    table = pd.concat([subjects({"standard": [*easy, *hard]}), subjects({"mine": other})])
    tests = paired_tests(table, "standard")
    (row,) = tests.to_dict("records")
    assert row["mark"] == bracketed(LOWER) and row["partial"]
    assert (row["mean"], row["reference_mean"]) == pytest.approx((np.mean(other), np.mean(easy)))
    (note,) = partial_notes(tests, {"mine": "Mine"})
    assert note.endswith("those of that part: Mine: ACDC 0.7800 against 0.8045.")
    assert any(bracketed(LOWER) in line for line in mark_notes(tests, "S", "FTN", {"mine": "Mine"}))


def repeats_of(shifts: list[float]) -> pd.DataFrame:
    """Ten subjects; in repeat k the method is higher by ``shifts[k]``."""
    base = [0.5 + 0.01 * n for n in range(10)]
    return pd.concat(
        subjects({"standard": base, "mine": [dice + shift for dice in base]}, repeat=repeat)
        for repeat, shift in enumerate(shifts)
    )


def test_a_mark_whose_repeats_disagree_is_bracketed() -> None:
    (row,) = paired_tests(repeats_of([0.1, 0.1, -0.01]), "standard").to_dict("records")
    assert (row["agree"], row["repeats"], row["mark"]) == (2, 3, bracketed(HIGHER))
    (row,) = paired_tests(repeats_of([0.1, 0.1, 0.01]), "standard").to_dict("records")
    assert (row["agree"], row["mark"]) == (3, HIGHER)
    # All subjects gain 0.07 in the mean, and yet three trainings of 0.1, 0.1, 0.01 show nothing.
    assert row["crossed_low"] < 0 < row["crossed_high"]
    assert row["crossed_verdict"] == "undecided" and row["verdict"] == "better"
    assert row["crossed_p"] == pytest.approx(ttest_1samp([0.1, 0.1, 0.01], 0).pvalue)


def test_a_mean_that_is_rounding_alone_has_no_sign() -> None:
    """Half of the subjects up, half down by as much, in every repeat: 0, not −1e−17."""
    base = [0.3 + 0.01 * n for n in range(40)]
    other = [dice + (0.05 if n % 2 else -0.05) for n, dice in enumerate(base)]
    assert sum(b - a for a, b in zip(base, other, strict=True)) != 0  # in float arithmetic
    both = {"standard": base, "mine": other}
    table = pd.concat([subjects(both, repeat=repeat) for repeat in range(3)])
    (row,) = paired_tests(table, "standard").to_dict("records")
    assert (row["effect"], row["p"], row["difference"], row["crossed"]) == (0, 1, 0, 0)
    assert row["agree"] == 3 and row["mark"] == "" and not row["opposed"]


def test_the_other_way_round_is_said() -> None:
    other = [0.7 + 0.002 * (number + 1) for number in range(18)] + [0.1, 0.1]
    tests = paired_tests(subjects({"standard": [0.7] * 20, "mine": other}), "standard")
    assert tests["opposed"].all() and (tests["verdict"] == "undecided").all()
    (note,) = opposed_notes(tests, {"mine": "Mine"})
    assert "Mine: ACDC (effect r +0.63, mean -0.0429)" in note


def test_a_marked_difference_of_nothing_says_how_large_it_is() -> None:
    base = [0.5 + 0.01 * n for n in range(12)]
    other = [dice + 1e-6 * (n + 1) for n, dice in enumerate(base)]
    tests = paired_tests(subjects({"standard": base, "mine": other}), "standard")
    assert (tests["mark"] == HIGHER).all() and (tests["verdict"] == "equivalent").all()
    (note,) = tiny_notes(tests, {"mine": "Mine"})
    assert note.endswith("Mine: ACDC +6.5e-06.")


def test_outputs_can_be_one_family() -> None:
    values = {"standard": [0.5] * 7, "mine": [0.4, 0.41, 0.42, 0.43, 0.44, 0.45, 0.46]}
    both = pd.concat([subjects(values), subjects(values, output="FTN+STN")])
    tests = paired_tests(both, "standard", joint=True)
    np.testing.assert_allclose(tests["p_holm"], 2 * tests["p"])
    assert set(tests["family"]) == {"FTN and FTN+STN"} and set(tests["family_size"]) == {2}
    (note, *_) = mark_notes(tests, "Standard", "FTN", {"mine": "Mine"})
    assert "over the 2 comparisons of FTN and FTN+STN together" in note


@pytest.mark.parametrize(
    ("shift", "spread", "verdict"),
    [
        (0.001, 0.005, "equivalent"),
        (0.004, 0.002, "equivalent"),  # significant, and too small to matter
        (0.03, 0.01, "better"),
        (-0.03, 0.01, "worse"),
        (0.002, 0.08, "undecided"),
    ],
)
def test_verdicts(shift: float, spread: float, verdict: str) -> None:
    noise = np.random.default_rng(0).normal(0, spread, 20)
    base = np.linspace(0.4, 0.6, 20)
    other = base + noise - noise.mean() + shift
    tests = paired_tests(subjects({"standard": list(base), "mine": list(other)}), "standard")
    assert tests["verdict"].tolist() == [verdict]
