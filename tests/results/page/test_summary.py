"""Every sentence of the summary, on scores for which a statistician's answer is known."""

import numpy as np
import pandas as pd
import pytest

from results.analysis.comparison import Comparison
from results.analysis.leader import Distance, distances
from results.analysis.ranking import rank_over_subjects
from results.analysis.robustness import CorruptedSets, Corruption
from results.analysis.statistics import paired_tests
from results.page.summary import stability_sentence, summary
from results.page.summary_average import leader_sentence
from results.page.summary_tests import method_sentences, network_sentences
from results.scores.score_table import check_scores
from results.tables.leave_one_out import ALL, leader_notes, ordinal

TITLES = {"standard": "Standard", "mine": "Mine", "other": "Other"}
BASE = np.linspace(0.4, 0.6, 12)


def subjects(
    values: dict[str, np.ndarray], repeat: int = 0, test_set: str = "ACDC"
) -> pd.DataFrame:
    """Subject scores of one repeat."""
    return pd.DataFrame(
        [
            ("FTN", test_set, method, repeat, f"{number:03d}", dice)
            for method, column in values.items()
            for number, dice in enumerate(column)
        ],
        columns=["output", "test_set", "method", "repeat", "subject", "dice"],
    )


def repeats(shifts: list[float], test_set: str = "ACDC") -> pd.DataFrame:
    """`mine` is above `standard` by a shift in each repeat, every subject by nearly the same."""
    step = 0.0001 * np.arange(12)
    return pd.concat(
        subjects({"standard": BASE, "mine": BASE + shift + step}, repeat, test_set)
        for repeat, shift in enumerate(shifts)
    )


def said(table: pd.DataFrame, margin: float = 0.01) -> tuple[list[str], list[str]]:
    tests = paired_tests(table, "standard", margin=margin)
    about = (tests, "FTN", "Standard", TITLES, margin)
    return network_sentences(*about), method_sentences(*about)


FAMILY = "(Wilcoxon over subjects, Holm's correction over the 1 comparisons of FTN, by themselves)"


def test_higher_in_one_repeat_says_nothing_of_the_method() -> None:
    networks, methods = said(repeats([0.05]))
    assert networks == [
        f"Significantly higher than Standard, of these trained networks: Mine on ACDC {FAMILY}."
    ]
    assert methods == []


def test_higher_in_all_repeats_alike_is_a_better_method() -> None:
    networks, methods = said(repeats([0.050, 0.051, 0.049]))
    assert len(networks) == 1
    assert methods == [
        "Over subjects and repeats (mixed model, Holm's correction), better than Standard: Mine on "
        "ACDC."
    ]


def test_repeats_that_disagree_leave_the_method_undecided() -> None:
    networks, methods = said(repeats([0.1, 0.1, -0.02]))
    assert networks[1] == "Not all repeats point the same way as the mean for Mine on ACDC."
    assert methods == [
        "Over subjects and repeats (mixed model, Holm's correction) the difference from Standard "
        "is undecided."
    ]


def test_a_test_against_its_mean_is_not_said_to_be_no_difference() -> None:
    """17 of 20 gain a little, three lose much."""
    base = np.full(20, 0.7)
    other = np.array([0.7 + 0.002 * (n + 1) for n in range(18)] + [0.1, 0.1])
    networks, _ = said(subjects({"standard": base, "mine": other}))
    assert networks[0].startswith(
        "Different from Standard by ranks, with a mean that points the other way: Mine on ACDC"
    )
    assert not any("no method differ" in text for text in networks)


def test_no_difference_is_not_said_to_be_alike() -> None:
    noise = np.array([0.1, -0.1] * 6) + 0.01 * np.arange(12) / 12
    networks, methods = said(subjects({"standard": BASE, "mine": BASE + noise}))
    assert len(networks) == 1 and "no sign that they are alike" in networks[0] and methods == []


def test_equivalent_within_the_margin() -> None:
    networks, methods = said(repeats([0.001, 0.0, -0.001]))
    assert networks[-1] == "Equivalent to Standard within 0.01 Dice: Mine on ACDC."
    assert methods[0].endswith("equivalent to it within 0.01 Dice: Mine on ACDC.")
    assert "Equivalent" not in " ".join(said(repeats([0.001, 0.0, -0.001]), margin=0.0005)[0])


def far(difference: float, low: float, high: float) -> Distance:
    return Distance(difference, low, high, True)


VALUES = {"mine": "0.7000", "standard": "0.6900", "other": "0.5000"}
OVER = "On average over A and B"


def test_a_leader_that_cannot_be_told_apart() -> None:
    found = {"standard": far(0.01, -0.02, 0.04), "other": far(0.2, 0.1, 0.3)}
    assert leader_sentence(OVER, "FTN", VALUES, found, TITLES) == (
        "On average over A and B, FTN of Mine has the highest mean Dice (0.7000), but is not "
        "distinguishable from Standard (0.6900); it is above Other (0.5000) (95 % intervals of the "
        "differences over subjects and repeats, uncorrected)."
    )
    none = {"standard": far(0.01, -0.02, 0.04), "other": far(0.2, -0.1, 0.5)}
    text = leader_sentence(OVER, "FTN", VALUES, none, TITLES)
    assert "but is not distinguishable from any other method" in text and "above" not in text


def test_a_leader_that_can() -> None:
    found = {"standard": far(0.01, 0.005, 0.015), "other": far(0.2, 0.1, 0.3)}
    assert leader_sentence(OVER, "FTN", VALUES, found, TITLES) == (
        "On average over A and B, FTN of Mine has the highest mean Dice (0.7000) and is above "
        "Standard (0.6900) and Other (0.5000) (95 % intervals of the differences over subjects and "
        "repeats, uncorrected)."
    )


def test_a_leader_by_easier_subjects_is_not_said_to_be_above() -> None:
    """It lacks the hard subjects: the highest mean, and below the other where both were scored."""
    found = {"standard": far(-0.0245, -0.0267, -0.0223), "other": far(0.2, 0.1, 0.3)}
    assert leader_sentence(OVER, "FTN", VALUES, found, TITLES) == (
        "On average over A and B, FTN of Mine has the highest mean Dice (0.7000), but is below "
        "Standard (-0.0245) on what both were scored on and is above Other (0.5000) (95 % "
        "intervals of the differences over subjects and repeats, uncorrected)."
    )
    near = found | {"other": far(0.2, -0.1, 0.3)}
    assert "on what both were scored on, is not distinguishable from Other (0.5000) (95 %" in (
        leader_sentence(OVER, "FTN", VALUES, near, TITLES)
    )


def test_level_leaders_and_strangers() -> None:
    level = {"mine": "0.7000", "standard": "0.7000"}
    assert leader_sentence("On A", "FTN", level, {"standard": far(0, -1, 1)}, TITLES) == (
        "On A, FTN of Mine and Standard have the highest mean Dice (0.7000)."
    )


def test_what_no_interval_tells_apart_is_not_called_level() -> None:
    """One subject, or none that both have: neither near nor far."""
    nan = float("nan")
    takes = "that takes two subjects on which both have the same repeat and volumes."
    text = leader_sentence("On A", "FTN", {"mine": "0.7", "other": "0.5"}, {}, TITLES)
    assert text == (
        "On A, FTN of Mine has the highest mean Dice (0.7). No interval tells it from Other: "
        + takes
    )
    alone = {"standard": far(0.01, nan, nan), "other": far(0.2, nan, nan)}
    assert leader_sentence("On A", "FTN", VALUES, alone, TITLES) == (
        "On A, FTN of Mine has the highest mean Dice (0.7000). No interval tells it from any other "
        "method: " + takes
    )
    some = alone | {"standard": far(0.01, -0.02, 0.04)}
    assert leader_sentence("On A", "FTN", VALUES, some, TITLES) == (
        "On A, FTN of Mine has the highest mean Dice (0.7000), but is not distinguishable from "
        "Standard (0.6900) (95 % intervals of the differences over subjects and repeats, "
        "uncorrected). No interval tells it from Other: " + takes
    )


def test_distance_of_two_cohorts_by_hand() -> None:
    """Two sets of one cohort and one of another: weights 2/3 and 1/3; one repeat, so Welch."""
    rng = np.random.default_rng(0)
    one, two = rng.normal(0.05, 0.02, 12), rng.normal(0.02, 0.03, 8)
    base = np.full(12, 0.5)
    table = pd.concat(
        [
            subjects({"mine": base + one, "standard": base}, 0, "ACDC"),
            subjects({"mine": base + one, "standard": base}, 0, "Bias"),
            subjects({"mine": base[:8] + two, "standard": base[:8]}, 0, "M&Ms"),
        ]
    )
    cohorts = {"ACDC": "ACDC", "Bias": "ACDC"}
    found = distances(table, ["ACDC", "Bias", "M&Ms"], cohorts, "mine")["standard"]
    assert found.difference == pytest.approx(2 / 3 * one.mean() + two.mean() / 3)
    parts = np.array([4 / 9 * one.var(ddof=1) / 12, two.var(ddof=1) / 8 / 9])
    from scipy.stats import t

    freedom = parts.sum() ** 2 / (parts**2 / [11, 7]).sum()
    reach = t.ppf(0.975, freedom) * np.sqrt(parts.sum())
    assert (found.low, found.high) == pytest.approx(
        (found.difference - reach, found.difference + reach)
    )
    assert not found.over_repeats


def test_distance_over_repeats_and_without_common_ground() -> None:
    found = distances(repeats([0.1, 0.1, 0.1]), ["ACDC"], {}, "mine")["standard"]
    assert found.over_repeats and found.above
    apart = pd.concat([subjects({"mine": BASE}), subjects({"standard": BASE}, repeat=1)])
    assert distances(apart, ["ACDC"], {}, "mine") == {}


def test_one_set_that_decides() -> None:
    means = pd.DataFrame(
        {ALL: [0.6, 0.5, 0.4], "Spike": [0.3, 0.5, 0.4], "Bias": [0.7, 0.5, 0.4]},
        index=["mine", "standard", "other"],
    )
    assert leader_notes(means, TITLES) == [
        "Mine leads the average; without Spike Standard leads, Mine is third."
    ]
    steady = means.assign(Spike=means[ALL])
    assert leader_notes(steady, TITLES) == ["Mine leads the average whichever one set is left out."]
    assert (ordinal(6), ordinal(13)) == ("sixth", "in place 13")


def test_ranks_over_other_sets_than_the_average_name_them() -> None:
    """Mine wins on A for every subject, and loses by more on B."""
    table = pd.concat(
        [
            subjects({"mine": BASE + 0.1, "standard": BASE}, test_set="A"),
            subjects({"mine": BASE - 0.2, "standard": BASE}, test_set="B"),
        ]
    )
    ranking = rank_over_subjects(table, "FTN", {})
    assert ranking is not None
    first = "tandard ranks first in 100% of resamples of the subjects"
    assert stability_sentence([ranking], ["A"], TITLES, "") == (
        f"By the mean over A and B, S{first}."
    )
    assert stability_sentence([ranking], ["B", "A"], TITLES, "of repeat 0") == (
        f"S{first} (of repeat 0)."
    )
    assert stability_sentence([], ["A"], TITLES, "") == ""


def test_refinement_and_robustness_by_hand() -> None:
    """The STN takes 0.1 from mine on Bias and gives standard 0.02 there; Bias costs 0.1 and 0.3."""
    dice = {
        ("mine", "ACDC"): (0.8, 0.8),
        ("mine", "RandBias"): (0.7, 0.6),
        ("standard", "ACDC"): (0.9, 0.9),
        ("standard", "RandBias"): (0.6, 0.62),
    }
    rows = [
        {
            "method": method,
            "repeat": 0,
            "seed": 0,
            "test_set": test_set,
            "draw": 0,
            "subject": f"{number:03d}",
            "frame": "ED",
            "structure": "LV",
            "output": output,
            "dice": value,
            "hd95_mm": 4.0,
            "nsd_2mm": 0.5,
            "absent": "",
        }
        for (method, test_set), values in dice.items()
        for output, value in zip(("FTN", "FTN+STN"), values, strict=True)
        for number in range(8)
    ]
    bias = CorruptedSets({"RandBias": Corruption("RandBias")})
    said = summary(
        Comparison(
            scores=check_scores(pd.DataFrame(rows)),
            name="tests",
            reference="standard",
            titles=TITLES,
            recipes={"acdc-c": bias},
        )
    )
    refinement, robust = said[2:]
    assert refinement == (
        "FTN+STN against FTN, mean over subjects and then sets: Mine -0.0500, Standard +0.0100. "
        "The differences lie between -0.1000 (Mine on RandBias) and +0.0200 (Standard on RandBias)."
    )
    assert robust == (
        "Under the corruptions of recipe acdc-c, on average over its kinds, FTN loses least Dice "
        "in Mine 0.1000 (of 0.8000) and most in Standard 0.3000 (of 0.9000). FTN+STN loses least "
        "Dice in Mine 0.2000 (of 0.8000) and most in Standard 0.2800 (of 0.9000). These are "
        "differences of means, not tested."
    )
