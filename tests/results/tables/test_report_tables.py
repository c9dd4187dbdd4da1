"""All tables of a comparison: what is in which, and their numbers by another route."""

import io
from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from benchmark.core.errors import ScoreFileError
from benchmark.evaluation.external.rows import ExternalRows
from benchmark.reporting.report_page import SECTIONS, make_page
from results.analysis.comparison import Comparison
from results.analysis.robustness import CorruptedSets, Corruption
from results.page.summary import summary
from results.scores.order import ordered_titles
from results.scores.published import POSTER_SETS, published_table
from results.scores.score_table import METRICS, check_scores
from results.tables import comparison_tables
from results.tables.mean_table import MeanTable
from results.tables.poster_comparison import order_words, same_order
from results.tables.report_tables import NamedTable, ranks_csv, report_tables, severity_csv
from results.wording import HIGHER, LOWER, PHANTOM_MARK, bracketed

SETS = ("ACDC", "RandBias", "RandSpike", "Motion-1", "Motion-2")
GAIN = {"standard": 0.0, "proposed": 0.08, "other": -0.1}
TITLES = {"standard": "Standard training", "proposed": "Proposed w. X,p"}


def scores(
    subjects: int = 9, repeats: int = 2, methods: tuple[str, ...] = tuple(GAIN)
) -> pd.DataFrame:
    """Drawn Dice; `proposed` is above, `other` below `standard` for every subject."""
    rng = np.random.default_rng(3)
    base = {(s, n): rng.uniform(0.5, 0.7) for s in SETS for n in range(subjects)}
    rows = [
        {
            "method": method,
            "repeat": repeat,
            "seed": repeat,
            "test_set": test_set,
            "subject": f"{number:03d}",
            "draw": int(test_set != "ACDC"),
            "frame": "ED",
            "structure": structure,
            "output": output,
            "dice": round(
                base[test_set, number] + GAIN[method] + shift + rng.uniform(-0.01, 0.01), 6
            ),
            "hd95_mm": 4.0 + shift,
            "nsd_2mm": 0.5,
            "absent": "",
        }
        for method in methods
        for repeat in range(repeats)
        for test_set in SETS
        for number in range(subjects)
        for structure, shift in (("LV", 0.1), ("MYO", -0.1), ("RV", 0.0))
        for output in ("FTN", "FTN+STN")
    ]
    return check_scores(pd.DataFrame(rows))


def comparison(**options: object) -> Comparison:
    given: dict[str, object] = {
        "scores": scores(),
        "name": "tests",
        "reference": "standard",
        "titles": TITLES,
        "recipes": {
            "acdc-c": CorruptedSets(
                {"RandBias": Corruption("RandBias"), "RandSpike": Corruption("RandSpike")}
            ),
            "mr-c": CorruptedSets(
                {"Motion-1": Corruption("Motion", 1), "Motion-2": Corruption("Motion", 2)}
            ),
        },
        "graded": frozenset({"Motion-1", "Motion-2"}),
        "cohorts": dict.fromkeys(SETS, "ACDC"),
        "notes": ("Made by the tests.",),
    }
    return Comparison(**(given | options))  # type: ignore[arg-type]


pytestmark = pytest.mark.xdist_group("report-tables")
"""What these share is made once."""


@pytest.fixture(scope="module")
def tables() -> dict[str, NamedTable]:
    return {table.stem: table for table in report_tables(comparison(), compare_poster=True)}


def test_every_table_is_there_once(tables: dict[str, NamedTable]) -> None:
    outputs = ("ftn", "ftn-stn")
    stems = ("dice", "averages", "intervals", "comparison", "repeats", "structures", "hd95", "nsd")
    stems = (*stems, "comparison-hd95", "comparison-nsd")
    expected = {f"{stem}-{output}" for stem in stems for output in outputs}
    expected |= {"poster", "refinement", "refinement-repeats"}
    for recipe in ("acdc-c", "mr-c"):
        expected |= {f"robustness-{recipe}", f"degradation-{recipe}"}
    expected |= {f"severity-{output}-mr-c" for output in outputs}  # nothing of acdc-c is graded
    assert set(tables) == expected
    assert next(iter(tables)) == "dice-ftn"


def test_a_section_that_the_page_lacks_is_refused(tables: dict[str, NamedTable]) -> None:
    """Else the table would be written, and stand nowhere on the page."""
    assert {table.section for table in tables.values()} <= set(SECTIONS)
    stray = replace(tables["dice-ftn"], section="elsewhere")
    with pytest.raises(ValueError, match="elsewhere"):
        make_page(
            comparison(), [stray], [], runs=[], external=ExternalRows(), sources=[], cautions=[]
        )


@pytest.mark.slow
def test_graded_sets_are_in_the_tables_of_robustness_alone(tables: dict[str, NamedTable]) -> None:
    sets = [name for name in POSTER_SETS if name in SETS]  # the others have no scores
    assert list(tables["dice-ftn"].table.mean) == [*sets, "AVG (FTN)", "AVG (FTN+STN)"]
    assert tables["dice-ftn"].notes[0].endswith("alone: Motion-1, Motion-2.")
    assert tables["severity-ftn-mr-c"].notes == ("Made by the tests.",)
    only = scores()
    only = only[only["test_set"].isin(["Motion-1", "Motion-2"])]
    alone = list(report_tables(comparison(scores=only, recipes={})))
    assert "Motion-1" in alone[0].table.mean and "Graded" not in alone[0].notes[0]


def test_numbers_by_another_route(tables: dict[str, NamedTable]) -> None:
    given = scores()
    for output, stem in (("FTN", "ftn"), ("FTN+STN", "ftn-stn")):
        part = given[given["output"] == output]
        dice = part.groupby(["method", "test_set"], observed=True)["dice"].mean()
        by_structure = part.groupby(["method", "structure", "test_set"], observed=True)["dice"]
        for method in GAIN:
            assert tables[f"dice-{stem}"].table.mean.at[method, "RandBias"] == pytest.approx(
                dice[method, "RandBias"]
            )
            assert tables[f"structures-{stem}"].table.mean.at[
                (method, "MYO"), "RandSpike"
            ] == pytest.approx(by_structure.mean()[method, "MYO", "RandSpike"])
            severity = tables[f"severity-{stem}-mr-c"].table.mean
            for level, name in (("0", "ACDC"), ("1", "Motion-1"), ("2", "Motion-2")):
                assert severity.at[(method, level), "Motion"] == pytest.approx(dice[method, name])
            lost = tables["degradation-mr-c"].table.mean.loc[(method, output)]
            motion = (dice[method, "Motion-1"] + dice[method, "Motion-2"]) / 2
            assert lost["Motion"] == pytest.approx(dice[method, "ACDC"] - motion)
            assert lost["mean"] == lost["Motion"]
            assert lost["clean"] == pytest.approx(dice[method, "ACDC"])


def test_severity_has_the_spread_of_the_repeats(tables: dict[str, NamedTable]) -> None:
    given = scores()
    part = given[(given["output"] == "FTN") & (given["test_set"] == "Motion-1")]
    runs = part.groupby(["method", "repeat"], observed=True)["dice"].mean()
    table = tables["severity-ftn-mr-c"].table
    assert table.sd.at[("other", "1"), "Motion"] == pytest.approx(runs["other"].std())
    assert (table.repeats == 2).to_numpy().all()


@pytest.mark.slow
def test_distances_are_best_when_small(tables: dict[str, NamedTable]) -> None:
    given = scores()
    given.loc[given["method"] == "other", "hd95_mm"] = 2.5
    table = next(t for t in report_tables(comparison(scores=given)) if t.stem == "hd95-ftn").table
    assert table.best.at["other", "ACDC"] and table.printed("ACDC", 4.0) == "4.00"
    assert not table.best.at["standard", "ACDC"] and table.second.at["standard", "ACDC"]


def test_marks_are_those_of_the_tests(tables: dict[str, NamedTable]) -> None:
    """Nine subjects, all higher: p = 2 / 2^9, times 8 comparisons (3 sets and the average)."""
    table = tables["dice-ftn"].table
    assert table.marks is not None
    assert table.marks.at["proposed", "ACDC"] == HIGHER
    assert table.marks.at["proposed", "AVG (FTN)"] == HIGHER
    assert table.marks.at["proposed", "AVG (FTN+STN)"] == ""  # tested among that output's
    assert (table.marks.loc["standard"] == "").all()
    compared = tables["comparison-ftn"].table.mean
    assert compared.at[("proposed", "ACDC"), "p"] == pytest.approx(2 / 2**9)
    assert compared.at[("proposed", "ACDC"), "p_holm"] == pytest.approx(8 * 2 / 2**9)
    assert compared.at[("proposed", "ACDC"), "effect"] == 1.0
    text = tables["comparison-ftn"].renderings()["comparison-ftn.md"]
    assert "over the 8 comparisons of FTN" in text and "**" not in text


def test_a_tiny_p_is_no_zero() -> None:
    """2 / 2^20 = 0.000002."""
    many = comparison(scores=scores(subjects=20), recipes={})
    table = next(table for table in report_tables(many) if table.stem == "comparison-ftn")
    written = table.renderings()
    for name, sign in (("md", r"\<0.0001"), ("txt", " <0.0001"), ("tex", "$<$0.0001")):
        assert sign in written[f"comparison-ftn.{name}"]
    csv = pd.read_csv(io.StringIO(written["comparison-ftn.csv"]), comment="#")
    assert csv.loc[csv["column"] == "p", "mean"].min() == pytest.approx(2 / 2**20)


def test_a_set_without_a_structure_has_no_repeats_of_it() -> None:
    given = scores()
    lacking = given[(given["test_set"] != "RandSpike") | (given["structure"] == "LV")]
    tables = report_tables(comparison(scores=lacking, recipes={}))
    table = next(table for table in tables if table.stem == "structures-ftn").table
    assert table.repeats.at[("standard", "RV"), "RandSpike"] == 0
    assert table.repeats.notna().to_numpy().all()


def test_unlike_repeats_are_said_and_ranked_on_those_in_common() -> None:
    """`other` has the second repeat only of itself; its first decides."""
    given = scores()
    one = given[(given["repeat"] == 0) | (given["method"] == "other")]
    unlike = comparison(scores=one, recipes={})
    alike = comparison(scores=given[given["repeat"] == 0], recipes={})
    assert unlike.ranked_of == "of repeat 0, which all methods have" and alike.ranked_of == ""
    for output, rankings in alike.rankings.items():
        for ranking, other in zip(rankings, unlike.rankings[output], strict=True):
            pd.testing.assert_frame_equal(ranking.shares, other.shares)
    bracket = ["partial", "mark"]
    pd.testing.assert_frame_equal(
        alike.tests.drop(columns=bracket), unlike.tests.drop(columns=bracket)
    )
    assert set(unlike.tests.loc[unlike.tests["method"] == "other", "mark"]) == {bracketed(LOWER)}
    assert "(of repeat 0, which all methods have)" in summary(unlike)[0]
    intervals = next(table for table in report_tables(unlike) if table.stem == "intervals-ftn")
    assert any(
        "differs (Standard training 1, Proposed w. X,p 1, other 2)" in n
        for n in intervals.table.notes
    )


def test_average_over_cohorts_is_not_tested() -> None:
    """A subject of one cohort has no score on the sets of another."""
    tests = comparison(cohorts={}).tests
    assert not tests["test_set"].str.startswith("AVG").any()


def test_intervals_hold_their_means(tables: dict[str, NamedTable]) -> None:
    table = tables["intervals-ftn-stn"].table
    assert table.low is not None and table.high is not None
    assert (table.low < table.mean).to_numpy().all() and (table.mean < table.high).to_numpy().all()
    text = tables["intervals-ftn-stn"].renderings()["intervals-ftn-stn.txt"]
    assert "[0." in text and "Subjects: ACDC 9, RandBias 9, RandSpike 9." in text


def test_poster_stands_beside(tables: dict[str, NamedTable]) -> None:
    table = tables["poster"].table
    printed = published_table().loc["Proposed w. X,p"]
    here = tables["dice-ftn"].table.mean.loc["proposed"]
    assert table.mean.at[("proposed", "poster"), "ACDC"] == printed["ACDC"] == 0.7696
    difference = table.mean.loc[("proposed", "difference")]
    assert difference["RandBias"] == pytest.approx(here["RandBias"] - printed["RandBias"])
    assert np.isnan(difference["M&Ms"])
    # Ours is over three of the six sets, so the poster's is taken over the same.
    same = printed[["ACDC", "RandBias", "RandSpike"]].mean()
    assert table.mean.at[("proposed", "poster"), "AVG (FTN)"] == pytest.approx(same)
    assert "AVG (FTN+STN)" not in table.mean
    assert not table.best.loc[("proposed", "difference")].any()
    assert "+" in tables["poster"].renderings()["poster.txt"]
    assert any("Not in the poster: other" in note for note in table.notes)


def test_whether_the_posters_order_holds_is_counted_in_pairs(tables: dict[str, NamedTable]) -> None:
    (note,) = [n for n in tables["poster"].table.notes if n.startswith("Pairs of methods")]
    # `proposed` is above `standard` in the poster, and in these scores by design.
    assert "RandBias 1 of 1" in note and "M&Ms" not in note


def test_pairs_by_hand() -> None:
    rows = ["a", "b", "c", "d"]
    here = pd.Series([0.5, 0.6, 0.7, np.nan], rows)
    printed = pd.Series([0.1, 0.3, 0.2, 0.9], rows)
    # a < b and a < c in both; b < c here alone; d is not here.
    assert same_order(here, printed) == (2, 3)
    # As printed, 0.60001 and 0.60003 are alike.
    assert same_order(pd.Series([0.60001, 0.60003, 0.7]), pd.Series([0.1, 0.2, 0.3])) == (2, 2)


@given(st.permutations(range(7)), st.permutations(range(7)))
def test_pairs_and_kendalls_tau(one: list[int], other: list[int]) -> None:
    held, of = same_order(pd.Series(one, dtype=float), pd.Series(other, dtype=float))
    assert of == 21
    assert 2 * held / of - 1 == pytest.approx(kendalltau(one, other).statistic)


@pytest.mark.slow
def test_no_row_of_the_poster_no_table_beside_it() -> None:
    names = comparison(scores=scores(methods=("standard", "other")), titles={})
    assert "poster" not in {table.stem for table in report_tables(names, compare_poster=True)}


@pytest.mark.slow
def test_phantom_is_on_every_rendering() -> None:
    marked = comparison(phantom=True)
    for table in report_tables(marked, compare_poster=True):
        for name, text in table.renderings().items():
            assert PHANTOM_MARK in text, name
    for text in (severity_csv(marked), ranks_csv(marked)):
        assert text is not None
        assert set(pd.read_csv(io.StringIO(text))["phantom"]) == {True}


@pytest.mark.slow
def test_one_method_is_described_and_not_tested() -> None:
    lone = comparison(scores=scores(methods=("standard",)))
    stems = {table.stem for table in report_tables(lone)}
    assert "dice-ftn" in stems and "comparison-ftn" not in stems
    assert ranks_csv(lone) is None and lone.rankings == {}
    own = lone.ungraded[lone.ungraded["output"] == "FTN"]
    mean = own.groupby("test_set", observed=True)["dice"].mean().mean()
    assert summary(lone)[0].endswith(f"has a Dice of {mean:.4f}.")


def test_unknown_reference_is_refused() -> None:
    with pytest.raises(ScoreFileError, match="'nothing'"):
        comparison(reference="nothing")


def test_summary_says_what_the_tables_hold(tables: dict[str, NamedTable]) -> None:
    said = summary(comparison())
    mean = tables["dice-ftn"].table.mean["AVG (FTN)"]
    assert said[0].startswith(
        "On average over ACDC, RandBias and RandSpike, FTN of Proposed w. X,p has the highest mean "
        f"Dice ({mean['proposed']:.4f}) and is above Standard training ({mean['standard']:.4f}) "
        f"and other ({mean['other']:.4f}) (95 % intervals of the differences over subjects and "
        "repeats, uncorrected). Proposed w. X,p leads the average whichever one set is left out."
    )
    networks = "than Standard training, of these trained networks"
    assert f"Significantly higher {networks}: Proposed w. X,p on all 3 sets" in said[0]
    assert f"Significantly lower {networks}: other on all 3 sets" in said[0]
    assert "Proposed w. X,p ranks first in 100% of resamples of the subjects" in said[0]
    assert any(text.startswith("FTN+STN against FTN") for text in said)
    assert sum("recipe" in text for text in said) == 2


def three(numbers: list[float], **options: object) -> MeanTable:
    index = pd.Index([f"m{n}" for n in range(len(numbers))], name="method")
    mean = pd.DataFrame({"x": numbers}, index=index)
    table = MeanTable(
        mean=mean,
        sd=mean * np.nan,
        repeats=mean.notna().astype(int),
        titles=ordered_titles(index),
        headers={"x": "x"},
        notes=(),
        phantom=False,
    )
    return replace(table, **options)  # type: ignore[arg-type]


def test_best_and_second_at_the_printed_precision() -> None:
    table = three([0.50001, 0.7, 0.50002, 0.70001, np.nan])
    assert list(table.best["x"]) == [False, True, False, True, False]
    assert list(table.second["x"]) == [True, False, True, False, False]
    assert not three([0.5, 0.7]).second["x"].any()  # the second of two is the last
    lower = three([0.1, 0.2, 0.3], lower_is_better=frozenset(["x"]))
    assert list(lower.best["x"]) == [True, False, False]
    assert "underlined" in lower.best_note and "underlined" not in three([0.1, 0.2]).best_note
    assert three([0.1, 0.2, 0.3], unranked=frozenset(["x"])).best_note == ""


@pytest.mark.slow
def test_order_with_kendalls_tau_and_its_p() -> None:
    """Seven methods, one neighbouring pair swapped: 20 of 21; p by going through all orders."""
    here, printed = pd.Series([1.0, 2, 3, 4, 5, 7, 6]) / 10, pd.Series(range(1, 8)) / 10
    (words,) = order_words("ACDC", here, printed)
    # Of the 5040 orders one has 21 of 21, six have 20: two-sided 14 / 5040.
    assert words == "ACDC 20 of 21 (τ 0.90, p 0.0028)"
    orders = [kendalltau(printed, order).statistic for order in permutations(range(7))]
    assert np.mean(np.abs(orders) >= 19 / 21 - 1e-9) == pytest.approx(14 / 5040)
    assert order_words("ACDC", here[:3], printed[:3]) == ["ACDC 3 of 3"]
    assert order_words("ACDC", here[:1], printed[:1]) == []


def test_tau_of_the_ranks_stands_in_their_csv() -> None:
    given = comparison()
    text = ranks_csv(given)
    assert text is not None
    table = pd.read_csv(io.StringIO(text))
    for output, rankings in given.rankings.items():
        for ranking in rankings:
            rows = table[(table["output"] == output) & (table["over"] == ranking.over)]
            assert rows["tau"].to_numpy() == pytest.approx(ranking.tau[0], abs=1e-6)
            assert (rows["tau_low"] <= rows["tau"]).all()


def test_every_metric_of_a_score_file_can_be_compared() -> None:
    assert tuple(comparison_tables.METRICS) == METRICS
