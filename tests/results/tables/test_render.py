import io
import re
from collections.abc import Callable

import pandas as pd
import pytest

from results.scores.score_table import check_scores
from results.tables.latex import latex_table
from results.tables.poster_table import PosterTable, poster_table
from results.tables.render import csv_table, markdown_table, text_table
from results.wording import PHANTOM_MARK

Renderer = Callable[..., str]
RENDERERS: list[Renderer] = [text_table, markdown_table, latex_table, csv_table]
CAPTION = "Dice on M&Ms, 100 % of it."
NOTES = ["Data: ACDC_prepared, commit abc1234.", "Run with --phantom."]
TITLES = {"standard": "Standard training", "my_net": "my_net #2 [50%]"}


def table(*, phantom: bool = False, repeats: int = 2) -> PosterTable:
    """ACDC 0.5, 0.6 against 0.6, 0.7; M&Ms for the first method only."""
    rows = [
        (method, repeat, 1, test_set, "007", 0, "ED", "LV", output, first + 0.1 * repeat, 2.0, "")
        for method, test_set, first in (
            *(("standard", "ACDC", 0.5), ("standard", "M&Ms", 0.3), ("my_net", "ACDC", 0.6)),
        )
        for output in ("FTN", "FTN+STN")
        for repeat in range(repeats)
    ]
    names = "method repeat seed test_set subject draw frame structure output dice hd95_mm absent"
    scores = check_scores(pd.DataFrame(rows, columns=names.split()))
    return poster_table(scores, titles=TITLES, phantom=phantom)


@pytest.mark.parametrize("render", RENDERERS)
def test_phantom_mark_is_there_exactly_when_it_is_one(render: Renderer) -> None:
    assert PHANTOM_MARK in render(table(phantom=True), caption=CAPTION)
    assert "phantom:" not in render(table(), caption=CAPTION).lower()


@pytest.mark.parametrize("render", RENDERERS)
def test_caption_and_notes_are_there(render: Renderer) -> None:
    plain = re.sub(r"\\|\{\}|\n(# |  )?", " ", render(table(), caption=CAPTION, notes=NOTES))
    words = " ".join(plain.split()).replace(" %", "%").replace(" _", "_").replace(" &", "&")
    assert "100% of it." in words
    assert "commit abc1234." in words
    assert "over 2 repeats" in words
    assert "count as Dice 0: 0 of 12 structure scores" in words


def test_text_shows_mean_over_spread_and_missing() -> None:
    lines = text_table(table(), caption=CAPTION).splitlines()
    (row,) = [place for place, line in enumerate(lines) if line.startswith("Standard training")]
    assert lines[row].split()[2:6] == ["0.5500", "0.3500", "missing", "missing"]
    assert lines[row + 1].split() == ["±0.0707"] * 4  # ACDC, M&Ms and the two averages
    assert "0.6500" in lines[row + 2]


@pytest.mark.slow
def test_text_is_bold_only_when_asked() -> None:
    assert "\x1b" not in text_table(table(), caption=CAPTION)
    bold = text_table(table(), caption=CAPTION, ansi=True)
    assert "\x1b[1m0.6500\x1b[0m" in bold
    assert bold.count("\x1b[1m") == 1
    stripped = re.sub(r"\x1b\[\d+m", "", bold)
    note = "- Bold: highest mean of the column at the printed precision.\n"
    assert stripped.replace(note, "") == text_table(table(), caption=CAPTION)


def test_markdown_table() -> None:
    text = markdown_table(table(), caption=CAPTION, notes=NOTES)
    rows = [[c.strip() for c in line.split(" |")] for line in text.splitlines() if line[:1] == "|"]
    assert len({len(row) for row in rows if not row[0].startswith("|:")}) == 1
    assert rows[0][-2] == r"AVG (FTN+STN)\*"
    assert rows[2][1:3] == ["0.5500 ± 0.0707", "0.3500 ± 0.0707"]
    assert rows[3][:3] == [r"| my\_net #2 \[50%\]", "**0.6500** ± 0.0707", "missing"]
    assert r"ACDC\_prepared" in text


def test_latex_table_is_escaped_and_well_formed() -> None:
    text = latex_table(table(), caption=CAPTION, notes=NOTES, label="tab:dice")
    assert r"\caption{Dice on M\&Ms, 100 \% of it.}" in text
    assert r"\label{tab:dice}" in text
    assert r"my\_net \#2 {[}50\%{]} & \textbf{0.6500} & missing" in text
    small = r"{\fontsize{7}{8.4}\selectfont $\pm$ 0.0707}"
    assert rf"& {small} & {small} &  &" in text
    assert "-{}-phantom" in text
    assert "±" not in text
    body = text.split(r"\toprule")[1].split(r"\bottomrule")[0]
    rows = [line for line in body.splitlines() if line.endswith(r" \\")]
    assert len(rows) == 5
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {8}
    assert text.count("{") == text.count("}")
    begun, ended = (re.findall(rf"\\{word}{{(.*?)}}", text) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    assert not re.search(r"(?<!\\)[#_%]", text.split("\n", 1)[1])


def test_latex_escapes_every_special_character() -> None:
    text = latex_table(table(), caption=r"\ ~ ^ { } $ < > | --- ±")
    (caption,) = re.findall(r"\\caption\{(.*)\}", text)
    assert caption == (
        r"\textbackslash{} \textasciitilde{} \textasciicircum{} \{ \} \$ $<$ $>$ $|$ -{}-{}- $\pm$"
    )


def test_csv_reads_back_at_full_precision() -> None:
    source = table(phantom=True)
    text = csv_table(source, caption=CAPTION, notes=NOTES)
    frame = pd.read_csv(io.StringIO(text), comment="#")
    assert list(frame) == ["method", "title", "column", "mean", "sd", "n_repeats", "phantom"]
    assert frame["title"].unique().tolist() == list(TITLES.values())
    assert frame["phantom"].all()
    wide = frame.pivot(index="method", columns="column", values="mean")
    expected = source.mean.loc[wide.index, wide.columns]
    pd.testing.assert_frame_equal(wide, expected, check_names=False, check_exact=True)
    missing = frame[(frame["method"] == "my_net") & (frame["column"] == "M&Ms")].iloc[0]
    assert pd.isna(missing["mean"])
    assert missing["n_repeats"] == 0


@pytest.mark.parametrize("render", [text_table, markdown_table, latex_table])
def test_single_repeat_prints_only_the_mean(render: Renderer) -> None:
    text = render(table(repeats=1), caption=CAPTION)
    assert "±" not in text
    assert r"\pm" not in text
    assert "One repeat per method" in text
