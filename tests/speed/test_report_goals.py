"""The studies that reports are timed on, and the table of the goals."""

from pathlib import Path

import pytest

from benchmark.speed import tables
from benchmark.speed.report import StudySize, join, write_study
from benchmark.speed.report_goals import GOALS, Taken
from results.scores.score_table import read_scores


@pytest.mark.slow
@pytest.mark.parametrize("size", [StudySize(400, 1, 1, 1), StudySize(2, 1, 40, 1)])
def test_drawn_studies_are_valid_and_as_large_as_said(size: StudySize, tmp_path: Path) -> None:
    join(write_study(tmp_path / "runs", size), tmp_path / "scores.csv")
    scores = read_scores(tmp_path / "scores.csv")
    assert len(scores) == size.rows
    assert scores["method"].nunique() == size.methods
    assert list(scores["test_set"].cat.categories) == sorted(size.titles)


def test_goals_are_of_the_sizes_that_they_are_said_of() -> None:
    sizes = {case.name: case.size.rows for case in GOALS}
    assert sizes["many scores"] == 8_100_000 and sizes["as results/measured"] == 65_520


def test_a_goal_that_is_missed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {
        "many methods": Taken(99.0, 30.0, 1.5, ()),
        "many test sets": Taken(1.0, 31.0, 0.1, ()),
        "many scores": Taken(1.0, 1.0, 2.1, ()),
        "as results/measured": Taken(1.0, 5.0, 50.0, ()),
    }
    sizes = {str(case.size): case.name for case in GOALS}
    monkeypatch.setattr(tables, "take_apart", lambda size: taken[sizes[str(size)]])
    rows = {
        cells[1].strip(): cells[-2].strip()
        for line in tables.bench_report(None).splitlines()
        if len(cells := line.split("|")) > 3
    }
    assert [rows[name] for name in taken] == ["yes", "no", "no", "yes"]
