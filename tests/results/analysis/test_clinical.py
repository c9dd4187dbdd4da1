"""Clinical measures from volumes in score files, worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.analysis.clinical import UNITS, agreement, clinical_pairs
from results.figures.bland_altman import bland_altman_alt, bland_altman_figure
from results.scores.score_table import check_scores
from results.tables.clinical_tables import clinical_tables
from results.tables.render import text_table

Volumes = dict[tuple[str, str], tuple[float, float]]
"""By structure and frame, ml in label and prediction."""

HEART: Volumes = {
    ("LV", "ED"): (150.0, 140.0),
    ("LV", "ES"): (60.0, 70.0),
    ("MYO", "ED"): (100.0, 110.0),
    ("MYO", "ES"): (105.0, 100.0),
    ("RV", "ED"): (160.0, 150.0),
    ("RV", "ES"): (80.0, 60.0),
}


def rows(volumes: Volumes, **about: object) -> list[dict[str, object]]:
    given = {"method": "m", "repeat": 0, "seed": 1, "test_set": "ACDC", "subject": "007"}
    given |= {"draw": 0, "output": "FTN", **about}
    found = []
    for (structure, frame), (label, prediction) in volumes.items():
        absent = {(True, True): "both", (True, False): "label", (False, True): "prediction"}
        lacks = absent.get((label == 0, prediction == 0), "")
        score = {"": 0.9, "both": None}.get(lacks, 0.0)
        metrics = dict.fromkeys(("dice", "nsd_2mm", "jaccard"), score)
        metrics |= dict.fromkeys(("hd95_mm", "hd_mm", "assd_mm"), None if score is None else 3.0)
        volume = {"label_ml": label, "prediction_ml": prediction, "absent": lacks}
        found.append({**given, "structure": structure, "frame": frame, **metrics, **volume})
    return found


def table(*parts: list[dict[str, object]]) -> pd.DataFrame:
    return check_scores(pd.DataFrame([row for part in parts for row in part]))


def test_measures_by_hand() -> None:
    pairs = clinical_pairs(table(rows(HEART))).pairs.set_index("measure")[["label", "prediction"]]
    expected = {
        "LV EDV": (150, 140),
        "LV ESV": (60, 70),
        "LV EF": (60, 50),
        "LV mass": (105, 115.5),  # of ED alone, at 1.05 g/ml
        "RV EDV": (160, 150),
        "RV ESV": (80, 60),
        "RV EF": (50, 60),
    }
    assert set(pairs.index) == set(UNITS) == set(expected)
    for name, values in expected.items():
        assert pairs.loc[name].tolist() == pytest.approx(values), name


def test_a_frame_that_is_not_there_takes_its_measures_with_it() -> None:
    at_ed = {key: value for key, value in HEART.items() if key[1] == "ED"}
    found = clinical_pairs(table(rows(at_ed)))
    assert set(found.pairs["measure"]) == {"LV EDV", "LV mass", "RV EDV"}
    assert found.undefined.empty
    other = {(name, "frame03"): value for (name, _), value in at_ed.items()}
    assert clinical_pairs(table(rows(other))).pairs.empty


def test_no_blood_pool_at_ed_leaves_the_fraction_undefined_and_counts_the_volume() -> None:
    found = clinical_pairs(table(rows(HEART | {("LV", "ED"): (150.0, 0.0)})))
    assert found.undefined["measure"].tolist() == ["LV EF"]
    pairs = found.pairs.set_index("measure")
    assert pairs.loc["LV EDV", "prediction"] == 0
    assert "LV EF" not in pairs.index


def test_scores_without_volumes_have_no_measures() -> None:
    scores = table(rows(HEART)).assign(label_ml=np.nan, prediction_ml=np.nan)
    found = clinical_pairs(scores)
    assert found.pairs.empty
    assert clinical_tables(found, output="FTN") is None
    assert bland_altman_figure(found, "ACDC", output="FTN") is None


def three() -> pd.DataFrame:
    """LV EDV of three subjects: 100, 150, 200 ml, found as 110, 140, 230."""
    each = zip(("1", "2", "3"), (100.0, 150.0, 200.0), (110.0, 140.0, 230.0), strict=True)
    return table(*(rows({("LV", "ED"): (a, b)}, subject=name) for name, a, b in each))


def test_agreement_by_hand() -> None:
    (row,) = agreement(clinical_pairs(three()).pairs).to_dict("records")
    assert (row["pairs"], row["measure"]) == (3, "LV EDV")
    assert row["bias"] == pytest.approx(10)
    spread = 1.96 * np.sqrt(((10 - 10) ** 2 + (-10 - 10) ** 2 + (30 - 10) ** 2) / 2)
    assert (row["low"], row["high"]) == pytest.approx((10 - spread, 10 + spread))
    # Deviations: −50, 0, 50 and −50, −20, 70.
    assert row["correlation"] == pytest.approx(6000 / np.sqrt(5000 * 7800))


def test_no_limits_of_one_pair_and_no_correlation_of_what_does_not_vary() -> None:
    (row,) = agreement(clinical_pairs(table(rows({("LV", "ED"): (100.0, 90.0)}))).pairs).to_dict(
        "records"
    )
    assert row["bias"] == -10 and np.isnan(row["low"]) and np.isnan(row["correlation"])
    flat = [rows({("LV", "ED"): (100.1, 90.0 + n)}, subject=str(n)) for n in range(4)]
    (row,) = agreement(clinical_pairs(table(*flat)).pairs).to_dict("records")
    assert np.isnan(row["correlation"]) and row["low"] < row["bias"] < row["high"]


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(1, 300), st.floats(1, 300)), min_size=3, max_size=12))
def test_agreement_is_that_of_numpy(values: list[tuple[float, float]]) -> None:
    each = [rows({("RV", "ED"): pair}, subject=str(n)) for n, pair in enumerate(values)]
    (row,) = agreement(clinical_pairs(table(*each)).pairs).to_dict("records")
    label, prediction = np.array(values).T
    difference = prediction - label
    assert row["bias"] == pytest.approx(difference.mean(), abs=1e-9)
    assert row["high"] - row["bias"] == pytest.approx(1.96 * np.std(difference, ddof=1), abs=1e-7)
    if min(np.ptp(label), np.ptp(prediction)) > 1e-3:
        expected = np.corrcoef(label, prediction)[0, 1]
        assert row["correlation"] == pytest.approx(expected, abs=1e-6)


def test_tables_say_bias_limits_and_how_many_pairs() -> None:
    worse = three().assign(prediction_ml=lambda frame: frame["prediction_ml"] - 40)
    both = pd.concat([three(), worse.assign(method="w")])
    found = clinical_tables(clinical_pairs(check_scores(both)), output="FTN")
    assert found is not None
    bias, correlation = (text_table(one, caption="") for one in found)
    assert "+10.0" in bias and "[-29.2, +49.2]" in bias and "-30.0" in bias
    assert "Pairs: ACDC 3." in bias
    assert "0.961" in correlation
    assert clinical_tables(clinical_pairs(three()), output="FTN+STN") is None


def test_the_figure_has_a_panel_a_method_and_measure_with_its_lines() -> None:
    parts = []
    for method in ("a", "b"):
        for n in range(5):
            scaled = {key: (x + 9 * n, y + 7 * n) for key, (x, y) in HEART.items()}
            parts.append(rows(scaled, method=method, subject=str(n)))
    clinical = clinical_pairs(table(*parts))
    figure = bland_altman_figure(clinical, "ACDC", output="FTN")
    assert figure is not None
    assert len(figure.axes) == 2 * len(UNITS)
    expected = agreement(clinical.pairs).set_index(["method", "measure"])
    lines = {float(line.get_ydata()[0]) for line in figure.axes[0].lines}
    for name in ("bias", "low", "high"):
        assert any(abs(y - expected.loc[("a", "LV EDV"), name]) < 1e-9 for y in lines), name
    words = bland_altman_alt(clinical, "ACDC", output="FTN")
    assert "2 methods" in words and "LV ejection fraction" in words
