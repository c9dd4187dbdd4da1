from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from results.errors import ScoreFileError
from results.scores import COLUMNS, absent_counts, check_scores, read_scores, set_scores

HEADER = ",".join(COLUMNS)
GOOD = "standard,0,40,ACDC,007,0,ED,LV,FTN,0.9,3.5,"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def test_reads_dtypes_and_keeps_leading_zeros(tmp_path: Path) -> None:
    scores = read_scores(write(tmp_path / "s.csv", GOOD))
    assert tuple(scores.columns) == COLUMNS
    assert scores["subject"].tolist() == ["007"]
    assert scores["absent"].tolist() == [""]
    assert [str(scores[name].dtype) for name in ("repeat", "seed", "draw")] == ["int64"] * 3
    assert [str(scores[name].dtype) for name in ("dice", "hd95_mm")] == ["float64"] * 2
    assert str(scores["method"].dtype) == "category"


def test_round_trip_through_pandas(tmp_path: Path) -> None:
    scores = read_scores(
        write(tmp_path / "a.csv", GOOD, GOOD.replace("LV,FTN,0.9,3.5,", "RV,FTN,,,both"))
    )
    scores.to_csv(tmp_path / "b.csv", index=False)
    pd.testing.assert_frame_equal(read_scores(tmp_path / "b.csv"), scores, check_categorical=False)


def test_joins_files_with_different_names_as_categoricals(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", GOOD)
    two = write(tmp_path / "2.csv", GOOD.replace("standard", "NA").replace("007", "zoë"))
    scores = read_scores([one, str(two)])
    assert scores["method"].tolist() == ["standard", "NA"]
    assert scores["method"].cat.categories.tolist() == ["NA", "standard"]
    assert scores["subject"].tolist() == ["007", "zoë"]


def test_reads_compressed_and_spreadsheet_files(tmp_path: Path) -> None:
    frame = read_scores(write(tmp_path / "s.csv", GOOD))
    frame.to_csv(tmp_path / "s.csv.gz", index=False)
    (tmp_path / "bom.csv").write_text(f"\ufeff{HEADER}\r\n{GOOD}\r\n", encoding="utf-8")
    for name in ("s.csv.gz", "bom.csv"):
        assert read_scores(tmp_path / name)["dice"].tolist() == [0.9]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (GOOD.replace("0.9", "1.2"), r"dice is '1.2' in data row 2; Dice lies in \[0, 1\]"),
        (GOOD.replace("0.9", "-0.1"), "dice is '-0.1'"),
        (GOOD.replace("0.9", "high"), "dice is 'high' in data row 2; expected a number"),
        (GOOD.replace("0.9", ""), "dice is 'nan'.*exactly where absent is 'both'"),
        (GOOD.replace("3.5", ""), "hd95_mm is 'nan'.*exactly where absent is 'both'"),
        (GOOD.replace("3.5", "inf"), "hd95_mm is 'inf'"),
        (GOOD.replace("3.5", "-1"), "hd95_mm is '-1.0'"),
        (GOOD + "both", "dice is '0.9'.*exactly where absent is 'both'"),
        (GOOD + "label", "Dice is 0 where only one"),
        (GOOD + "none", r"absent is 'none'.*expected one of \(empty\), label, prediction, both"),
        (GOOD.replace("LV", "LA"), "structure is 'LA'.*LV, MYO, RV"),
        (GOOD.replace("ED", "ed"), "frame is 'ed'"),
        (GOOD.replace("FTN", "STN"), "output is 'STN'"),
        (GOOD.replace(",0,40", ",0.5,40"), "repeat is '0.5'.*whole number"),
        (GOOD.replace("007,0", "007,-1"), "draw is '-1'"),
        (GOOD.replace("standard", ""), "method is ''.*not be empty"),
        (GOOD, "given twice: method standard, repeat 0, test_set ACDC, subject 007"),
        (GOOD.replace(",40,", ",41,"), "given twice"),  # the seed is no key
        (GOOD[:40], "hd95_mm|output|structure|dice"),  # cut off in the middle of a line
    ],
)
def test_broken_row_is_named_in_one_line(tmp_path: Path, row: str, message: str) -> None:
    path = write(tmp_path / "broken.csv", GOOD, row)
    with pytest.raises(ScoreFileError, match=message) as error:
        read_scores(path)
    assert "broken.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("method,dice\nstandard,0.9\n")
    with pytest.raises(ScoreFileError, match=r"s\.csv: no column repeat, seed, test_set"):
        read_scores(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (HEADER.encode() + b"\n", "holds no scores"),
        (b"\xff\xfe\x00\x80", "not a readable CSV"),
        (f"{HEADER}\n{GOOD}\n{GOOD},1,2,3\n".encode(), "not a readable CSV"),
        (f"{HEADER}\n{GOOD},1\n".encode(), "more fields than the header"),
    ],
)
def test_unusable_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "s.csv").write_bytes(content)
    with pytest.raises(ScoreFileError, match=message) as error:
        read_scores(tmp_path / "s.csv")
    assert "s.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_absent_file_folder_and_empty_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoreFileError, match="no such file"):
        read_scores(tmp_path / "none.csv")
    with pytest.raises(ScoreFileError, match="not a readable CSV"):
        read_scores(tmp_path)
    with pytest.raises(ScoreFileError, match="no score files"):
        read_scores([])


def test_broken_gzip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(ScoreFileError, match="not a readable CSV"):
        read_scores(tmp_path / "s.csv.gz")


def test_score_given_in_two_files_is_refused(tmp_path: Path) -> None:
    files = [write(tmp_path / name, GOOD) for name in ("1.csv", "2.csv")]
    with pytest.raises(ScoreFileError, match=r"1\.csv, .*2\.csv: given twice"):
        read_scores(files)


def test_subject_given_as_a_number_is_refused(tmp_path: Path) -> None:
    frame = pd.read_csv(write(tmp_path / "s.csv", GOOD), keep_default_na=False)
    with pytest.raises(ScoreFileError, match=r"subject is '7'.*as text"):
        check_scores(frame)


def table(*rows: str) -> pd.DataFrame:
    cells = [row.split(",") for row in rows]
    frame = pd.DataFrame(cells, columns=list(COLUMNS))
    for name in ("dice", "hd95_mm"):
        frame[name] = pd.to_numeric(frame[name].replace("", None))
    return check_scores(frame)


SMALL = (
    "m,0,1,ACDC,007,0,ED,LV,FTN,0.9,1,",
    "m,0,1,ACDC,007,0,ED,MYO,FTN,0.6,1,",
    "m,0,1,ACDC,007,0,ED,RV,FTN,,,both",
    "m,0,1,ACDC,007,0,ES,LV,FTN,0.0,300,prediction",
    "m,1,1,ACDC,007,0,ES,LV,FTN,0.0,300,label",
    "m,0,1,ACDC,007,0,ED,RV,FTN+STN,,,both",
)


def test_set_scores_by_hand() -> None:
    means = set_scores(table(*SMALL))
    assert means[["repeat", "output", "rows", "scored"]].values.tolist() == [
        [0, "FTN", 4, 3],  # 0.9, 0.6 and 0; the undefined one is left out
        [0, "FTN+STN", 1, 0],
        [1, "FTN", 1, 1],
    ]
    np.testing.assert_allclose(means["dice"], [0.5, np.nan, 0.0])


def test_absent_counts_by_hand() -> None:
    counts = absent_counts(table(*SMALL))
    assert counts.values.tolist() == [
        ["m", "FTN", "ACDC", 1, 1, 1, 5],
        ["m", "FTN+STN", "ACDC", 0, 0, 1, 1],
    ]
    assert counts.columns.tolist() == [
        *("method", "output", "test_set", "label", "prediction", "both", "rows")
    ]
