import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.core.errors import ScoreFileError
from results.scores.score_groups import ScoreGroups
from results.scores.score_table import (
    COLUMNS,
    METRICS,
    by_set,
    check_scores,
    read_scores,
    set_scores,
    write_parquet,
)

LATER = ("jaccard", "hd_mm", "assd_mm", "label_ml", "prediction_ml")
"""Columns that files written before them lack."""
HEADER = ",".join(name for name in COLUMNS if name not in LATER)
GOOD = "standard,0,40,ACDC,007,0,ED,LV,FTN,0.9,3.5,0.8,"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def test_reads_dtypes_and_keeps_leading_zeros(tmp_path: Path) -> None:
    scores = read_scores(write(tmp_path / "s.csv", GOOD))
    assert tuple(scores.columns) == COLUMNS
    assert scores["subject"].tolist() == ["007"]
    assert scores["absent"].tolist() == [""]
    assert [str(scores[name].dtype) for name in ("repeat", "seed", "draw")] == ["int64"] * 3
    assert [str(scores[name].dtype) for name in METRICS] == ["float64"] * 6
    assert str(scores["method"].dtype) == "category"


def test_round_trip_through_pandas(tmp_path: Path) -> None:
    scores = read_scores(
        write(tmp_path / "a.csv", GOOD, GOOD.replace("LV,FTN,0.9,3.5,0.8,", "RV,FTN,,,,both"))
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
        (GOOD.replace("0.8", "1.01"), r"nsd_2mm is '1.01' in data row 2; NSD lies in \[0, 1\]"),
        (GOOD.replace("0.8", "-0.1"), "nsd_2mm is '-0.1'"),
        (GOOD.replace("0.8", "good"), "nsd_2mm is 'good' in data row 2; expected a number"),
        (GOOD.replace("0.8", ""), "nsd_2mm is 'nan' in data row 2.*where absent is 'both'"),
        (GOOD.replace("0.9,3.5", ",") + "both", "nsd_2mm is '0.8'.*where absent is 'both'"),
        (GOOD.replace("0.9", "0") + "label", "nsd_2mm is '0.8'.*NSD is 0 where only one"),
        (GOOD + "both", "dice is '0.9'.*exactly where absent is 'both'"),
        (GOOD + "label", "Dice is 0 where only one"),
        (GOOD + "none", r"absent is 'none'.*expected one of \(empty\), label, prediction, both"),
        (GOOD.replace("LV", "LA"), "structure is 'LA'.*LV, MYO, RV"),
        (GOOD.replace("ED", ""), "frame is ''.*not be empty"),
        (GOOD.replace("FTN", "STN"), "output is 'STN'"),
        (GOOD.replace(",0,40", ",0.5,40"), "repeat is '0.5'.*whole number"),
        (GOOD.replace("007,0", "007,-1"), "draw is '-1'"),
        (GOOD.replace("standard", ""), "method is ''.*not be empty"),
        (GOOD, "given twice: method standard, repeat 0, test_set ACDC, subject 007"),
        (GOOD.replace(",40,", ",41,"), "given twice"),  # the seed is no key
        (GOOD[:40], "nsd_2mm|hd95_mm|output|structure|dice"),  # cut off in the middle of a line
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
        (b"\xff\xfe\x00", "not a readable CSV"),
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


def full(tmp_path: Path, **cells: str) -> pd.DataFrame:
    """A file of one row with every column, some of them given."""
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    row |= {"jaccard": "0.818182", "hd_mm": "7.5", "assd_mm": "0.5"}
    row |= {"label_ml": "101.5", "prediction_ml": "99", **cells}
    path = tmp_path / "full.csv"
    text = ",".join(row[name] for name in COLUMNS)
    path.write_text(f"{','.join(COLUMNS)}\n{text}\n", encoding="utf-8")
    return read_scores(path)


def test_reads_the_later_columns_and_files_without_them(tmp_path: Path) -> None:
    new, old = full(tmp_path), read_scores(write(tmp_path / "old.csv", GOOD))
    assert new.loc[0, list(LATER)].tolist() == [0.818182, 7.5, 0.5, 101.5, 99.0]
    assert old[list(LATER)].isna().all(axis=None)
    joined = read_scores(
        [tmp_path / "full.csv", write(tmp_path / "o.csv", GOOD.replace("ACDC", "M&Ms"))]
    )
    assert set_scores(joined, "hd_mm")["hd_mm"].tolist()[0] == 7.5
    assert np.isnan(set_scores(joined, "hd_mm")["hd_mm"][1])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"jaccard": "1.5"}, r"jaccard is '1.5' in data row 1; Jaccard lies in \[0, 1\]"),
        ({"hd_mm": "-2"}, "hd_mm is '-2.0' in data row 1; expected mm, finite, from 0"),
        ({"label_ml": "-2"}, "label_ml is '-2.0' in data row 1; expected ml, finite, from 0"),
        ({"prediction_ml": "inf"}, "prediction_ml is 'inf'"),
        (
            {"absent": "label", "dice": "0", "nsd_2mm": "0", "jaccard": "0"},
            "label_ml is '101.5' in data row 1; the label lacks the structure",
        ),
        (
            {"absent": "prediction", "dice": "0", "nsd_2mm": "0", "jaccard": "0"},
            "prediction_ml is '99.0' in data row 1; the prediction lacks the structure",
        ),
    ],
)
def test_broken_later_columns_are_refused(
    tmp_path: Path, cells: dict[str, str], message: str
) -> None:
    with pytest.raises(ScoreFileError, match=message):
        full(tmp_path, **cells)


def test_volumes_of_what_both_lack_are_zero_and_not_missing(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("dice", "hd95_mm", "nsd_2mm", "jaccard", "hd_mm", "assd_mm"), "")
    scores = full(tmp_path, **nothing, absent="both", label_ml="0", prediction_ml="0.0")
    assert scores.loc[0, ["label_ml", "prediction_ml"]].tolist() == [0, 0]


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
    frame = pd.DataFrame(cells, columns=HEADER.split(","))
    for name in ("dice", "hd95_mm", "nsd_2mm"):
        frame[name] = pd.to_numeric(frame[name].replace("", None))
    return check_scores(frame)


SMALL = (
    "m,0,1,ACDC,007,0,ED,LV,FTN,0.9,1,0.8,",
    "m,0,1,ACDC,007,0,ED,MYO,FTN,0.6,2,0.4,",
    "m,0,1,ACDC,007,0,ED,RV,FTN,,,,both",
    "m,0,1,ACDC,007,0,ES,LV,FTN,0.0,300,0.0,prediction",
    "m,1,1,ACDC,007,0,ES,LV,FTN,0.0,300,0.0,label",
    "m,0,1,ACDC,007,0,ED,RV,FTN+STN,,,,both",
)


def test_set_scores_by_hand() -> None:
    means = set_scores(table(*SMALL))
    assert means[["repeat", "output", "rows", "scored"]].values.tolist() == [
        [0, "FTN", 4, 3],  # 0.9, 0.6 and 0; the undefined one is left out
        [0, "FTN+STN", 1, 0],
        [1, "FTN", 1, 1],
    ]
    np.testing.assert_allclose(means["dice"], [0.5, np.nan, 0.0])


def test_set_scores_of_the_other_metrics_by_hand() -> None:
    scores = table(*SMALL)
    np.testing.assert_allclose(set_scores(scores, "hd95_mm")["hd95_mm"], [101, np.nan, 300])
    np.testing.assert_allclose(set_scores(scores, "nsd_2mm")["nsd_2mm"], [0.4, np.nan, 0.0])


def test_no_mean_of_an_optional_metric_over_fewer_volumes() -> None:
    """Two files of one run's test set, of which one was written without NSD."""
    scores = table(*SMALL)
    scores.loc[1, "nsd_2mm"] = np.nan
    np.testing.assert_allclose(set_scores(scores, "nsd_2mm")["nsd_2mm"], [np.nan, np.nan, 0.0])


def test_absent_counts_by_hand() -> None:
    counts = by_set(table(*SMALL)).absent_counts
    assert counts.values.tolist() == [
        ["m", 0, "FTN", "ACDC", 0, 1, 1, 4],
        ["m", 0, "FTN+STN", "ACDC", 0, 0, 1, 1],
        ["m", 1, "FTN", "ACDC", 1, 0, 0, 1],
    ]
    assert counts.columns.tolist() == [
        *("method", "repeat", "output", "test_set", "label", "prediction", "both", "rows")
    ]


OLD_HEADER = ",".join(name for name in COLUMNS if name != "nsd_2mm")
OLD = "standard,1,40,ACDC,007,0,ED,LV,FTN,0.9,3.5,"


def test_file_without_nsd_is_read_and_joined(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(f"{OLD_HEADER}\n{OLD}\n", encoding="utf-8")
    old = read_scores(tmp_path / "old.csv")
    assert tuple(old.columns) == COLUMNS
    assert old["nsd_2mm"].isna().all()
    assert str(old["nsd_2mm"].dtype) == "float64"
    joined = read_scores([tmp_path / "old.csv", write(tmp_path / "new.csv", GOOD)])
    np.testing.assert_array_equal(joined["nsd_2mm"], [np.nan, 0.8])
    means = set_scores(joined, "nsd_2mm")
    assert means[["repeat", "scored"]].values.tolist() == [[0, 1], [1, 0]]
    np.testing.assert_array_equal(means["nsd_2mm"], [0.8, np.nan])
    # What was joined can be written and read again.
    joined.to_csv(tmp_path / "joined.csv", index=False)
    again = read_scores(tmp_path / "joined.csv")
    pd.testing.assert_frame_equal(again, joined, check_categorical=False)


@pytest.mark.parametrize("frame", ["ES", "frame01", "01", "ed"])
def test_frame_is_free_text(tmp_path: Path, frame: str) -> None:
    scores = read_scores(write(tmp_path / "s.csv", GOOD.replace("ED", frame), GOOD))
    assert scores["frame"].tolist() == [frame, "ED"]
    assert str(scores["frame"].dtype) == "category"


# Parquet


def test_parquet_is_the_same_table(tmp_path: Path) -> None:
    lines = [GOOD, GOOD.replace("LV,FTN,0.9,3.5,0.8,", "RV,FTN,,,,both"), GOOD.replace("007", "8")]
    scores = read_scores(write(tmp_path / "s.csv", *lines))
    write_parquet(scores, tmp_path / "s.parquet")
    pd.testing.assert_frame_equal(read_scores(tmp_path / "s.parquet"), scores)
    write_parquet(scores, tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "s.parquet").read_bytes()
    assert len(list(tmp_path.iterdir())) == 3
    other = write(tmp_path / "o.csv", GOOD.replace("standard", "other"))
    assert len(read_scores([tmp_path / "s.parquet", other])) == 4
    with pytest.raises(ScoreFileError, match="given twice"):
        read_scores([tmp_path / "s.parquet", tmp_path / "s.csv"])


def test_broken_parquet_is_named(tmp_path: Path) -> None:
    scores = read_scores(write(tmp_path / "s.csv", GOOD))
    path = tmp_path / "s.parquet"
    write_parquet(scores, path)
    whole = path.read_bytes()
    for content in (b"", b"PAR1", whole[: len(whole) // 2], whole[:-20] + b"x" * 20):
        path.write_bytes(content)
        with pytest.raises(ScoreFileError, match=r"s\.parquet: not a readable Parquet file"):
            read_scores(path)
    scores.drop(columns="dice").to_parquet(path)
    with pytest.raises(ScoreFileError, match=r"s\.parquet: no column dice"):
        read_scores(path)
    scores.assign(subject=7).to_parquet(path)
    with pytest.raises(ScoreFileError, match="so that 007 stays"):
        read_scores(path)
    with pytest.raises(ScoreFileError, match="no such file"):
        read_scores(tmp_path / "none.parquet")


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zip", "tar", "zst"])
def test_broken_compressed_files_are_named(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"s.csv.{ending}"
    broken = [b"nothing", b"(\xb5/\xfd" + bytes(40)]
    if ending not in ("tar", "zst"):  # the one is not compressed, the other needs a package
        table(*SMALL).to_csv(path, index=False)
        assert len(read_scores(path)) == len(SMALL)
        whole = path.read_bytes()
        middle = len(whole) // 2
        broken += [whole[:middle], whole[:middle] + bytes(8) + whole[middle + 8 :]]
    for content in broken:
        path.write_bytes(content)
        with pytest.raises(ScoreFileError, match=re.escape(path.name)):
            read_scores(path)


# Means


def drawn(values: list[float]) -> pd.DataFrame:
    rows = {
        "method": [f"m{n % 3}" for n in range(len(values))],
        "repeat": [n % 2 * 7 for n in range(len(values))],
        "dice": values,
    }
    return pd.DataFrame(rows).astype({"method": "category"})


@pytest.mark.slow
@given(
    st.lists(st.floats(0, 1) | st.floats(0, 1).map(lambda x: round(x, 6)), min_size=1, max_size=40),
    st.randoms(use_true_random=False),
)
def test_means_do_not_depend_on_the_order(values: list[float], random: object) -> None:
    """Not even in the last bit, and they are those of pandas."""
    table = drawn(values)
    order = list(range(len(values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    group = ["method", "repeat"]
    means = ScoreGroups.of(table, group).means("dice")
    pd.testing.assert_frame_equal(
        ScoreGroups.of(table.iloc[order], group).means("dice"), means, check_exact=True
    )
    expected = table.groupby(group, observed=True)["dice"].agg(["mean", "size", "count"])
    np.testing.assert_allclose(means["mean"], expected["mean"], rtol=1e-12)
    assert means["rows"].to_list() == expected["size"].to_list()
    assert list(zip(means["method"], means["repeat"], strict=True)) == expected.index.to_list()


def test_sums_of_six_decimals_are_exact() -> None:
    """0.1 + 0.2 is 0.30000000000000004 in floats."""
    means = ScoreGroups.of(drawn([0.1, 0.0, 0.0, 0.2]), ["method"]).means("dice")
    assert means.loc[0, "mean"] == 0.15 and (0.1 + 0.2) / 2 != 0.15


def test_undefined_values_are_counted_and_left_out() -> None:
    means = ScoreGroups.of(drawn([np.nan, 0.5, np.nan, 0.3]), ["method"]).means("dice")
    assert means["scored"].to_list() == [1, 1, 0] and means["rows"].to_list() == [2, 1, 1]
    assert means["mean"].to_list()[:2] == [0.3, 0.5] and np.isnan(means["mean"].iloc[2])
