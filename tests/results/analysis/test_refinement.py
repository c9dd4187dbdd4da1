"""FTN+STN against FTN, and the tests of distances, by other routes."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from results.analysis.refinement import AVERAGE, refinement_tests
from results.analysis.statistics import paired_tests
from results.scores.published import AVERAGES


def both_outputs(gains: dict[str, np.ndarray]) -> pd.DataFrame:
    """Subjects of two sets and their average; refinement adds a gain, in the second set half."""
    rows = []
    for method, gain in gains.items():
        for output, average in AVERAGES.items():
            for number, one in enumerate(gain):
                added = one if output == "FTN+STN" else 0.0
                scores = {"ACDC": 0.6 + added, "Bias": 0.5 + added / 2}
                scores[average] = sum(scores.values()) / 2
                rows += [
                    (output, name, method, 0, f"{number:03d}", dice)
                    for name, dice in scores.items()
                ]
    columns = ["output", "test_set", "method", "repeat", "subject", "dice"]
    return pd.DataFrame(rows, columns=columns)


def test_refinement_by_scipy() -> None:
    rng = np.random.default_rng(0)
    gains = {"mine": rng.normal(0.02, 0.02, 15), "other": rng.normal(0, 0.02, 15)}
    tests = refinement_tests(both_outputs(gains), margin=0.01).set_index(["method", "test_set"])
    for method, gain in gains.items():
        for name, factor in (("ACDC", 1.0), ("Bias", 0.5), (AVERAGE, 0.75)):
            row = tests.loc[(method, name)]
            assert row["difference"] == pytest.approx(factor * gain.mean())
            assert row["p"] == pytest.approx(wilcoxon(gain).pvalue)
    assert set(tests["family_size"]) == {6} and set(tests["output"]) == {"FTN+STN"}
    assert tests["p_holm"].min() == pytest.approx(6 * tests["p"].min())


def test_one_output_has_no_refinement() -> None:
    alone = both_outputs({"mine": np.full(5, 0.1)}).query("output == 'FTN'")
    assert refinement_tests(alone, margin=0.01).empty


def test_less_distance_is_better() -> None:
    base = np.linspace(5, 9, 12)
    rows = [
        ("FTN", "ACDC", method, 0, f"{number:03d}", distance)
        for method, values in (("standard", base), ("mine", base - np.linspace(1, 2, 12)))
        for number, distance in enumerate(values)
    ]
    columns = ["output", "test_set", "method", "repeat", "subject", "hd95_mm"]
    table = pd.DataFrame(rows, columns=columns)
    (row,) = paired_tests(table, "standard", metric="hd95_mm", margin=float("nan")).to_dict(
        "records"
    )
    assert row["effect"] == -1 and row["verdict"] == "better" and np.isnan(row["equivalent_p"])
