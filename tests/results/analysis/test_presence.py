"""Detection apart from distance, by hand."""

import pandas as pd
import pytest

from results.analysis.presence import (
    DETECTED,
    PRESENT,
    absent_share_notes,
    all_present,
    with_presence,
)
from results.scores.score_table import check_scores
from results.tables.poster_table import poster_table


def scores() -> pd.DataFrame:
    """Four structures of one method: found, missed, invented, in neither."""
    rows = [
        ("LV", "001", 0.9, 4.0, ""),
        ("MYO", "001", 0.0, 200.0, "prediction"),
        ("RV", "001", 0.0, 180.0, "label"),
        ("LV", "002", None, None, "both"),
        ("MYO", "002", 0.7, 8.0, ""),
    ]
    return check_scores(
        pd.DataFrame(
            [
                ("m", 0, 1, "ACDC", subject, 0, "ED", structure, "FTN", dice, hd95, None, absent)
                for structure, subject, dice, hd95, absent in rows
            ],
            columns=[
                *("method", "repeat", "seed", "test_set", "subject", "draw", "frame", "structure"),
                *("output", "dice", "hd95_mm", "nsd_2mm", "absent"),
            ],
        )
    )


def test_found_of_those_in_the_label_and_distance_of_those_in_both() -> None:
    table = with_presence(scores())
    detected = poster_table(table, metric=DETECTED)
    assert detected.mean.at["m", "ACDC"] == pytest.approx(200 / 3)  # two of three
    assert detected.cells[0][0].mean == "66.7" and not detected.lower_is_better
    distance = poster_table(table, metric=PRESENT)
    assert distance.mean.at["m", "ACDC"] == 6.0 and "ACDC" in distance.lower_is_better
    assert poster_table(table, metric="hd95_mm").mean.at["m", "ACDC"] == 98.0


def test_share_of_absent_structures() -> None:
    (note,) = absent_share_notes(scores(), "FTN")
    assert "ACDC 97%" in note  # 380 of 392
    assert absent_share_notes(scores(), "FTN+STN") == []
    present = scores().query("absent == ''")
    assert all_present(present) and not all_present(scores())
    assert absent_share_notes(present, "FTN") == []
