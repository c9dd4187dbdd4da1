"""How many repeats a study needs, from runs that are kept in the repository."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from statsmodels.stats.power import TTestPower

from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError
from benchmark.runs.run import find_runs
from benchmark.study.needed_repeats import Need, describe_needs, needed_repeats
from benchmark.study.study import Study
from results.analysis.repeat_spread import repeat_differences
from results.scores.score_table import check_scores

KEPT = Path(__file__).parents[2] / "results" / "measured" / "acdc-compact" / "runs"


def study(runs: Path, *methods: str) -> Study:
    configs = [run.config for run in find_runs(KEPT) if run.config.name in methods]
    nothing = cast(Any, None)  # neither data nor a device is looked at
    return Study(configs, nothing, KEPT, runs, torch.device("cpu"), 1, False)


@pytest.mark.slow
def test_spread_and_repeats_by_another_route() -> None:
    needs = needed_repeats(study(KEPT, "standard", "adv-bias"), 0.03, "standard")
    files = [
        path
        for name in ("standard", "adv-bias")
        for path in sorted((KEPT / "acdc-compact").glob(f"{name}-r*/scores/*.csv"))
    ]
    rows = pd.concat(pd.read_csv(path) for path in files).query("output == 'FTN'")
    by_set = rows.groupby(["method", "repeat", "test_set"])["dice"].mean()
    average = by_set.groupby(["method", "repeat"]).mean().unstack("method")
    apart = average["adv-bias"] - average["standard"]
    first, reference = needs
    assert (first.method, first.measured, first.done) == ("adv-bias", len(apart), len(apart))
    assert first.deviation == pytest.approx(apart.std())
    count = int(first.repeats)
    power = [TTestPower().power(0.03 / apart.std(), n, 0.05) for n in (count - 1, count)]
    assert power[0] < 0.8 <= power[1]
    assert reference.method == "standard" and reference.repeats == first.repeats
    assert first.hours == pytest.approx((count - first.done) * first.seconds / 3600)
    text = describe_needs(needs, 0.03)
    assert "To see a difference of 0.03 Dice" in text and f"| {count} " in text


def test_without_two_repeats_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(CoopbenchError, match="no method has two finished and scored repeats"):
        needed_repeats(study(tmp_path, "standard", "adv-bias"), 0.03, "standard")


def test_more_than_can_be_counted_is_said() -> None:
    needs = [
        Need("mine", 2, 0.5, np.inf, 2, 3600.0),
        Need("standard", 0, np.nan, np.inf, 2, 3600.0),
    ]
    text = describe_needs(needs, 1e-4)
    assert "more than 1000" in text and "inf" not in text and "nan" not in text


def test_a_target_goes_with_a_plan() -> None:
    result = CliRunner().invoke(cli, ["study", "--target-difference", "0.02"])
    assert result.exit_code == 2 and "--target-difference works only with --plan" in result.output


def test_differences_are_over_the_sets_that_all_runs_have() -> None:
    rows = [
        (method, repeat, test_set, dice)
        for method, repeat, test_set, dice in (
            ("standard", 0, "ACDC", 0.5),
            ("standard", 1, "ACDC", 0.6),
            ("mine", 0, "ACDC", 0.7),
            ("mine", 0, "Extra", 0.1),
        )
    ]
    scores = check_scores(
        pd.DataFrame(rows, columns=["method", "repeat", "test_set", "dice"]).assign(
            seed=1, subject="001", draw=0, frame="ED", structure="LV", output="FTN",
            hd95_mm=1.0, nsd_2mm=0.5, absent="",
        )
    )  # fmt: skip
    found = repeat_differences(scores, "standard")
    assert found["mine"].to_dict() == pytest.approx({0: 0.2, 1: np.nan}, nan_ok=True)
    assert repeat_differences(scores, "nothing").empty
