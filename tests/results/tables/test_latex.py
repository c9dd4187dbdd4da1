"""Tables for print: as wide as they may be, by LaTeX itself where there is one, else by measure."""

import shutil
import string
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.analysis.comparison import Comparison
from results.analysis.robustness import CorruptedSets, Corruption
from results.scores.score_table import check_scores
from results.tables.latex import latex_table, latex_tabular
from results.tables.latex_layout import (
    POINTS_PER_MM,
    SETTINGS,
    WIDTHS,
    ColumnText,
    break_header,
    fit,
)
from results.tables.latex_text import latex_text, text_width
from results.tables.report_tables import NamedTable, report_tables
from results.wording import PHANTOM_MARK

MEASURED = Path(__file__).parents[3] / "results" / "measured" / "acdc-compact" / "scores.parquet"
TITLES = {
    "standard": "Standard training",
    "proposed": "Proposed w. X,p with β = ½ and a title & that is rather long",
    "rand-mwm": "Rand MWM",
}


pytestmark = pytest.mark.xdist_group("latex")
"""What these share is made once."""


@pytest.fixture(scope="module")
def tables() -> list[NamedTable]:
    """All tables of the measured scores, one of the rows with a long title."""
    scores = check_scores(pd.read_parquet(MEASURED))
    scores = scores[scores["method"].isin(["standard", "proposed", "adv-bias", "rand-mwm"])]
    sets = sorted(set(scores["test_set"].astype(str)))
    kinds = {name: Corruption(name) for name in sets if name != "ACDC"}
    return list(
        report_tables(
            Comparison(
                scores=scores,
                name="acdc-compact",
                reference="standard",
                titles=TITLES,
                recipes={"acdc-c": CorruptedSets(kinds)},
                cohorts=dict.fromkeys(sets, "ACDC"),
                notes=("Trained by a commit.", "A note for print."),
                origins=("Trained by a commit.",),
            ),
            compare_poster=True,
        )
    )


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
@pytest.mark.parametrize("width", WIDTHS.values())
@pytest.mark.parametrize("bare", [False, True], ids=["float", "bare"])
def test_every_table_compiles_without_an_overfull_box(
    tables: list[NamedTable], width: float, bare: bool, tmp_path: Path
) -> None:
    """The bare ones as a user puts them in, without a word on their size."""
    parts = []
    for table in tables:
        texts = table.renderings(width=width)
        text = texts[f"{table.stem}-tabular.tex" if bare else f"{table.stem}.tex"]
        parts += [rf"\noindent {text}" if bare else text, r"\clearpage"]
    page = f"paperwidth={width + 40}mm,paperheight=900mm,textwidth={width}mm,textheight=860mm"
    lines = [r"\documentclass[10pt]{article}", r"\usepackage{booktabs}"]
    lines += [rf"\usepackage[{page}]{{geometry}}", r"\begin{document}", *parts, r"\end{document}"]
    (tmp_path / "all.tex").write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "multiply defined" not in done.stdout


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
@pytest.mark.parametrize("size", [8.0, 7.0, 6.0])
def test_widths_are_those_of_latex(size: float, tmp_path: Path) -> None:
    """None is measured narrower than it is, and none by much wider."""
    texts = ["0.7097", "RandGhosting", "Proposed w. X,p", "[−0.0123, 0.0456]", "± 0.0178"]
    texts += [string.ascii_letters, "0.5569⁺", "β ≤ 50 %"]
    lines = [r"\documentclass{article}", r"\begin{document}", r"\newdimen\w"]
    lines.append(rf"\fontsize{{{size:g}}}{{10}}\selectfont")
    for text in texts:
        lines.append(rf"\setbox0=\hbox{{{latex_text(text)}}}\typeout{{W=\the\wd0}}")
    (tmp_path / "w.tex").write_text("\n".join([*lines, r"\end{document}"]), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "w.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    widths = [float(line[2:-2]) for line in done.stdout.splitlines() if line.startswith("W=")]
    assert len(widths) == len(texts)
    for text, width in zip(texts, widths, strict=True):
        assert width - 0.5 <= text_width(text, size) <= width * 1.15 + 1, text


@pytest.mark.slow
@given(
    st.lists(st.text(string.ascii_letters + " ", min_size=1, max_size=40), min_size=1, max_size=3),
    st.lists(st.integers(1, 25), min_size=1, max_size=14),
    st.sampled_from(list(WIDTHS.values())),
)
def test_whatever_stands_in_it_a_block_fits_or_is_one_column(
    leads: list[str], digits: list[int], width: float
) -> None:
    columns = [ColumnText(f"Set{n}", [("9" * n, "", False)]) for n in digits]
    points = width * POINTS_PER_MM
    layout = fit([leads], columns, points)
    assert [place for block in layout.blocks for place in block] == list(range(len(digits)))
    for block, wide in zip(layout.blocks, layout.widths, strict=True):
        assert wide <= points or len(block) == 1
    assert len(layout.blocks) == 1 or layout.setting not in SETTINGS


def test_headers_are_broken_where_words_end() -> None:
    assert break_header("RandGhosting", 27, 8) == ["Rand", "Ghosting"]
    assert break_header("AVG (FTN+STN)*", 27, 8) == ["AVG", "(FTN+", "STN)*"]
    assert break_header("M&Ms", 5, 8) == ["M&Ms"]
    assert break_header("p (Holm)", 100, 8) == ["p (Holm)"]


def test_print_does_without_where_numbers_come_from(tables: list[NamedTable]) -> None:
    texts = tables[0].renderings(left_out=("Trained by a commit.",))
    assert "Trained by a commit." not in texts["dice-ftn.tex"]
    assert "A note for print." in texts["dice-ftn.tex"]
    assert r"\label{tab:dice-ftn}" in texts["dice-ftn.tex"]
    assert "Trained by a commit." in texts["dice-ftn.md"]
    bare = texts["dice-ftn-tabular.tex"]
    assert "table" not in bare.replace("tabular", "").replace("tabcolsep", "")
    assert r"\caption" not in bare and bare.count(r"\begin{tabular}") >= 1


def test_the_phantom_is_marked_in_a_bare_tabular_too(tables: list[NamedTable]) -> None:
    table = replace(tables[0].table, phantom=True)
    mark = latex_text(PHANTOM_MARK)
    assert rf"\textbf{{{mark}}}}} \\" in latex_tabular(table)
    assert mark in latex_table(table, caption="c")


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        *(("β", r"$\beta$"), ("Λ", r"$\Lambda$"), ("λ", r"$\lambda$"), ("ς", r"$\sigma$")),
        *(("Α", "A"), ("ο", "o"), ("é", "é"), ("10 ≤ x²", r"10 $\leq$ x$^{2}$")),
    ],
)
def test_letters_and_signs(text: str, latex: str) -> None:
    assert latex_text(text) == latex
