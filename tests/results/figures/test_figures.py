import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from benchmark.core.errors import ScoreFileError
from results.figures.scores import score_figure
from results.figures.style import save_figure
from results.scores.score_table import check_scores, subject_scores
from results.wording import PHANTOM_MARK

METHODS = ["standard", "a$b$"]
SETS = ["Extra", "M&Ms", "ACDC"]


def scores(missing: tuple[str, str] | None = None) -> pd.DataFrame:
    rows = [
        (method, repeat, 1, name, subject, 0, frame, "LV", output, dice, 2.0, "")
        for method in METHODS
        for name in SETS
        if (method, name) != missing
        for repeat in (0, 1)
        for frame in ("ED", "ES")
        for output in ("FTN", "FTN+STN")
        for subject, dice in (("007", 0.4 + 0.2 * repeat), ("008", 0.9), ("009", 0.7))
    ]
    names = "method repeat seed test_set subject draw frame structure output dice hd95_mm absent"
    return check_scores(pd.DataFrame(rows, columns=names.split()))


def texts(figure: Figure) -> list[str]:
    own = [text.get_text() for text in figure.texts]
    return own + [text.get_text() for ax in figure.axes for text in ax.texts]


def boxes(figure: Figure) -> list[int]:
    return [sum(patch.get_gid() == "box" for patch in ax.patches) for ax in figure.axes]


@pytest.mark.slow
def test_one_box_per_method_and_set_in_table_order() -> None:
    figure = score_figure(scores(), titles={"standard": "Standard training"})
    assert boxes(figure) == [2] * 6
    assert [ax.get_title() for ax in figure.axes[:3]] == ["ACDC", "M&Ms", "Extra"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["Standard training", "a$b$"]
    points = [
        np.shape(group.get_offsets())[0] for ax in figure.axes for group in ax.collections[::3]
    ]
    assert points == [3] * 12


def test_missing_method_is_marked_in_its_place() -> None:
    figure = score_figure(scores(missing=("a$b$", "M&Ms")))
    assert boxes(figure) == [2, 1, 2, 2, 1, 2]
    assert texts(figure).count("missing") == 2
    assert any("No scores for RandBias" in text for text in texts(figure))


def test_phantom_mark_and_notes_are_drawn() -> None:
    figure = score_figure(scores(), phantom=True, notes=["commit abc1234"])
    assert PHANTOM_MARK in texts(figure)
    assert any("commit abc1234" in text for text in texts(figure))
    assert PHANTOM_MARK not in texts(score_figure(scores()))


def test_subject_is_the_unit() -> None:
    means = subject_scores(scores())
    row = means[(means["subject"] == "007") & (means["test_set"] == "ACDC")].iloc[0]
    assert row["dice"] == pytest.approx(0.5)  # repeats 0.4 and 0.6, two frames each
    assert len(means) == 2 * 3 * 2 * 3


@pytest.mark.slow
def test_saved_files_are_whole_and_the_same_each_time(tmp_path: Path) -> None:
    first = save_figure(score_figure(scores(), phantom=True), tmp_path / "new" / "dice.v1")
    again = save_figure(score_figure(scores(), phantom=True), tmp_path / "dice.v1")
    assert [path.name for path in first] == ["dice.v1.png", "dice.v1.pdf"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        *("dice.v1.pdf", "dice.v1.png")
    ]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert first[1].read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in first[1].read_bytes()


def test_settings_and_pyplot_are_left_alone(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    save_figure(score_figure(scores()), tmp_path / "dice")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.slow
def test_results_imports_nothing_of_training() -> None:
    code = (
        "import sys, results.figures.scores, results.tables.render;"
        "import results.tables.robustness_table;"
        "print([m for m in sys.modules if m in ('torch', 'torchio', 'matplotlib.pyplot')"
        " or m.startswith('benchmark.') and not m.startswith('benchmark.core')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_to_draw_is_an_error() -> None:
    empty = scores()
    empty["dice"] = float("nan")
    with pytest.raises(ScoreFileError, match="nothing to draw"):
        score_figure(empty)


def test_a_remark_marks_its_rows_and_is_printed_below() -> None:
    figure = score_figure(scores(), remarks={"standard": "has seen spikes"})
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["a$b$", "standard‡"]
    assert any("‡ standard: has seen spikes." in text for text in texts(figure))
