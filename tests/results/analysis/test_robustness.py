"""Robustness measures, worked out by hand."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import ScoreFileError
from results.analysis.robustness import (
    CorruptedSets,
    Corruption,
    corruption_errors,
    degradation,
    degradation_curves,
    kind_means,
    over_kinds,
    over_repeats,
    relative_corruption_errors,
    relative_degradation,
    rood_degradation,
    rood_overall,
    run_scores,
    worst_subjects,
)
from results.scores.score_table import METRICS, check_scores, read_scores
from results.tables.latex import latex_table
from results.tables.mean_table import MeanTable
from results.tables.poster_table import poster_table
from results.tables.render import csv_table, markdown_table, text_table
from results.tables.robustness_table import MEASURES, robustness_table
from results.wording import PHANTOM_MARK

MEASURED = Path(__file__).parents[3] / "results" / "measured" / "acdc-compact" / "scores.parquet"

Rows = list[dict[str, object]]

GRADED = CorruptedSets(
    {
        "Motion-2": Corruption("Motion", 2),
        "Motion-1": Corruption("Motion", 1),
        "RandSpike": Corruption("RandSpike"),
    }
)
STANDARD = {"ACDC": 0.8, "Motion-1": 0.7, "Motion-2": 0.5, "RandSpike": 0.4}
BETTER = {"ACDC": 0.9, "Motion-1": 0.85, "Motion-2": 0.75, "RandSpike": 0.7}


def rows_of(
    method: str,
    dice: Mapping[str, float],
    *,
    repeat: int = 0,
    subject: str = "007",
    outputs: tuple[str, ...] = ("FTN",),
) -> Rows:
    """The three structures of one volume of each set, whose mean is its `dice`."""
    key = {"method": method, "repeat": repeat, "seed": 40, "subject": subject, "draw": 0}
    key |= {"frame": "ED", "hd95_mm": 2.0, "nsd_2mm": 0.5, "absent": ""}
    shifts = {"LV": 0.05, "MYO": -0.05, "RV": 0.0}
    return [
        key | {"test_set": name, "output": output, "structure": structure, "dice": value + shift}
        for name, value in dice.items()
        for output in outputs
        for structure, shift in shifts.items()
    ]


def make(*parts: Rows) -> pd.DataFrame:
    return check_scores(pd.DataFrame([row for part in parts for row in part]))


def both() -> pd.DataFrame:
    return make(rows_of("standard", STANDARD), rows_of("better", BETTER))


def of(frame: pd.DataFrame, method: str, repeat: int = 0) -> list[float]:
    """The values of one run of the FTN."""
    values: list[float] = frame.loc[(method, "FTN", repeat)].tolist()
    return values


def note(table: MeanTable, part: str) -> str:
    (found,) = [text for text in table.notes if part in text]
    return found


# The sets


@pytest.mark.parametrize("severity", [0, 6, -1])
def test_severity_is_from_1_to_5(severity: int) -> None:
    with pytest.raises(ScoreFileError, match=f"Motion: severity {severity} is not one of 1 to 5"):
        Corruption("Motion", severity)


@pytest.mark.parametrize(
    ("corruptions", "message"),
    [
        ({}, "no test set is corrupted"),
        ({"ACDC": Corruption("Motion")}, "ACDC: is named both"),
        ({"A": Corruption("Motion", 2), "B": Corruption("Motion", 2)}, "A and B are both Motion"),
        ({"A": Corruption("Motion"), "B": Corruption("Motion", 2)}, "Motion: A has no severity"),
    ],
)
def test_sets_that_contradict_each_other(corruptions: dict[str, Corruption], message: str) -> None:
    with pytest.raises(ScoreFileError, match=message) as error:
        CorruptedSets(corruptions)
    assert "\n" not in str(error.value)


def test_sets_are_ordered_by_kind_and_severity() -> None:
    assert GRADED.test_sets == ["ACDC", "Motion-1", "Motion-2", "RandSpike"]
    assert GRADED.graded == {"Motion": {1: "Motion-1", 2: "Motion-2"}}


# The measures, per run


def test_degradation_by_hand() -> None:
    runs = run_scores(both(), GRADED)
    assert list(runs) == GRADED.test_sets
    assert of(kind_means(runs, GRADED), "standard") == pytest.approx([0.6, 0.4])
    assert of(degradation(runs, GRADED), "standard") == pytest.approx([0.2, 0.4])
    assert of(relative_degradation(runs, GRADED), "standard") == pytest.approx([25, 50])
    assert of(degradation(runs, GRADED), "better") == pytest.approx([0.1, 0.2])


def test_corruption_errors_by_hand() -> None:
    runs = run_scores(both(), GRADED)
    errors = corruption_errors(runs, GRADED, "standard")
    # Motion: (0.15 + 0.25) / (0.3 + 0.5); spike: 0.3 / 0.6.
    assert of(errors, "better") == pytest.approx([50, 50])
    assert of(errors, "standard") == pytest.approx([100, 100])
    relative = relative_corruption_errors(runs, GRADED, "standard")
    # Motion: (0.05 + 0.15) / (0.1 + 0.3); spike: 0.2 / 0.4.
    assert of(relative, "better") == pytest.approx([50, 50])
    assert of(corruption_errors(runs, GRADED, "better"), "standard") == pytest.approx([200, 200])


def test_another_split_of_the_reference_moves_no_corruption_error() -> None:
    """The reference's second repeat is worse; who has no such repeat is not compared with it."""
    worse = {name: value - 0.1 for name, value in STANDARD.items()}
    runs = run_scores(
        make(
            rows_of("standard", STANDARD),
            rows_of("standard", worse, repeat=1),
            rows_of("better", BETTER),
            rows_of("late", STANDARD, repeat=1),
            rows_of("apart", BETTER, repeat=2),
        ),
        GRADED,
    )
    errors = corruption_errors(runs, GRADED, "standard")
    assert of(errors, "better") == pytest.approx([50, 50])  # as without the second repeat
    # Motion: (0.3 + 0.5) / (0.4 + 0.6); spike: 0.6 / 0.7. Over both repeats it is itself.
    assert of(errors, "late", 1) == pytest.approx([80, 600 / 7])
    own = errors.xs("standard", level="method").xs("FTN", level="output").mean()
    assert own.tolist() == pytest.approx([100, 100])
    assert np.isnan(of(errors, "apart", 2)).all()
    table = robustness_table(
        make(rows_of("standard", STANDARD), rows_of("apart", BETTER, repeat=2)),
        GRADED,
        reference="standard",
    )
    assert note(table, "no repeat is common with").endswith("common with standard: apart.")
    assert "since no repeat is common to all" in note(table, "Worst subject: of")


def test_the_worst_subject_is_of_the_repeats_that_all_have() -> None:
    worse = {name: value - 0.1 for name, value in STANDARD.items()}
    parts = [rows_of("standard", STANDARD), rows_of("better", BETTER)]
    table = robustness_table(
        make(*parts, rows_of("standard", worse, repeat=1)), GRADED, reference="standard"
    )
    alone = robustness_table(make(*parts), GRADED, reference="standard")
    column = "worst_subject_dice"
    pd.testing.assert_series_equal(table.mean[column], alone.mean[column])
    assert "of repeat 0, which all methods have, the" in note(table, "Worst subject: of")


def test_rood_scores_by_hand() -> None:
    """With α = 2/3 the weights of severities 1 and 2 are 2/3 and 4/9."""
    runs = run_scores(both(), GRADED)
    overall, lost = rood_overall(runs, GRADED), rood_degradation(runs, GRADED)
    assert list(overall) == list(lost) == ["Motion"]  # the spike has no severity
    # (0.8 + 2/3 · 0.7 + 4/9 · 0.5) / (1 + 10/9), and (2/3 · 0.1 + 4/9 · 0.3) / (10/9)
    assert of(overall, "standard") == pytest.approx([(7.2 + 4.2 + 2.0) / 19])
    assert of(lost, "standard") == pytest.approx([0.18])
    # With α = 1 they are the plain means.
    assert of(rood_overall(runs, GRADED, alpha=1), "standard") == pytest.approx([2 / 3])
    assert of(rood_degradation(runs, GRADED, alpha=1), "standard") == pytest.approx([0.2])


def test_rood_weighs_by_the_severity_not_by_the_rank() -> None:
    sets = CorruptedSets({"a": Corruption("Motion", 1), "b": Corruption("Motion", 5)})
    runs = run_scores(make(rows_of("m", {"ACDC": 1 - 0.05, "a": 0.75, "b": 0.15})), sets)
    weights = np.array([2 / 3, (2 / 3) ** 5])
    assert of(rood_degradation(runs, sets), "m") == pytest.approx(
        [(weights * [0.2, 0.8]).sum() / weights.sum()]
    )


def test_nothing_is_graded_nothing_is_rood() -> None:
    sets = CorruptedSets({"RandSpike": Corruption("RandSpike")})
    runs = run_scores(both(), sets)
    assert over_kinds(rood_overall(runs, sets)).isna().all()
    table = robustness_table(both(), sets, reference="standard")
    assert not any("rood" in name for name in table.headers)
    assert not any("ROOD" in text for text in table.notes)


# Repeats


def test_mean_and_sample_sd_over_repeats() -> None:
    scores = make(
        rows_of("standard", STANDARD),
        rows_of("standard", {name: value + 0.1 for name, value in STANDARD.items()}, repeat=1),
        *(rows_of("better", BETTER, repeat=repeat) for repeat in range(2)),
    )
    mean, sd, repeats = over_repeats(run_scores(scores, GRADED))
    assert mean.loc[("standard", "FTN"), "ACDC"] == pytest.approx(0.85)
    np.testing.assert_allclose(sd.loc["standard"], 0.1 / np.sqrt(2))
    assert (repeats == 2).all(axis=None)
    table = robustness_table(scores, GRADED, reference="standard")
    row, spread = table.mean.loc[("standard", "FTN")], table.sd.loc[("standard", "FTN")]
    # Both repeats lose the same; the reference is the mean of its repeats, so its mCE is 100 %
    # with the spread of its own repeats: errors 0.4, 0.3 and 0.6, 0.5.
    assert row["degradation"] == pytest.approx(0.3)
    assert spread["degradation"] == pytest.approx(0, abs=1e-12)
    assert row["mce_percent"] == pytest.approx(100)
    repeats_mce = [50 * (0.4 / 0.35 + 0.6 / 0.55), 50 * (0.3 / 0.35 + 0.5 / 0.55)]
    assert spread["mce_percent"] == pytest.approx(np.std(repeats_mce, ddof=1))
    assert "over 2 repeats" in table.notes[0]
    assert np.isnan(spread["worst_subject_dice"])


def test_one_repeat_has_no_spread() -> None:
    table = robustness_table(both(), GRADED, reference="standard")
    assert table.sd.isna().all(axis=None)
    assert "One repeat per method" in table.notes[0]
    assert degradation_curves(both(), GRADED)["sd"].isna().all()


# Tidy tables


def test_curves_are_ready_to_draw() -> None:
    curves = degradation_curves(both(), GRADED)
    assert list(curves) == [
        *("method", "output", "kind", "severity", "measure", "mean", "sd", "n_repeats")
    ]
    motion = curves[(curves["method"] == "standard") & (curves["kind"] == "Motion")]
    dice = motion[motion["measure"] == "dice"]
    assert dice["severity"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(dice["mean"], [0.8, 0.7, 0.5])
    lost = motion[motion["measure"] == "degradation"]
    np.testing.assert_allclose(lost["mean"], [0, 0.1, 0.3], atol=1e-12)
    share = motion[motion["measure"] == "relative_degradation_percent"]
    np.testing.assert_allclose(share["mean"], [0, 12.5, 37.5], atol=1e-12)
    spike = curves[(curves["kind"] == "RandSpike") & (curves["measure"] == "dice")]
    assert spike["severity"].isna().sum() == 2  # one level, without a number
    assert (curves["n_repeats"] == 1).all()


def test_metrics_follow_the_rules_for_absent_structures() -> None:
    rows = rows_of("standard", STANDARD)
    rows[3] |= {"dice": None, "hd95_mm": None, "nsd_2mm": None, "absent": "both"}  # Motion-1, LV
    rows[4] |= {"dice": 0.0, "hd95_mm": 300.0, "nsd_2mm": 0.0, "absent": "prediction"}  # MYO
    means = {
        metric: poster_table(make(rows), metric=metric).mean.loc["standard"] for metric in METRICS
    }
    assert means["dice"]["Motion-1"] == pytest.approx(0.35)  # of 0 and 0.7
    assert means["hd95_mm"]["Motion-1"] == pytest.approx(151)
    assert means["nsd_2mm"]["Motion-1"] == pytest.approx(0.25)
    assert means["nsd_2mm"]["RandSpike"] == pytest.approx(0.5)
    table = robustness_table(make(rows), GRADED, reference="standard")
    row = table.mean.loc[("standard", "FTN")]
    assert row["hd95_mm"] == pytest.approx(((151 + 2) / 2 + 2) / 2)
    assert row["nsd_2mm"] == pytest.approx(((0.25 + 0.5) / 2 + 0.5) / 2)
    text = note(table, "count as Dice and NSD 0 and HD95 the diagonal of the field: 1 (standard 1)")
    assert "of 12 structure scores" in text and "absent from both, left out: 1" in text


def test_worst_subject_by_hand_and_ties_by_name() -> None:
    scores = make(
        rows_of("m", {"ACDC": 0.8, "RandSpike": 0.3}, subject="009"),
        rows_of("m", {"ACDC": 0.5, "RandSpike": 0.3}, subject="008"),
        rows_of("m", {"ACDC": 0.9, "RandSpike": 0.2}, subject="007"),
        rows_of("m", {"ACDC": 0.5, "RandSpike": 0.6}, subject="007", repeat=1),
    )
    worst = worst_subjects(scores, ["RandSpike", "ACDC"]).set_index("test_set")
    assert worst.loc["ACDC", ["subject", "tied"]].tolist() == ["008", 1]
    # 007 has 0.2 and 0.6 in its repeats.
    assert worst.loc["RandSpike", ["subject", "tied"]].tolist() == ["008", 2]
    assert worst["dice"].tolist() == pytest.approx([0.5, 0.3])
    assert worst_subjects(scores, ["RandSpike"])["test_set"].tolist() == ["RandSpike"]


def test_worst_subject_of_the_table_is_over_the_corrupted_sets() -> None:
    table = robustness_table(both(), GRADED, reference="standard")
    assert table.mean["worst_subject_dice"].tolist() == pytest.approx([0.7, 0.4])
    assert "better 007 on RandSpike; standard 007 on RandSpike." in note(table, "subject, FTN:")


# What is missing


def test_method_that_lacks_a_set_has_no_mean_over_fewer() -> None:
    less = {name: value for name, value in BETTER.items() if name != "Motion-2"}
    scores = make(rows_of("standard", STANDARD), rows_of("less", less))
    table = robustness_table(scores, GRADED, reference="standard")
    row = table.mean.loc[("less", "FTN")]
    assert row["clean_dice"] == pytest.approx(0.9)
    assert row.drop("clean_dice").isna().all()
    assert (table.repeats.loc[("less", "FTN")].drop("clean_dice") == 0).all()
    assert table.mean.loc[("standard", "FTN")].notna().all()
    assert "(less: Motion-2)" in note(table, "Sets without scores")
    assert "missing" in text_table(table, caption="c")


def test_repeat_that_lacks_a_set_is_left_out() -> None:
    less = {name: value + 0.1 for name, value in BETTER.items() if name != "ACDC"}
    scores = make(
        rows_of("standard", STANDARD), rows_of("less", BETTER), rows_of("less", less, repeat=1)
    )
    table = robustness_table(scores, GRADED, reference="standard")
    row, repeats = table.mean.loc[("less", "FTN")], table.repeats.loc[("less", "FTN")]
    assert (row["degradation"], repeats["degradation"]) == (pytest.approx(0.15), 1)
    assert (row["mce_percent"], repeats["mce_percent"]) == (
        pytest.approx((50 + 50 * (0.2 / 0.8 + 0.2 / 0.6)) / 2),
        2,
    )
    assert "(less: in some repeats or outputs ACDC)" in note(table, "Sets without scores")


def test_incomplete_repeat_of_the_reference_is_no_reference() -> None:
    scores = make(
        rows_of("standard", STANDARD),
        rows_of("standard", {"ACDC": 0.9, "Motion-1": 0.2}, repeat=1),
        rows_of("better", BETTER),
    )
    table = robustness_table(scores, GRADED, reference="standard")
    assert table.mean.loc[("standard", "FTN"), "mce_percent"] == pytest.approx(100)
    assert table.mean.loc[("better", "FTN"), "mce_percent"] == pytest.approx(50)


def test_output_that_the_reference_lacks_has_no_corruption_error() -> None:
    scores = make(
        rows_of("standard", STANDARD), rows_of("better", BETTER, outputs=("FTN", "FTN+STN"))
    )
    table = robustness_table(scores, GRADED, reference="standard")
    assert table.keys == [("better", "FTN"), ("standard", "FTN"), ("better", "FTN+STN")]
    assert np.isnan(table.mean.loc[("better", "FTN+STN"), "mce_percent"])
    assert table.mean.loc[("better", "FTN+STN"), "degradation"] == pytest.approx(0.15)


def test_absent_reference_is_refused_in_one_line() -> None:
    with pytest.raises(ScoreFileError, match=r"no method called 'unet'.*better, standard") as error:
        robustness_table(both(), GRADED, reference="unet")
    assert "\n" not in str(error.value)


def test_ratio_to_a_reference_that_does_not_degrade_is_missing_and_said() -> None:
    scores = make(rows_of("standard", STANDARD | {"RandSpike": 0.8}), rows_of("better", BETTER))
    table = robustness_table(scores, GRADED, reference="standard")
    assert table.mean["relative_mce_percent"].isna().all()
    assert table.mean["mce_percent"].notna().all()
    text = note(table, "Rel. mCE is not defined")
    assert "where standard loses no more than 0.02 Dice: under RandSpike (FTN)." in text
    column = list(table.headers).index("relative_mce_percent")
    assert {row[column].mean for row in table.cells} == {"not defined"}


@pytest.mark.parametrize(("lost", "defined"), [(0.019, False), (0.021, True)])
def test_ratio_to_hardly_any_degradation_is_not_defined(lost: float, defined: bool) -> None:
    """It would be any number: 100 times the loss of `better` over next to nothing."""
    scores = make(
        rows_of("standard", STANDARD | {"RandSpike": STANDARD["ACDC"] - lost}),
        rows_of("better", BETTER),
    )
    table = robustness_table(scores, GRADED, reference="standard")
    assert table.mean["relative_mce_percent"].notna().all() == defined
    assert any("Rel. mCE is not defined" in text for text in table.notes) != defined


def test_ratio_to_a_perfect_reference_is_missing_and_said() -> None:
    rows = rows_of("standard", STANDARD)
    for row in rows:
        if row["test_set"] == "RandSpike":
            row["dice"] = 1.0
    scores = make(rows, rows_of("better", BETTER))
    table = robustness_table(scores, GRADED, reference="standard")
    assert table.mean["mce_percent"].isna().all()
    text = note(table, "mCE is not defined where standard m")
    assert "makes no error: under RandSpike (FTN)" in text


def test_one_method_alone_has_no_error_relative_to_itself() -> None:
    table = robustness_table(make(rows_of("standard", STANDARD)), GRADED, reference="standard")
    assert not {"mce_percent", "relative_mce_percent"} & set(table.headers)
    assert not any("mCE" in text for text in table.notes)


def test_share_of_a_clean_score_of_0_is_missing_and_said() -> None:
    rows = rows_of("standard", STANDARD) + rows_of("better", BETTER)
    for row in rows[:3]:
        row["dice"] = 0.0
    table = robustness_table(make(rows), GRADED, reference="better")
    assert np.isnan(table.mean.loc[("standard", "FTN"), "relative_degradation_percent"])
    assert note(table, "Degr. (%) is without").endswith("ACDC is 0: standard.")


def test_nsd_that_was_not_measured_has_no_column() -> None:
    scores = check_scores(both().drop(columns="nsd_2mm"))
    table = robustness_table(scores, GRADED, reference="standard")
    assert "nsd_2mm" not in table.mean
    assert not any("NSD" in text for text in table.notes)


def test_other_subjects_than_on_the_clean_set_are_said() -> None:
    scores = make(
        rows_of("standard", STANDARD), rows_of("standard", {"Motion-2": 0.5}, subject="008")
    )
    table = robustness_table(scores, GRADED, reference="standard")
    assert note(table, "not of the same subjects").startswith("Motion-2: ")
    assert not any("same subjects" in text for text in robustness_table(
        both(), GRADED, reference="standard").notes)  # fmt: skip


# The table


def test_table_by_hand() -> None:
    table = robustness_table(
        both(),
        GRADED,
        reference="standard",
        titles={"standard": "Standard training"},
        remarks={"better": "has seen spikes"},
    )
    assert list(table.headers) == list(MEASURES)
    assert table.mean.loc[("standard", "FTN")].tolist() == pytest.approx(
        [0.8, 0.5, 0.3, 37.5, 100, 100, 13.4 / 19, 0.18, 0.4, 2, 0.5]
    )
    assert note(table, "mCE:").startswith("mCE: 1 − Dice in percent of that of Standard training")
    assert "Without RandSpike" in note(table, "ROOD:")
    assert "Motion of severity 1 and 2; RandSpike of one level" in table.notes[0]
    assert "‡ better: has seen spikes." in table.notes


def test_best_is_the_lowest_of_an_error_within_an_output() -> None:
    scores = make(
        rows_of("standard", STANDARD, outputs=("FTN", "FTN+STN")),
        rows_of("better", BETTER, outputs=("FTN",)),
    )
    best = robustness_table(scores, GRADED, reference="standard").best
    ahead = [name for name in MEASURES if name not in ("hd95_mm", "nsd_2mm")]
    assert best.loc[("better", "FTN"), ahead].all()
    assert not best.loc[("standard", "FTN")].any()
    assert not best.loc[("better", "FTN"), ["hd95_mm", "nsd_2mm"]].any()  # all are level
    assert not best.loc[("standard", "FTN+STN")].any()  # alone


def test_every_rendering_carries_rows_notes_and_the_mark() -> None:
    table = robustness_table(
        both(), GRADED, reference="standard", titles={"better": "my_net"}, phantom=True
    )
    for render in (text_table, markdown_table, latex_table, csv_table):
        text = render(table, caption="Robustness", notes=["Commit abc1234."])
        assert PHANTOM_MARK in text and "Robustness" in text and "abc1234" in text
    latex = latex_table(table, caption="c")
    assert r"my\_net & FTN & \textbf{0.9000} &" in latex
    body = latex.split(r"\toprule")[1].split(r"\bottomrule")[0]
    assert r"Method & Output & \shortstack[r]{Clean\\$\uparrow$}" in body and "@{}ll" in latex
    lines = markdown_table(table, caption="c").splitlines()
    (line,) = [line for line in lines if line.startswith(r"| my\_net")]
    assert [cell.strip() for cell in line.split("|")][2:4] == ["FTN", "**0.9000**"]
    frame = pd.read_csv(io.StringIO(csv_table(table, caption="c")), comment="#")
    assert list(frame) == [
        *("method", "title", "output", "column", "mean", "sd", "n_repeats", "phantom")
    ]
    wide = frame.pivot(index=["method", "output"], columns="column", values="mean")
    expected = table.mean.loc[wide.index, wide.columns]
    pd.testing.assert_frame_equal(wide, expected, check_names=False, check_exact=True)


def test_a_loss_below_zero_prints_a_minus_and_never_a_negative_zero() -> None:
    gain = {"ACDC": 0.5, "Motion-1": 0.6, "Motion-2": 0.6, "RandSpike": 0.6}
    rows = [rows_of("standard", STANDARD), rows_of("gain", gain)]
    table = robustness_table(make(*rows), GRADED, reference="standard")
    assert "$-$0.1000" in latex_table(table, caption="c")
    assert "-0.1000" in text_table(table, caption="c")
    assert table.printed("degradation", -0.00001) == "0.0000"


# Properties


@st.composite
def complete_tables(draw: st.DrawFn) -> pd.DataFrame:
    dice = st.integers(60, 940).map(lambda number: number / 1000)
    parts = [
        rows_of(
            method,
            {name: draw(dice) for name in GRADED.test_sets},
            repeat=repeat,
            outputs=("FTN", "FTN+STN"),
        )
        for method in ("standard", "better")
        for repeat in range(draw(st.integers(1, 3)))
    ]
    return make(*parts)


@pytest.mark.slow
@settings(max_examples=25)
@given(scores=complete_tables())
def test_reference_against_itself_is_100_percent(scores: pd.DataFrame) -> None:
    mean = robustness_table(scores, GRADED, reference="better").mean.xs("better", level="method")
    np.testing.assert_allclose(mean["mce_percent"], 100)
    relative = mean["relative_mce_percent"].dropna()  # missing where it does not degrade
    np.testing.assert_allclose(relative, 100)


@pytest.mark.slow
@settings(max_examples=25)
@given(scores=complete_tables(), seed=st.integers(0, 9))
def test_order_of_rows_changes_nothing(scores: pd.DataFrame, seed: int) -> None:
    table = robustness_table(scores, GRADED, reference="standard")
    mixed = scores.sample(frac=1, random_state=seed)
    shuffled = robustness_table(mixed, GRADED, reference="standard")
    pd.testing.assert_frame_equal(table.mean, shuffled.mean, check_exact=True)
    pd.testing.assert_frame_equal(table.sd, shuffled.sd, check_exact=True)
    assert table.notes == shuffled.notes


@pytest.mark.slow
@settings(max_examples=25)
@given(scores=complete_tables())
def test_rood_scores_lie_between_the_least_and_the_greatest(scores: pd.DataFrame) -> None:
    runs = run_scores(scores, GRADED)
    motion = runs[["ACDC", "Motion-1", "Motion-2"]]
    overall = rood_overall(runs, GRADED)["Motion"]
    assert (overall >= motion.min(axis=1) - 1e-12).all()
    assert (overall <= motion.max(axis=1) + 1e-12).all()
    lost = motion[["Motion-1", "Motion-2"]].rsub(motion["ACDC"], axis=0)
    weighted = rood_degradation(runs, GRADED)["Motion"]
    assert (weighted >= lost.min(axis=1) - 1e-12).all()
    assert (weighted <= lost.max(axis=1) + 1e-12).all()


@pytest.mark.slow
@settings(max_examples=25)
@given(scores=complete_tables())
def test_curves_and_table_agree(scores: pd.DataFrame) -> None:
    curves = degradation_curves(scores, GRADED)
    lost = curves[(curves["measure"] == "degradation") & (curves["severity"] != 0)]
    by_kind = lost.groupby(["method", "output", "kind"])["mean"].mean()
    spike = curves[(curves["measure"] == "degradation") & curves["severity"].isna()]
    motion = by_kind.xs("Motion", level="kind")
    both_kinds = (motion + spike.set_index(["method", "output"])["mean"]) / 2
    mean = robustness_table(scores, GRADED, reference="standard").mean["degradation"]
    np.testing.assert_allclose(mean, both_kinds.loc[mean.index])


def test_measured_scores_of_the_repository() -> None:
    """The scores of a real run: degradation as in the table of its repeat."""
    scores = read_scores(MEASURED)
    scores = scores[scores["repeat"] == 0]
    kinds = ("RandBias", "RandGhosting", "RandMotion", "RandSpike")
    sets = CorruptedSets({name: Corruption(name) for name in kinds})
    mean = robustness_table(scores, sets, reference="standard").mean
    row = mean.loc[("standard", "FTN")]
    printed = [0.6620, 0.6435, 0.6645, 0.0320]
    assert row["clean_dice"] == pytest.approx(0.7143, abs=5e-5)
    assert row["corrupted_dice"] == pytest.approx(np.mean(printed), abs=5e-5)
    assert row["degradation"] == pytest.approx(0.7143 - np.mean(printed), abs=1e-4)
