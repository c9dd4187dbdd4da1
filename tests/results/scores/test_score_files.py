"""Score files that would take memory or time out of proportion."""

import gzip
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.core.errors import ScoreFileError
from results.scores.score_files import MAX_COLUMNS, MAX_LINE
from results.scores.score_table import COLUMNS, MAX_NAME, read_scores, write_parquet

HEADER = ",".join(COLUMNS)
GOOD = "standard,0,40,ACDC,007,0,ED,LV,FTN,0.9,3.5,0.8,,,,,,"


@pytest.mark.parametrize("further", [MAX_COLUMNS + 1 - len(COLUMNS), 1_000_000])
def test_a_file_of_many_columns_is_refused_by_its_header(further: int, tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    names = ",".join(f"x{number}" for number in range(further))
    path.write_text(f"{HEADER},{names}\n{GOOD}{',' * further}\n")
    with pytest.raises(ScoreFileError, match=r"s\.csv: its header has .* 18 columns"):
        read_scores(path)


def test_further_columns_within_the_bound_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(f"mine,{HEADER},more\n1,{GOOD},2\n")
    assert tuple(read_scores(path).columns) == COLUMNS
    path.write_text(f"mine,{HEADER},more\n1,{GOOD},2\n1,{GOOD},2,3\n")
    with pytest.raises(ScoreFileError, match="not a readable CSV"):
        read_scores(path)


def test_a_column_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(f"{HEADER},dice\n{GOOD},0.1\n")
    with pytest.raises(ScoreFileError, match="has the column dice twice"):
        read_scores(tmp_path / "s.csv")


@pytest.mark.slow
def test_a_small_file_that_unpacks_to_gigabytes_takes_little_memory(tmp_path: Path) -> None:
    """In a process that may hold 2 GiB in all."""
    path = tmp_path / "s.csv.gz"
    rows = gzip.compress(f"{GOOD}\n".encode() * 400_000)  # 20 MB of rows in 60 kB
    path.write_bytes(gzip.compress(f"{HEADER}\n".encode()) + rows * 300)
    assert path.stat().st_size < 2**25
    code = (
        "import sys; from results.scores.score_table import read_scores\n"
        "try: read_scores(sys.argv[1])\nexcept Exception as e: print(type(e).__name__, e)"
    )
    limit = 2 * 2**30
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        env={"COOPBENCH_MAX_SCORE_BYTES": str(2**24), "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.startswith("ScoreFileError"), done.stderr
    assert "unpacks to more than 16777216 bytes; split it, or set COOPBENCH_MAX" in done.stdout


def test_a_cell_of_megabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(f"{HEADER}\n{GOOD.replace('007', 'x' * 30_000_000)}\n")
    with pytest.raises(ScoreFileError, match=f"a line of more than {MAX_LINE} bytes"):
        read_scores(path)
    path.write_text(f"{HEADER}\n{GOOD.replace('007', 'x' * (MAX_NAME + 1))}\n")
    with pytest.raises(ScoreFileError, match="a subject has a name of 1001 characters"):
        read_scores(path)
    path.write_text(f"{HEADER}\n{GOOD.replace('007', 'x' * MAX_NAME)}\n")
    assert len(read_scores(path)) == 1


def test_a_parquet_file_of_more_scores_than_the_bound_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n{GOOD.replace('LV', 'RV')}\n")
    write_parquet(read_scores(path), tmp_path / "s.parquet")
    assert len(read_scores(tmp_path / "s.parquet")) == 2
    monkeypatch.setenv("COOPBENCH_MAX_SCORES", "1")
    with pytest.raises(ScoreFileError, match="holds 2 scores, more than 1; split it, or set"):
        read_scores(tmp_path / "s.parquet")
    monkeypatch.setenv("COOPBENCH_MAX_SCORES", "many")
    with pytest.raises(ScoreFileError, match="COOPBENCH_MAX_SCORES=many: give a whole number"):
        read_scores(tmp_path / "s.parquet")
