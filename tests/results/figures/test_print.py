"""Figures for print: colours that all tell apart, no caption drawn in, fonts embedded."""

import re
import zlib
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from results.analysis.comparison import Comparison
from results.figures.panels import row_panels
from results.figures.print import latex_figure
from results.figures.report_figures import report_figures
from results.figures.scores import score_figure
from results.figures.style import PALETTE, save_figure, styled
from results.scores.score_table import check_scores
from results.wording import PHANTOM_MARK

VISION = {
    "full": np.eye(3),
    "without red cones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "without green cones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "without blue cones": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
"""On linear RGB, of Machado et al., IEEE TVCG 2009, at full severity."""


def lab(colour: str, vision: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB (D65) of a colour in hexadecimal, as it is seen."""
    value = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = to_xyz @ np.clip(vision @ linear, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def scores() -> pd.DataFrame:
    rows = [
        ("mine", 0, 1, "ACDC", f"{n:03d}", 0, "ED", "LV", "FTN", 0.5 + 0.01 * n, 2.0, "")
        for n in range(5)
    ]
    columns = "method repeat seed test_set subject draw frame structure output dice hd95_mm absent"
    return check_scores(pd.DataFrame(rows, columns=columns.split()))


@pytest.mark.parametrize("vision", VISION)
def test_twelve_colours_are_told_apart(vision: str) -> None:
    """A difference of 2.3 is just noticeable; on thin lines it takes several times as much."""
    assert len(set(PALETTE)) == 12
    seen = [lab(colour, VISION[vision]) for colour in PALETTE]
    least = min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))
    assert least > 15


def pdf_text(path: Path) -> bytes:
    """A PDF with its streams unpacked."""
    content = path.read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, flags=re.DOTALL)
    unpacked = []
    for stream in streams:
        try:
            unpacked.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return content + b"".join(unpacked)


def test_a_pdf_is_without_the_notes_and_with_its_fonts(tmp_path: Path) -> None:
    figure = score_figure(scores(), notes=["A note that print has in the caption."], phantom=True)
    _, pdf = save_figure(figure, tmp_path / "scores")
    content = pdf_text(pdf)
    assert b"/FontFile2" in content and b"/Type3" not in content
    (box,) = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", content)
    width, height = figure.get_size_inches() * 72
    assert float(box[0]) == pytest.approx(width, abs=1)
    assert float(box[1]) < height - 20  # the lines of notes are cut off
    text = latex_figure(figure, "scores", "Dice of 50% & more", phantom=True)
    assert "A note that print has in the caption." in text
    assert r"Dice of 50\% \& more" in text and PHANTOM_MARK in text.replace(r"\_", "_")
    assert r"{scores.pdf}" in text and r"\label{fig:scores}" in text
    assert figure.get_size_inches()[1] * 72 == height  # as it was, for the page


def test_panels_fit_a_page_of_two_columns() -> None:
    names = [f"RandCorruption{n}" for n in range(9)]
    with styled():
        axes = row_panels(
            ["Standard training"], names, [""], quantity="Dice", footer=[], phantom=False
        )
    figure = axes[0][0].get_figure()
    assert figure is not None
    assert figure.get_figure(root=True).get_size_inches()[0] <= 7.01


@pytest.mark.slow
def test_a_heatmap_of_one_cell_is_not_drawn() -> None:
    alone = scores().query("test_set == 'ACDC'")
    comparison = Comparison(scores=alone, name="one", reference="mine")
    history = pd.DataFrame(columns=["method", "repeat", "step", "loss", "validation_iou"])
    stems = {figure.stem for figure in report_figures(comparison, history)}
    assert "scores" in stems
    assert "heatmap" not in stems  # nor with its average, which is the same number
