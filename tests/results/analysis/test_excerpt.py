"""Many methods, or test sets: what is shown of them, and that memory does not grow with squares."""

import numpy as np
import pandas as pd
import pytest

from results.analysis.comparison import Comparison
from results.analysis.excerpt import excerpt
from results.analysis.ranking import kendall_tau, rank_over_sets, rank_over_subjects
from results.figures.report_figures import report_figures
from results.figures.style import figure_notes
from results.page.content import PageTable
from results.page.render import _rows
from results.scores.score_table import check_scores
from results.tables.report_tables import main_table, report_tables

MOST, SHOWN_SETS, AGREEMENT_METHODS = 4, 3, 2
"""In the place of 60, 24 and 12, so that little has to be drawn."""


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("analysis.excerpt", "analysis.ranking", "tables.report_tables"):
        monkeypatch.setattr(f"results.{module}.MOST", MOST)
    monkeypatch.setattr("results.analysis.excerpt.SHOWN_SETS", SHOWN_SETS)
    monkeypatch.setattr("results.figures.report_figures.AGREEMENT_METHODS", AGREEMENT_METHODS)


HISTORY = pd.DataFrame(columns=["method", "repeat", "step", "loss", "validation_iou"])


def scores(methods: int, sets: int) -> pd.DataFrame:
    """Method m-001 is better than m-002, and so on; the reference is the worst."""
    names = ["standard", *(f"m-{number:03d}" for number in range(1, methods))]
    rows = [
        (name, 0, 1, f"Set {one:03d}", f"{subject:03d}", 0, frame, "LV", "FTN", dice, 2.0, "", *ml)
        for place, name in enumerate(names)
        for one in range(sets)
        for subject in range(3)
        for frame, ml in (("ED", (100.0, 90.0 + place / 10)), ("ES", (50.0, 55.0)))
        for dice in [round(0.9 - 0.002 * (place or methods) - 0.01 * subject, 6)]
    ]
    columns = (
        "method repeat seed test_set subject draw frame structure output dice hd95_mm absent "
        "label_ml prediction_ml"
    )
    return check_scores(pd.DataFrame(rows, columns=columns.split()))


def comparison(methods: int, sets: int, *, all_pairs: bool = False) -> Comparison:
    return Comparison(
        scores=scores(methods, sets), name="many", reference="standard", all_pairs=all_pairs
    )


def test_the_best_and_the_reference_are_shown() -> None:
    many = comparison(MOST + 5, 1).excerpt
    best = [f"m-{number:03d}" for number in range(1, MOST + 1)]
    assert list(many.best) == best
    assert many.hidden_methods == {f"m-{number:03d}" for number in range(MOST + 1, MOST + 5)}
    assert f"{MOST} best of {MOST + 5} methods" in many.notes[0]


def test_all_are_shown_where_there_is_room() -> None:
    few = comparison(4, 2).excerpt
    assert not few.hidden_methods and not few.hidden_sets and not few.notes


def test_methods_that_lack_sets_come_last() -> None:
    rows = [("FTN", "X", f"m{n}", "1", 0.5) for n in range(MOST + 1)]
    rows += [("FTN", "Y", f"m{n}", "1", 0.5) for n in range(1, MOST + 1)]
    frame = pd.DataFrame(rows, columns=["output", "test_set", "method", "subject", "dice"])
    frame.loc[frame["method"] == "m0", "dice"] = 0.9
    assert excerpt(frame, "FTN", ["X", "Y"], "m1").hidden_methods == {"m0"}


def test_figures_of_many_methods_say_whom_they_show() -> None:
    many = comparison(MOST + 5, 1)
    figures = {one.stem: one.figure for one in report_figures(many, HISTORY)}
    assert {"scores", "heatmap", "differences", "bland-altman"} <= set(figures)
    for stem in ("scores", "heatmap", "differences"):
        labels = [label.get_text() for label in figures[stem].axes[0].get_yticklabels()]
        assert len(labels) == MOST + (stem != "differences")  # from the reference itself
        assert f"{MOST} best of {MOST + 5}" in figure_notes(figures[stem])[0]
    assert len(figures["bland-altman"].axes) == 3 * (AGREEMENT_METHODS + 1)
    assert f"{AGREEMENT_METHODS} best" in figure_notes(figures["bland-altman"])[0]


def test_tables_hold_all_and_the_page_a_part() -> None:
    many = comparison(MOST + 5, 1)
    table = main_table(many, "FTN")
    assert len(table.mean) == MOST + 5
    shown = PageTable("dice-ftn", "Dice", table, (), many.excerpt)
    assert len(_rows(shown)) == MOST + 1
    assert f"{MOST + 1} of {MOST + 5} rows" in shown.part
    assert not PageTable("dice-ftn", "Dice", table, ()).part


def test_of_many_sets_the_first_are_on_the_page() -> None:
    many = comparison(2, MOST + 3)
    table = main_table(many, "FTN")
    shown = PageTable("dice-ftn", "Dice", table, (), many.excerpt)
    hidden = {f"Set {number:03d}" for number in range(SHOWN_SETS, MOST + 3)}
    assert many.excerpt.hidden_sets == hidden == set(table.headers) - set(shown.columns)
    assert {len(row["parts"]) for row in _rows(shown)} == {len(shown.columns)}


def test_of_many_sets_the_first_are_written_to_be_read_and_all_as_csv() -> None:
    many = {table.stem: table for table in report_tables(comparison(2, MOST + 3))}
    every, shown = ([f"Set {n:03d}" for n in range(count)] for count in (MOST + 3, SHOWN_SETS))
    for stem in ("dice-ftn", "comparison-ftn"):
        texts = many[stem].renderings()
        assert [name for name in every if name in texts[f"{stem}.csv"]] == every
        rows = "".join(line for line in texts[f"{stem}.md"].splitlines() if line.startswith("|"))
        assert [name for name in every if name in rows] == shown
        told = [
            f"the first {SHOWN_SETS} of {MOST + 3}" in " ".join(text.split())
            for text in texts.values()
        ]
        assert dict(zip(texts, told, strict=True)) == {
            name: name in (f"{stem}.md", f"{stem}.txt", f"{stem}.tex") for name in texts
        }


def test_pairs_of_many_methods_are_written_as_csv_alone() -> None:
    many = {table.stem: table for table in report_tables(comparison(MOST + 1, 1, all_pairs=True))}
    assert list(many["pairs-ftn"].renderings()) == ["pairs-ftn.csv"]
    assert "dice-ftn.md" in many["dice-ftn"].renderings()


def test_ranks_of_many_methods_are_kept_of_the_best_and_the_reference() -> None:
    subjects = comparison(MOST + 9, 2).subjects
    for ranking in (
        rank_over_subjects(subjects, "FTN", {}, keep=["standard"]),
        rank_over_sets(subjects, "FTN", keep=["standard"]),
    ):
        assert ranking is not None
        assert len(ranking.shares) == MOST + 1 and len(ranking.leads) == MOST + 9
        assert ranking.shares.at["m-001", 1] == ranking.alone["m-001"] == 1.0
        assert ranking.shares.at["standard", MOST + 9] == 1.0
        assert ranking.tau == (1.0, 1.0, 1.0)
        assert f"Ranks among {MOST + 9} methods" in ranking.notes({})[0]


@pytest.mark.parametrize("ties", [2, 40, 10_000])
def test_tau_of_many_is_that_of_all_pairs(ties: int) -> None:
    generator = np.random.default_rng(0)
    ranks = generator.integers(0, ties, (3, 80)).astype(float)
    order = generator.integers(0, ties, 80).astype(float)
    first, second = np.triu_indices(80, k=1)
    rows = np.sign(ranks[:, first] - ranks[:, second])
    one = np.sign(order[first] - order[second])
    expected = rows @ one / np.sqrt((rows**2).sum(axis=1) * (one**2).sum())
    np.testing.assert_allclose(kendall_tau(ranks, order), expected, atol=1e-12)
