"""The common style of all figures: colours, type, phantom mark, notes, saved files."""

import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from benchmark.core.files import whole_file
from results.wording import PHANTOM_MARK

PALETTE = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"),
    *("#003C2D", "#965AFF", "#C3E196", "#4B0F5A", "#783C0F", "#4B00A5"),
)
"""Twelve colours that are distinct for all kinds of colour vision.

The first six are Okabe and Ito's, without black and the pale yellow. The others are as far as
possible from these and from each other in CIELAB, for full colour vision and for vision without one
kind of cones (Machado et al., IEEE TVCG 2009). Colours repeat from the thirteenth on, so methods
also need a name, a marker or a position.
"""

EDGE = 0.1
"""Free space at the border of a figure, in inches."""

NOTES = "notes"
"""Identifier of the notes among the texts of a figure."""

NOTE_SIZE = 5.8
"""Type size of the notes below a figure, in points."""

NOTE_LINE = 0.11
"""Height of a line of notes, in inches."""

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "text.parse_math": False,  # print a "$" in a name as "$"
    "pdf.fonttype": 42,  # keep text as text; journals refuse Type 3 fonts
}


@contextmanager
def styled() -> Iterator[None]:
    """Context with the style for drawing a figure."""
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # `lacking_letters`
        yield


def lacking_letters(texts: Iterable[str]) -> str:
    """The characters of these texts that figures show as boxes, since their font lacks them."""
    font = matplotlib.font_manager.get_font(matplotlib.font_manager.findfont(_STYLE["font.family"]))
    known = font.get_charmap()
    return "".join(dict.fromkeys(c for text in texts for c in text if ord(c) not in known))


def colours(methods: Sequence[str]) -> dict[str, str]:
    """The colour of each method, by its place among all compared methods."""
    return dict(zip(methods, cycle(PALETTE), strict=False))


def wrapped_notes(notes: Sequence[str], width: float) -> list[str]:
    """The lines of the notes below a figure of ``width`` inches."""
    letters = int((width - 2 * EDGE) / 0.0435)
    return [line for note in notes for line in textwrap.wrap(note, letters)]


def write_notes(figure: Figure, lines: Sequence[str]) -> None:
    """Write lines of `wrapped_notes` at the foot; each takes `NOTE_LINE` inches."""
    width, height = figure.get_size_inches()
    figure.text(
        EDGE / width,
        (EDGE + NOTE_LINE * len(lines)) / height,
        "\n".join(lines),
        va="top",
        fontsize=NOTE_SIZE,
        color="0.25",
        linespacing=1.25,
        gid=NOTES,
    )


def figure_notes(figure: Figure) -> tuple[str, float]:
    """The text from `write_notes` in one line, and its height at the foot in inches."""
    for text in figure.texts:
        if text.get_gid() == NOTES and text.get_text():
            lines = text.get_text().splitlines()
            return " ".join(lines), EDGE + NOTE_LINE * len(lines)
    return "", 0.0


def mark_phantom(figure: Figure) -> None:
    """Write the phantom mark over a figure; it takes 0.22 inches of height, 5.2 of width."""
    figure.text(
        0.5,
        1 - 0.08 / figure.get_size_inches()[1],
        PHANTOM_MARK,
        ha="center",
        va="top",
        fontsize=8,
        fontweight="bold",
        color="white",
        bbox={"facecolor": "#B22222", "edgecolor": "none", "pad": 2.5},
    )


def text_width(canvas: FigureCanvasAgg, text: str) -> float:
    """Width of a label in inches."""
    artist = canvas.figure.text(0, 0, text)
    width = artist.get_window_extent(canvas.get_renderer()).width / canvas.figure.dpi
    artist.remove()
    return float(width)


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write `stem`.png (200 dpi) for screens and `stem`.pdf for print; returns both paths.

    Only the PNG has the notes below the figure; in print, they are part of the caption (see
    `results.figures.print`). Fonts are embedded. The same figure gives the same bytes: no date or
    version is written. Each file is written whole or not at all. The folder is made if needed.
    """
    width, height = figure.get_size_inches()
    _, foot = figure_notes(figure)
    without_notes = Bbox.from_extents(0, max(0.0, foot - EDGE / 4), width, height)
    written = []
    for kind, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
        target = stem.with_name(f"{stem.name}.{kind}")  # with_suffix would cut "v1.2" to "v1"
        with whole_file(target) as partial, styled():
            figure.savefig(
                partial,
                format=kind,
                dpi=200,
                metadata=metadata,
                bbox_inches=without_notes if kind == "pdf" else None,
            )
        written.append(target)
    return written
