"""How a table is set to a width: size of type, space between columns, headers in lines, blocks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from results.tables.latex_text import text_width

POINTS_PER_MM = 72.27 / 25.4
WIDTHS = {"column": 86.0, "lncs": 122.0, "page": 178.0}
"""In mm, what these have at least: a column of a page with two columns (IEEE, Elsevier), the text
of Springer's LNCS (MICCAI), and all of a page with two columns."""

LEAD_SHARES = (0.4, 0.25)
"""Of the width, at most, that what names a row takes; longer names are broken into lines."""


class Setting(NamedTuple):
    """Points of the type, of the spreads under the means, and on either side of a column."""

    size: float
    small: float
    space: float


SETTINGS = (Setting(8, 7, 3), Setting(8, 7, 2), Setting(7, 6, 2.5), Setting(7, 6, 1.5))
"""From the most legible to the smallest; what fits none of them is set in several blocks."""

BLOCKS = Setting(8, 7, 2.5)

_BREAKS = r"(?<=[a-z])(?=[A-Z])|(?<=[+/-])(?=\w)|(?<=\s)(?=\S)|(?<=\w)(?=\()"
"""Where a header may be broken: between words, also as in RandBias, and behind + / -."""


class ColumnText(NamedTuple):
    """What stands in a column: its header, and cells with what is below them; bold or not."""

    header: str
    cells: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True)
class Layout:
    """How a table is set.

    Attributes:
        setting: sizes and spaces.
        leads: the width of each column that names rows, in points; None: as wide as it is.
        blocks: the columns by number, in blocks that stand below each other.
        headers: of each column, in lines.
        widths: of the blocks, in points.
    """

    setting: Setting
    leads: tuple[float | None, ...]
    blocks: tuple[tuple[int, ...], ...]
    headers: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]


def fit(leads: Sequence[Sequence[str]], columns: Sequence[ColumnText], width: float) -> Layout:
    """Lay a table out.

    Args:
        leads: by column that names rows, its header and cells.
        columns: of the numbers.
        width: in points.
    """
    # Wider than that without a letter in it: no setting is to be tried, and measured.
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
    """The width at which names are broken: the share, or that of the longest word; None: not."""
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
