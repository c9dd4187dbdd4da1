"""All pairs of methods, and the groups that no test tells apart, by other routes."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wilcoxon
from statsmodels.stats.multitest import multipletests

from results.analysis.all_pairs import groups_alike, pair_tests
from results.analysis.leader import distances
from results.analysis.statistics import paired_tests
from results.figures.pairs import pairs_alt, pairs_figure
from results.scores.score_table import check_scores, repeat_scores
from results.tables.pairs_table import pairs_table
from results.wording import LOWER, bracketed

METHODS = ["a", "b", "c", "d"]
SHIFTS = {"a": 0.0, "b": 0.002, "c": 0.03, "d": 0.06}


def subjects() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.4, 0.6, 14)
    return pd.DataFrame(
        [
            ("FTN", test_set, method, 0, f"{number:03d}", dice + SHIFTS[method] + noise)
            for test_set in ("ACDC", "RandBias")
            for method in METHODS
            for number, (dice, noise) in enumerate(zip(base, rng.normal(0, 0.01, 14), strict=True))
        ],
        columns=["output", "test_set", "method", "repeat", "subject", "dice"],
    )


def test_pairs_are_scipys_and_statsmodels() -> None:
    table = subjects()
    pairs = pair_tests(table, METHODS, margin=0.01)
    wide = table.pivot(index=["test_set", "subject"], columns="method", values="dice")
    expected = [
        wilcoxon(wide.loc[row.test_set, row.method], wide.loc[row.test_set, row.against]).pvalue
        for row in pairs.itertuples()
    ]
    assert len(pairs) == 12
    np.testing.assert_allclose(pairs["p"], expected)
    np.testing.assert_allclose(pairs["p_holm"], multipletests(expected, method="holm")[1])


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.sampled_from([*combinations(range(n), 2), ()])))
    )
)
@settings(max_examples=60, deadline=None)
def test_groups_are_the_greatest_without_a_difference(
    drawn: tuple[int, set[tuple[int, ...]]],
) -> None:
    """By going through all subsets of the methods."""
    count, edges = drawn
    different = {(str(one[0]), str(one[1])) for one in edges if one}
    names = [str(number) for number in range(count)]
    alike = [
        set(some)
        for size in range(1, count + 1)
        for some in combinations(names, size)
        if not any(pair[0] in some and pair[1] in some for pair in different)
    ]
    greatest = [one for one in alike if not any(one < other for other in alike)]
    found = groups_alike(names, sorted(different))
    shared = {frozenset(pair) for group in found for pair in combinations(group, 2)}
    expected = {frozenset(pair) for group in greatest for pair in combinations(sorted(group), 2)}
    assert shared == expected  # two methods share a group exactly where they are alike
    assert {name for group in found for name in group} == set(names)
    assert all(set(group) in greatest for group in found)


def test_groups_are_those_of_scikit_posthocs() -> None:
    different = {("a", "c"), ("a", "d"), ("b", "d")}
    p = pd.DataFrame(1.0, index=METHODS, columns=METHODS)
    for one, other in different:
        p.loc[one, other] = p.loc[other, one] = 0.001
    letters = scikit_posthocs.compact_letter_display(p, alpha=0.05)
    ours = groups_alike(METHODS, sorted(different))
    for one, other in combinations(METHODS, 2):
        theirs = bool(set(letters[one]) & set(letters[other]) - {" ", "_"})
        assert any(one in group and other in group for group in ours) is theirs
    assert ours == [("a", "b"), ("b", "c"), ("c", "d")]


def test_means_over_other_volumes_are_not_paired() -> None:
    """A method without the harder frame of half of its subjects is worse on every volume."""
    rows = [
        {
            "method": method,
            "repeat": 0,
            "seed": 0,
            "test_set": "ACDC",
            "draw": 0,
            "subject": f"{number:03d}",
            "frame": frame,
            "structure": "LV",
            "output": "FTN",
            "dice": round(0.8 - 0.2 * (frame == "ES") - loss * (1 + 0.01 * number), 6),
            "hd95_mm": 4.0,
            "nsd_2mm": 0.5,
            "absent": "",
        }
        for method, loss in (("standard", 0.0), ("mine", 0.01))
        for number in range(20)
        for frame in ("ED", "ES")
        if not (method == "mine" and frame == "ES" and number >= 10)
    ]
    table = repeat_scores(check_scores(pd.DataFrame(rows)))
    (row,) = pair_tests(table, ["mine", "standard"], margin=0.001).to_dict("records")
    assert row["subjects"] == 10 and row["partial"]
    assert row["difference"] == pytest.approx(-0.01 * (1 + 0.045))
    assert (row["mark"], row["verdict"]) == (bracketed(LOWER), "worse")
    (same,) = paired_tests(table, "standard", margin=0.001).to_dict("records")
    assert same["difference"] == row["difference"]
    lead = distances(table, ["ACDC"], {}, "mine")["standard"]
    assert lead.difference == pytest.approx(row["difference"]) and lead.below and not lead.above
    only = table[table["subject"] >= "010"]
    assert paired_tests(only, "standard").empty and distances(only, ["ACDC"], {}, "mine") == {}


def test_table_and_figure_hold_every_pair() -> None:
    pairs = pair_tests(subjects(), METHODS, margin=0.01)
    table = pairs_table(pairs, output="FTN", titles={"a": "A"})
    assert table.mean.shape == (6, 2) and ("a", "d") in table.mean.index
    wide = subjects().pivot(index=["test_set", "subject"], columns="method", values="dice")
    own = wide.loc["RandBias"]
    assert table.mean.at[("a", "d"), "RandBias"] == pytest.approx((own["a"] - own["d"]).mean())
    assert table.marks is not None and table.marks.at[("a", "d"), "ACDC"] == "⁻"
    assert pairs_figure(pairs, METHODS) is not None
    assert "ACDC: A, b" in pairs_alt(pairs, METHODS, titles={"a": "A"})
    assert pairs_figure(pd.DataFrame(), METHODS) is None
