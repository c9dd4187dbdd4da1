"""Numbers of the poster's table, worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results.scores.order import ordered_titles
from results.scores.published import AVERAGES, POSTER_SETS, published_table
from results.scores.score_table import check_scores
from results.tables.latex import latex_table
from results.tables.mean_table import without_empty_columns
from results.tables.poster_table import PosterTable, poster_table
from results.tables.render import markdown_table

TITLES = {"proposed": "Proposed w. X,p", "standard": "Standard training"}


def score_rows(
    method: str, test_set: str, dice: float, *, repeat: int = 0, output: str = "FTN"
) -> list[dict[str, object]]:
    """The three structures of one volume, whose mean is `dice`."""
    key = {"method": method, "repeat": repeat, "seed": 40, "test_set": test_set, "subject": "007"}
    key |= {"draw": 0, "frame": "ED", "output": output, "hd95_mm": 2.0, "absent": ""}
    shifts = {"LV": 0.05, "MYO": -0.05, "RV": 0.0}
    return [key | {"structure": name, "dice": dice + shift} for name, shift in shifts.items()]


def six_sets(method: str, first: float, repeat: int = 0) -> list[dict[str, object]]:
    """FTN: first, first + 0.01, ..., first + 0.05; FTN+STN: 0.02 above."""
    return [
        row
        for place, name in enumerate(POSTER_SETS)
        for output, gain in (("FTN", 0.0), ("FTN+STN", 0.02))
        for row in score_rows(
            method, name, first + 0.01 * place + gain, repeat=repeat, output=output
        )
    ]


def make(rows: list[dict[str, object]], **options: bool) -> PosterTable:
    return poster_table(check_scores(pd.DataFrame(rows)), titles=TITLES, **options)


def test_a_remark_marks_its_row_and_stands_below() -> None:
    rows = [row for name in ("standard", "proposed", "aug") for row in six_sets(name, 0.5)]
    table = poster_table(
        check_scores(pd.DataFrame(rows)),
        titles=TITLES,
        remarks={"standard": "", "aug": "has seen spikes", "absent": "is not in the table"},
    )
    assert list(table.titles.values()) == ["Standard training", "Proposed w. X,p", "aug‡"]
    assert note(table, "‡") == "‡ aug: has seen spikes."
    assert r"aug$^\ddagger$" in latex_table(table, caption="c")


def note(table: PosterTable, part: str) -> str:
    (found,) = [text for text in table.notes if part in text]
    return found


def test_mean_and_sample_sd_over_repeats_by_hand() -> None:
    table = make([*six_sets("standard", 0.5), *six_sets("standard", 0.6, repeat=1)])
    row, spread = table.mean.loc["standard"], table.sd.loc["standard"]
    np.testing.assert_allclose(row[list(POSTER_SETS)], [0.55, 0.56, 0.57, 0.58, 0.59, 0.60])
    assert row["AVG (FTN)"] == pytest.approx(0.575)
    assert row["AVG (FTN+STN)"] == pytest.approx(0.595)
    np.testing.assert_allclose(spread, 0.1 / np.sqrt(2))
    assert (table.repeats.loc["standard"] == 2).all()
    assert table.missing_sets == ()
    assert list(table.headers.values()) == [*POSTER_SETS, *AVERAGES.values()]
    assert "over 2 repeats" in note(table, "±")


def test_spread_of_the_average_is_that_of_the_repeats_averages() -> None:
    rows = [*six_sets("standard", 0.5), *six_sets("standard", 0.5, repeat=1)]
    for row in rows:  # repeat 1: ACDC up, M&Ms down by the same amount; the averages agree
        if row["repeat"] == 1 and row["test_set"] in ("ACDC", "M&Ms"):
            sign = 1 if row["test_set"] == "ACDC" else -1
            row["dice"] = float(str(row["dice"])) + sign * 0.1
    table = make(rows)
    assert table.sd.loc["standard", "ACDC"] == pytest.approx(0.1 / np.sqrt(2))
    assert table.sd.loc["standard", "AVG (FTN)"] == pytest.approx(0, abs=1e-12)


def test_average_rule_gives_the_published_average() -> None:
    published = published_table()
    rows = [
        row
        for title, scores in published.iterrows()
        for name in POSTER_SETS
        for row in score_rows(str(title), name, scores[name])
    ]
    table = make(rows)
    assert table.mean.index.tolist() == published.index.tolist()
    difference = table.mean["AVG (FTN)"] - published["AVG (FTN)"]
    assert difference.abs().max() < 0.0004
    assert table.mean["AVG (FTN+STN)"].isna().all()
    assert "missing" in note(table, "AVG (FTN+STN)")


def test_published_table_is_the_posters() -> None:
    published = published_table()
    assert published.shape == (7, 8)
    assert published.columns.tolist() == [*POSTER_SETS, *AVERAGES.values()]
    assert published.loc["Proposed w. X,p", "AVG (FTN+STN)"] == 0.6901
    assert "arXiv:2107.01079" in published.attrs["source"]


def test_rows_follow_the_poster_then_the_title() -> None:
    titles = {"a": "Zeta", "p": "Proposed w. X,p", "s": "Standard training", "z": "Alpha"}
    assert list(ordered_titles(["a", "p", "s", "z", "mine"], titles)) == [
        "s",
        "p",
        "z",
        "a",
        "mine",
    ]


def test_shared_title_is_told_apart_by_the_name() -> None:
    assert ordered_titles(["a", "b"], {"a": "Net", "b": "Net"}) == {"a": "Net (a)", "b": "Net (b)"}


def test_set_that_every_method_lacks_leaves_both_averages() -> None:
    rows = [
        row
        for row in [*six_sets("standard", 0.5), *six_sets("proposed", 0.6)]
        if row["test_set"] not in ("RandMotion", "RandSpike")
    ]
    table = make(rows)
    assert table.missing_sets == ("RandMotion", "RandSpike")
    assert table.mean["RandSpike"].isna().all()
    assert table.mean.loc["standard", "AVG (FTN)"] == pytest.approx(0.515)  # 0.50 to 0.53
    assert table.headers["AVG (FTN)"] == "AVG (FTN)*"
    text = note(table, "* AVG (FTN) and AVG (FTN+STN) are over")
    assert "over ACDC, M&Ms, RandBias and RandGhosting only" in text
    assert "RandMotion and RandSpike" in text


def test_method_that_lacks_a_set_has_no_average() -> None:
    rows = [*six_sets("standard", 0.5)]
    rows += [row for row in six_sets("proposed", 0.6) if row["test_set"] != "M&Ms"]
    table = make(rows)
    assert table.missing_sets == ()
    assert table.mean.loc["standard", "AVG (FTN)"] == pytest.approx(0.525)
    assert table.headers["AVG (FTN)"] == "AVG (FTN)"
    assert table.mean.loc["proposed", ["M&Ms", *AVERAGES.values()]].isna().all()
    assert "Proposed w. X,p: M&Ms, AVG (FTN) and AVG (FTN+STN)" in note(table, "Missing")


def test_repeat_that_lacks_a_set_is_left_out_of_the_average_and_named() -> None:
    rows = [*six_sets("standard", 0.5)]
    rows += [row for row in six_sets("standard", 0.6, repeat=1) if row["test_set"] != "ACDC"]
    table = make(rows)
    assert table.mean.loc["standard", "ACDC"] == pytest.approx(0.5)
    assert table.mean.loc["standard", "M&Ms"] == pytest.approx(0.56)
    assert table.mean.loc["standard", "AVG (FTN)"] == pytest.approx(0.525)
    assert table.repeats.loc["standard", "AVG (FTN)"] == 1
    assert "ACDC 1, AVG (FTN) 1" in note(table, "some of its 2 repeats")


def test_further_set_stands_outside_the_averages_unless_asked() -> None:
    rows = [*six_sets("standard", 0.5), *score_rows("standard", "MS-CMRSeg", 0.9)]
    rows += score_rows("standard", "MS-CMRSeg", 0.9, output="FTN+STN")
    table = make(rows)
    assert list(table.mean)[-3:] == ["AVG (FTN)", "AVG (FTN+STN)", "MS-CMRSeg"]
    assert table.headers["MS-CMRSeg"] == "MS-CMRSeg†"
    assert table.mean.loc["standard", "AVG (FTN)"] == pytest.approx(0.525)
    assert "MS-CMRSeg" in note(table, "† outside")

    table = make(rows, average_all=True)
    assert list(table.mean)[-3:] == ["MS-CMRSeg", "AVG (FTN)", "AVG (FTN+STN)"]
    assert table.mean.loc["standard", "AVG (FTN)"] == pytest.approx((6 * 0.525 + 0.9) / 7)
    assert table.headers["AVG (FTN)"] == "AVG (FTN)*"
    assert "RandSpike and MS-CMRSeg" in note(table, "* AVG")


def test_undefined_scores_are_left_out_and_zeros_are_counted() -> None:
    rows = six_sets("standard", 0.5)
    rows[0] |= {"dice": None, "hd95_mm": None, "absent": "both"}  # ACDC, FTN, LV
    rows[1] |= {"dice": 0.0, "hd95_mm": 300.0, "absent": "prediction"}  # MYO
    table = make(rows)
    assert table.mean.loc["standard", "ACDC"] == pytest.approx(0.25)  # of 0 and 0.5
    text = note(table, "count as Dice 0: 1 (Standard training 1) of 36 structure scores")
    assert "absent from both, left out: 1" in text


def test_single_repeat_has_no_spread_and_says_so() -> None:
    table = make(six_sets("standard", 0.5))
    assert table.sd.isna().all(axis=None)
    assert "One repeat" in table.notes[0]
    assert not any("±" in text for text in table.notes)


def test_different_numbers_of_repeats_are_said() -> None:
    rows = [*six_sets("standard", 0.5), *six_sets("standard", 0.6, repeat=1)]
    table = make([*rows, *six_sets("proposed", 0.6)])
    assert "Standard training 2, Proposed w. X,p 1" in note(table, "number differs")
    assert table.sd.loc["proposed"].isna().all()


def test_different_volumes_are_said() -> None:
    rows = [*six_sets("standard", 0.5), *six_sets("proposed", 0.6)]
    table = make([*rows, *({**row, "subject": "008"} for row in six_sets("proposed", 0.6)[:3])])
    assert "Proposed w. X,p 3 to 6" in note(table, "ACDC: not all methods")


def test_ties_at_the_printed_precision_are_all_best() -> None:
    rows = [*six_sets("standard", 0.50001), *six_sets("proposed", 0.5), *six_sets("c", 0.4)]
    best = make(rows).best
    assert best.loc["standard"].all()
    assert best.loc["proposed"].all()
    assert not best.loc["c"].any()


def test_nothing_is_best_where_all_are_level() -> None:
    rows = [*six_sets("standard", 0.50001), *six_sets("proposed", 0.5)]
    table = make(rows)
    assert not table.best.any(axis=None) and not table.second.any(axis=None)
    assert table.best_note == ""


def test_nothing_is_best_among_one() -> None:
    assert not make(six_sets("standard", 0.5)).best.any(axis=None)
    rows = [*six_sets("standard", 0.5)]
    rows += [row for row in six_sets("proposed", 0.6) if row["test_set"] != "M&Ms"]
    assert not make(rows).best["M&Ms"].any()


@st.composite
def score_tables(draw: st.DrawFn) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    dice = st.floats(0.05, 0.95)
    for method in draw(st.sets(st.sampled_from(["standard", "proposed", "a", "b"]), min_size=1)):
        for repeat in range(draw(st.integers(1, 3))):
            for name in draw(st.sets(st.sampled_from([*POSTER_SETS, "Extra"]), min_size=1)):
                rows += score_rows(method, name, draw(dice), repeat=repeat)
                rows += score_rows(method, name, draw(dice), repeat=repeat, output="FTN+STN")
    return check_scores(pd.DataFrame(rows))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(scores=score_tables(), seed=st.integers(0, 9))
def test_order_of_rows_changes_nothing(scores: pd.DataFrame, seed: int) -> None:
    table = poster_table(scores, titles=TITLES)
    shuffled = poster_table(scores.sample(frac=1, random_state=seed), titles=TITLES)
    pd.testing.assert_frame_equal(table.mean, shuffled.mean, check_exact=True)
    pd.testing.assert_frame_equal(table.sd, shuffled.sd, check_exact=True)
    assert table.notes == shuffled.notes


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(scores=score_tables())
def test_best_marks_exactly_the_highest_printed_means(scores: pd.DataFrame) -> None:
    table = poster_table(scores)
    for name in table.mean:
        printed = [f"{value:.4f}" for value in table.mean[name].dropna()]
        marked = [f"{value:.4f}" for value in table.mean[name][table.best[name]]]
        told_apart = len(set(printed)) > 1
        assert marked == [text for text in printed if text == max(printed) and told_apart]


def test_says_of_how_many_subjects_a_column_is_where_the_poster_has_others() -> None:
    rows = [
        {**row, "subject": f"{number:03d}"}
        for number in range(20)
        for row in score_rows("standard", "ACDC", 0.8)
    ]
    rows += [
        {**row, "subject": f"{number:03d}"}
        for number in range(4)
        for row in score_rows("standard", "M&Ms", 0.6)
    ]
    found = note(make(rows), "Subjects here")
    assert found.startswith("Subjects here and in the poster: M&Ms 4 and 150; do not compare")
    assert not [text for text in make(rows, phantom=True).notes if "Subjects" in text]
    alike = [row for row in rows if row["test_set"] == "ACDC"]
    assert not [text for text in make(alike).notes if "Subjects" in text]


@pytest.mark.parametrize(
    ("metric", "rule", "lower"),
    [
        ("hd_mm", "count as the diagonal of the field", True),
        ("assd_mm", "count as the diagonal of the field", True),
        ("jaccard", "count as 0", False),
    ],
)
def test_tables_of_the_other_measures_by_hand(metric: str, rule: str, lower: bool) -> None:
    rows = [
        row | {metric: value}
        for method, value in (("standard", 0.25), ("proposed", 0.75))
        for row in score_rows(method, "ACDC", 0.8)
    ]
    table = poster_table(check_scores(pd.DataFrame(rows)), titles=TITLES, metric=metric)
    assert table.mean["ACDC"].to_dict() == {"standard": 0.25, "proposed": 0.75}
    assert table.best["ACDC"].to_dict() == {"standard": lower, "proposed": not lower}
    assert rule in note(table, "absent from only one")


def test_averages_of_sets_of_ones_own_are_over_what_there_is() -> None:
    table = poster_table(named_sets("Mine", "Mine (RandBias)"))
    assert table.averaged["AVG (FTN)"] == ("Mine", "Mine (RandBias)")
    assert table.mean.loc["own", "AVG (FTN)"] == pytest.approx(0.6)
    assert not any("outside the averages" in line for line in table.notes)
    shown = without_empty_columns(table)
    assert list(shown.headers) == ["Mine", "Mine (RandBias)", "AVG (FTN)"]
    assert list(shown.mean) == list(shown.sd) == list(shown.repeats) == list(shown.headers)
    (left_out,) = [line for line in shown.notes if line.startswith("Left out")]
    assert "M&Ms" in left_out and "AVG (FTN+STN)" in left_out


def test_a_set_of_ones_own_beside_the_posters_stays_outside() -> None:
    table = poster_table(named_sets("ACDC", "Mine"))
    assert table.averaged["AVG (FTN)"] == ("ACDC",)
    assert any("outside the averages: Mine" in line for line in table.notes)
    assert "missing" not in markdown_table(without_empty_columns(table), caption="c").split("- ")[0]


def test_a_table_of_nothing_stays_as_it_is() -> None:
    table = poster_table(named_sets("ACDC")[:0])
    assert without_empty_columns(table) is table


def named_sets(*names: str) -> pd.DataFrame:
    """One subject's Dice of one method on each set: 0.5, 0.7, …"""
    rows = [
        ("own", 0, 1, name, "007", 0, "ED", "LV", "FTN", 0.5 + 0.2 * place, 2.0, "")
        for place, name in enumerate(names)
    ]
    columns = "method repeat seed test_set subject draw frame structure output dice hd95_mm absent"
    return check_scores(pd.DataFrame(rows, columns=columns.split()))
