"""Fit a table to a width: type size, space between columns, broken headers, blocks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from results.tables.latex_text import text_width

POINTS_PER_MM = 72.27 / 25.4
WIDTHS = {"column": 86.0, "lncs": 122.0, "page": 178.0}
"""Smallest widths in mm: a column of a two-column page (IEEE, Elsevier), the text of Springer's
LNCS (MICCAI), and a whole two-column page."""

LEAD_SHARES = (0.4, 0.25)
"""Largest shares of the width for rows' names; longer names are broken into lines."""


class Setting(NamedTuple):
    """Sizes in points: of the type, of the spreads under the means, of the space beside a
    column."""

    size: float
    small: float
    space: float


SETTINGS = (Setting(8, 7, 3), Setting(8, 7, 2), Setting(7, 6, 2.5), Setting(7, 6, 1.5))
"""Settings from the largest to the smallest; a table that fits none is set in several blocks."""

BLOCKS = Setting(8, 7, 2.5)

_BREAKS = r"(?<=[a-z])(?=[A-Z])|(?<=[+/-])(?=\w)|(?<=\s)(?=\S)|(?<=\w)(?=\()"
"""Where a header may be broken: between words, also as in RandBias, and after + / -."""


class ColumnText(NamedTuple):
    """The text of a column: its header, and cells with the text below them and whether they are
    bold."""

    header: str
    cells: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True)
class Layout:
    """The layout of a table.

    Attributes:
        setting: sizes and spaces.
        leads: width of each column with rows' names, in points; None: its natural width.
        blocks: the numbers of the columns in each block; blocks are below each other.
        headers: the lines of each column's header.
        widths: widths of the blocks, in points.
    """

    setting: Setting
    leads: tuple[float | None, ...]
    blocks: tuple[tuple[int, ...], ...]
    headers: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]


def fit(leads: Sequence[Sequence[str]], columns: Sequence[ColumnText], width: float) -> Layout:
    """Lay a table out.

    Args:
        leads: for each column with rows' names, its header and cells.
        columns: the columns with numbers.
        width: width in points.
    """
    # If the spaces alone are too wide, no setting can fit.
    least = len(columns) * 2 * min(setting.space for setting in SETTINGS)
    for setting in SETTINGS if least <= width else ():
        for share in LEAD_SHARES:
            layout = _lay_out(leads, columns, width, setting, share)
            if len(layout.blocks) == 1:
                return layout
    return _lay_out(leads, columns, width, BLOCKS, LEAD_SHARES[0])


def _lay_out(
    leads: Sequence[Sequence[str]],
    columns: Sequence[ColumnText],
    width: float,
    setting: Setting,
    share: float,
) -> Layout:
    gap = 2 * setting.space
    allowed = width * share / max(1, len(leads))
    set_to = tuple(_broken(lead, allowed, setting.size) for lead in leads)
    led = -gap
    for lead, broken in zip(leads, set_to, strict=True):
        led += gap + (broken or max(text_width(text, setting.size) for text in lead))
    headers, wides = [], []
    for column in columns:
        cells = max((_cell_width(cell, setting) for cell in set(column.cells)), default=0.0)
        lines = break_header(column.header, cells, setting.size)
        headers.append(tuple(lines))
        wides.append(max(cells, *(text_width(line, setting.size) for line in lines)))
    blocks: list[list[int]] = [[]]
    taken = [led]
    for number, wide in enumerate(wides):
        if blocks[-1] and taken[-1] + gap + wide > width:
            blocks.append([])
            taken.append(led)
        blocks[-1].append(number)
        taken[-1] += gap + wide
    return Layout(setting, set_to, tuple(map(tuple, blocks)), tuple(headers), tuple(taken))


def _broken(lead: Sequence[str], share: float, size: float) -> float | None:
    """The width to break names at: the share, or the longest word; None: do not break."""
    if max(text_width(text, size) for text in lead) <= share:
        return None
    return max(share, *(text_width(word, size) for text in lead for word in text.split()))


def _cell_width(cell: tuple[str, str, bool], setting: Setting) -> float:
    main, below, bold = cell
    return max(text_width(main, setting.size, bold=bold), text_width(below, setting.small))


def break_header(header: str, target: float, size: float) -> list[str]:
    """A header in lines no wider than ``target`` points, or than its longest unbreakable part."""
    pieces = re.split(_BREAKS, header)
    room = max(target, *(text_width(piece.strip(), size) for piece in pieces))
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if text_width((lines[-1] + piece).strip(), size) <= room:
            lines[-1] += piece
        else:
            lines.append(piece)
    return [line.strip() for line in lines]
