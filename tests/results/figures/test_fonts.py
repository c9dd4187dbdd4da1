"""Names that the font lacks letters for, and places where matplotlib cannot write."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from results.figures.style import lacking_letters, save_figure, styled, text_width


def test_letters_that_the_font_lacks_are_named_once() -> None:
    assert lacking_letters(["Ж é ± ‡ $x^2$", "M&Ms"]) == ""
    assert lacking_letters(["中文 a", "文中"]) == "中文"


def test_a_name_without_letters_is_drawn_in_silence(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = Figure(figsize=(1, 1))
        with styled():
            assert text_width(FigureCanvasAgg(figure), "中文") > 0
            figure.text(0, 0, "中文 $\\frac{")
        save_figure(figure, tmp_path / "a")


@pytest.mark.slow
def test_caches_that_cannot_be_written_are_not_complained_of() -> None:
    nowhere = "/proc/none"
    environment = os.environ | {
        "MPLCONFIGDIR": nowhere,
        "HOME": nowhere,
        "XDG_CACHE_HOME": nowhere,
        "XDG_CONFIG_HOME": nowhere,
    }
    done = subprocess.run(
        [sys.executable, "-c", "import results.figures.style, benchmark.corrupted_sets.preview"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
