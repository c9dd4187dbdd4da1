"""Score files are read in parts; where they are parted changes nothing."""

from pathlib import Path

import pandas as pd
import pytest

from benchmark.core.errors import ScoreFileError
from benchmark.speed.report import StudySize, join, write_study
from results.scores import score_files
from results.scores.score_table import read_scores


@pytest.fixture
def path(tmp_path: Path) -> Path:
    join(write_study(tmp_path / "runs", StudySize(2, 1, 2, 3)), tmp_path / "scores.csv")
    return tmp_path / "scores.csv"


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 7, 36, 143, 144, 145])
def test_parts_are_the_whole(path: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_scores(path)
    monkeypatch.setattr(score_files, "CHUNK", rows)
    pd.testing.assert_frame_equal(read_scores(path), whole)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("structure", "5", "structure is '5' in data row 100"),
        ("dice", "x", "dice is 'x' in data row 100"),
        ("repeat", "0.5", "repeat is '0.5' in data row 100"),
        ("subject", "", "subject is '' in data row 100"),
        ("dice", "0.5,,,,,,,,,,,", "more fields than the header|Expected"),
    ],
)
@pytest.mark.parametrize("rows", [7, 99, 100, 1000])
def test_a_broken_row_is_named_wherever_it_is(
    path: Path, rows: int, column: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = path.read_text().splitlines()
    cells = lines[100].split(",")
    cells[lines[0].split(",").index(column)] = value
    lines[100] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(score_files, "CHUNK", rows)
    with pytest.raises(ScoreFileError, match=said):
        read_scores(path)


def test_a_score_that_stands_in_two_parts_is_found(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[3]]) + "\n")
    monkeypatch.setattr(score_files, "CHUNK", 50)
    with pytest.raises(ScoreFileError, match="given twice"):
        read_scores(path)
