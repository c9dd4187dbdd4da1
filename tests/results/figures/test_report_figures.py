"""The figures of a report: what is drawn, that all of it is seen, and the same each time."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from benchmark.core.errors import ScoreFileError
from results.analysis.comparison import Comparison
from results.analysis.ranking import Ranking
from results.analysis.robustness import CorruptedSets, Corruption
from results.figures.curves import read_histories, training_figure
from results.figures.gain import gain_figure, gains
from results.figures.heatmap import heat_figure
from results.figures.ranks import rank_alt, rank_figure
from results.figures.report_figures import NamedFigure, report_figures
from results.figures.severity import severity_curves, severity_figure
from results.figures.style import save_figure
from results.page.summary import summary
from results.scores.score_table import check_scores
from results.tables.report_tables import main_table, report_tables
from results.wording import PHANTOM_MARK

NAMES = ("standard", "a$b_1$", "<i>odd</i>", "A rather long title of a method", *"efghijkl")
GRADED = CorruptedSets({f"Noise-{s}": Corruption("Noise", s) for s in (1, 2, 3)})
SETS = ("ACDC", "RandBias", "A further set with a long name", *GRADED.corruptions)


def scores(methods: int, outputs: tuple[str, ...] = ("FTN", "FTN+STN")) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = [
        (name, 0, 1, test_set, f"{subject:03d}", 0, "ED", "LV", output, dice, 2.0, "")
        for place, name in enumerate(NAMES[:methods])
        for test_set in SETS
        for subject in range(7)
        for output in outputs
        for dice in [round(rng.uniform(0.5, 0.9) - 0.03 * place, 6)]
    ]
    columns = "method repeat seed test_set subject draw frame structure output dice hd95_mm absent"
    return check_scores(pd.DataFrame(rows, columns=columns.split()))


def comparison(methods: int, *, phantom: bool = False) -> Comparison:
    return Comparison(
        scores=scores(methods),
        name="tests",
        reference="standard",
        recipes={"mr-c": GRADED},
        graded=frozenset(GRADED.corruptions),
        phantom=phantom,
        notes=("Trained on crude hearts.",),
    )


def history(methods: int) -> pd.DataFrame:
    steps = np.arange(10, 110, 10)
    return pd.concat(
        pd.DataFrame(
            {
                "method": name,
                "repeat": 0,
                "step": steps,
                "loss": 2.0 / steps,
                "validation_iou": np.where(steps % 50 == 0, steps / 200, np.nan),
            }
        )
        for name in NAMES[:methods]
    )


@pytest.mark.slow
@pytest.mark.parametrize("methods", [1, 2, 12])
def test_everything_is_within_the_figure(methods: int) -> None:
    for named in report_figures(comparison(methods, phantom=True), history(methods)):
        drawn = named.figure.get_tightbbox(FigureCanvasAgg(named.figure).get_renderer())
        width, height = named.figure.get_size_inches()
        assert drawn.x0 >= 0 and drawn.y0 >= 0, named.stem
        assert drawn.x1 <= width and drawn.y1 <= height, named.stem


@pytest.mark.parametrize("spread", [0.001, 0.013, 0.03, 0.15, 0.18, 0.2643, 0.5, 0.9])
def test_tick_labels_of_neighbours_do_not_touch(spread: float) -> None:
    rows = [
        (test_set, "m", f"{subject:03d}", output, 0.5 + sign * spread / 2 * (1 - subject))
        for test_set in SETS
        for subject in range(3)
        for output, sign in (("FTN", -1), ("FTN+STN", 1))
    ]
    columns = ["test_set", "method", "subject", "output", "dice"]
    figure = gain_figure(pd.DataFrame(rows, columns=columns))
    assert figure is not None
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    labels = [label for ax in figure.axes for label in ax.get_xticklabels() if label.get_text()]
    boxes = [label.get_window_extent(renderer) for label in labels]
    assert len(boxes) == 2 * len(SETS)
    for left, right in pairwise(sorted(boxes, key=lambda box: box.x0)):
        assert left.x1 + 1 < right.x0


@pytest.fixture(scope="module")
def figures() -> dict[str, NamedFigure]:
    found = report_figures(comparison(4, phantom=True), history(4))
    return {named.stem: named for named in found}


def test_all_are_there_marked_and_described(figures: dict[str, NamedFigure]) -> None:
    assert list(figures) == [
        "scores",
        "heatmap",
        "gain",
        "differences",
        "ranks",
        "severity",
        "training",
    ]
    for named in figures.values():
        texts = [text.get_text() for text in named.figure.texts]
        assert PHANTOM_MARK in texts, named.stem
        assert any("Trained on crude hearts." in text for text in texts), named.stem
        assert len(named.alt) > 40 and "nan" not in named.alt


@pytest.mark.slow
@pytest.mark.parametrize("output", ["FTN", "FTN+STN"])
def test_one_output_alone(output: str) -> None:
    given = comparison(3)
    one = replace(given, scores=given.scores[given.scores["output"] == output])
    found = {named.stem: named for named in report_figures(one, history(3))}
    assert set(found) >= {"scores", "heatmap", "ranks", "severity"}
    assert output in found["heatmap"].caption
    tables = [named.stem for named in report_tables(one, compare_poster=True)]
    assert tables[0] == f"dice-{output.lower().replace('+', '-')}"


@pytest.mark.slow
def test_methods_that_share_no_subject_have_a_report() -> None:
    given = comparison(2)
    names = given.scores["subject"].astype(str)
    other = given.scores["method"] == "standard"
    scores = given.scores.assign(subject=names.where(other, "patient" + names))
    apart = replace(given, scores=check_scores(scores))
    assert "ranks" not in [named.stem for named in report_figures(apart, history(2))]
    (main, *_) = report_tables(apart)
    assert any("Not tested, since no subject" in line for line in main.table.notes)
    assert any("not all methods, repeats and outputs" in line for line in main.table.notes)
    assert not any("No method differs" in line for line in summary(apart))


def test_the_words_of_the_ranks_are_of_their_method() -> None:
    """'b' is more often first than 'a', whose mean rank is better."""
    shares = pd.DataFrame(
        {1: [0.4, 0.5, 0.1], 2: [0.6, 0.0, 0.4], 3: [0.0, 0.5, 0.5]}, index=["a", "b", "c"]
    )
    ranking = Ranking("subjects", shares, (0.4, -1.0, 1.0), ("ACDC",), (), shares[1], shares[1])
    assert "a has the best mean rank and is first in 40%" in rank_alt({"FTN": [ranking]})


@pytest.mark.slow
def test_same_figure_same_bytes(tmp_path: Path) -> None:
    def write(folder: Path) -> dict[str, bytes]:
        for named in report_figures(comparison(3), history(3)):
            save_figure(named.figure, folder / named.stem)
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    assert write(tmp_path / "one") == write(tmp_path / "two")


def test_gain_is_paired_by_subject() -> None:
    whole = comparison(2).subjects
    found = gains(whole).set_index(["test_set", "method", "subject"])["gain"]
    by_hand = whole.set_index(["output", "test_set", "method", "subject"])["dice"]
    key = ("RandBias", "standard", "004")
    assert found[key] == pytest.approx(by_hand["FTN+STN", *key] - by_hand["FTN", *key])
    figure = gain_figure(whole)
    assert figure is not None
    low, high = figure.axes[0].get_xlim()
    assert low == -high  # the line of no gain is in the middle


def test_one_output_has_no_gain() -> None:
    both = comparison(3).subjects
    partly = both[~((both["method"] == "a$b_1$") & (both["output"] == "FTN+STN"))]
    figure = gain_figure(partly)
    assert figure is not None
    assert any("so not here: a$b_1$" in t.get_text().replace("\n", " ") for t in figure.texts)
    assert gain_figure(both[both["output"] == "FTN"]) is None


def test_severity_starts_at_the_clean_set() -> None:
    given = comparison(2)
    curves = severity_curves(given.scores, GRADED)
    rows = curves[(curves["method"] == "standard") & (curves["output"] == "FTN")]
    assert list(rows["severity"]) == [0, 1, 2, 3]
    own = given.scores.query("method == 'standard' and output == 'FTN'")
    expected = own.groupby("test_set", observed=True)["dice"].mean()
    names = ["ACDC", "Noise-1", "Noise-2", "Noise-3"]
    np.testing.assert_allclose(rows["mean"], expected[names])
    assert (rows["low"] < rows["mean"]).all() and (rows["mean"] < rows["high"]).all()
    figure = severity_figure(curves)
    assert figure is not None
    drawn = [line.get_ydata() for line in figure.axes[0].lines]
    assert any(np.allclose(values, rows["mean"]) for values in drawn)


def test_a_kind_without_a_shared_subject_in_one_output_has_an_empty_place() -> None:
    sets = {"Noise-1": Corruption("Noise", 1), "RandBias": Corruption("Blur", 1)}
    given = scores(2)
    apart = (given["test_set"] == "Noise-1") & (given["output"] == "FTN")
    apart &= given["method"] == "standard"
    names = given["subject"].astype(str)
    given = check_scores(given.assign(subject=names.where(~apart, "x" + names)))
    curves = severity_curves(given, CorruptedSets(sets))
    assert (curves["subjects"] == 7).all()
    figure = severity_figure(curves)
    assert figure is not None
    shown = {ax.get_title(): ax.get_visible() for ax in figure.axes if ax.get_title()}
    assert shown == {
        "Blur · FTN": True, "Noise · FTN": False, "Blur · FTN+STN": True, "Noise · FTN+STN": True
    }  # fmt: skip
    assert any("over the 7 subjects that every method has" in t.get_text() for t in figure.texts)


def test_nothing_graded_nothing_drawn() -> None:
    flat = CorruptedSets({"RandBias": Corruption("RandBias")})
    assert severity_figure(severity_curves(scores(2), flat)) is None


def test_rank_areas_are_the_shares() -> None:
    shares = pd.DataFrame({1: [0.7, 0.3], 2: [0.3, 0.7]}, index=["standard", "b"])
    ranking = Ranking(
        "subjects", shares, (0.4, -1.0, 1.0), ("ACDC", "RandBias"), (), shares[1], shares[1]
    )
    figure = rank_figure({"FTN": [ranking]})
    assert figure is not None
    dots = [group for group in figure.axes[0].collections if hasattr(group, "get_sizes")]
    areas = np.concatenate([group.get_sizes() for group in dots if len(group.get_offsets()) == 2])
    np.testing.assert_allclose(areas / areas.sum() * 2, [0.7, 0.3, 0.3, 0.7])
    assert rank_figure({}) is None


def test_heat_map_prints_the_table() -> None:
    table = main_table(comparison(3))
    figure = heat_figure(table)
    printed = {text.get_text() for ax in figure.axes for text in ax.texts}
    for number in table.mean.dropna(axis=1, how="all").to_numpy().ravel():
        assert f"{number:.3f}" in printed


def test_missing_cell_is_named_in_the_heat_map() -> None:
    given = comparison(3)
    gap = (given.scores["method"] == "standard") & (given.scores["test_set"] == "RandBias")
    figure = heat_figure(main_table(replace(given, scores=given.scores[~gap])))
    words = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert words.count("missing") == 3  # the set, and both averages
    assert all("nan" not in word for word in words)


def test_curves_are_the_history(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("step,segmentation,validation_iou\n10,1.0,\n20,0.5,0.3\n30,0.25,0.2\n")
    read = read_histories({("standard", 0): path})
    assert list(read["loss"]) == [1.0, 0.5, 0.25]
    figure = training_figure(read)
    assert figure is not None
    loss, score = figure.axes[:2]
    assert list(loss.lines[0].get_xdata()) == [10, 20, 30]
    assert list(score.lines[0].get_ydata()) == [0.3, 0.2]
    assert score.lines[1].get_xdata() == [20]  # the best
    assert training_figure(read_histories({})) is None


@pytest.mark.parametrize(
    "content", ["", "step,loss\n1,2\n", "step,segmentation,validation_iou\na,b,c\n"]
)
def test_broken_history_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "history.csv"
    path.write_text(content)
    with pytest.raises(ScoreFileError, match=r"history.csv: is not a history"):
        read_histories({("standard", 0): path})
