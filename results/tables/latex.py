"""Write tables in LaTeX for a given width, as a float and as plain tabulars."""

from collections.abc import Collection, Sequence

from results.tables.latex_layout import POINTS_PER_MM, WIDTHS, ColumnText, Layout, fit
from results.tables.latex_text import latex_text
from results.tables.mean_table import Cell, MeanTable
from results.tables.render import all_notes, lead_names
from results.wording import PHANTOM_MARK

DEFAULT_WIDTH = WIDTHS["lncs"]


def latex_table(
    table: MeanTable,
    *,
    caption: str,
    notes: Sequence[str] = (),
    label: str | None = None,
    width: float = DEFAULT_WIDTH,
    left_out: Collection[str] = (),
) -> str:
    r"""A float for `\usepackage{booktabs}`, no wider than ``width``; the spread is under its mean.

    All text is escaped. The phantom mark is part of the caption, so that it cannot be lost in
    typesetting. A table that is too wide is set in smaller type, then in blocks below each other.
    Widths are computed for Computer Modern in the sizes that the float sets.

    Args:
        table: the numbers.
        caption: caption of the float.
        notes: notes below the table, after its own.
        label: goes into ``\label`` as it is.
        width: width of the table and its notes, in mm.
        left_out: notes that print does not need.
    """
    layout = _fitted(table, width)
    mark = rf"\textbf{{{latex_text(PHANTOM_MARK)}.}} " if table.phantom else ""
    shown = [note for note in all_notes(table, notes, bold=True) if note not in left_out]
    kind = "table" if width < WIDTHS["lncs"] else "table*"
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}; for letters not Latin or Greek, XeLaTeX or LuaLaTeX",
            rf"\begin{{{kind}}}[t]",
            r"\centering",
            rf"\caption{{{mark}{latex_text(caption)}}}",
            *([rf"\label{{{label}}}"] if label else []),
            _type(layout.setting.size),
            rf"\setlength{{\tabcolsep}}{{{layout.setting.space:g}pt}}",
            *_tabulars(table, layout),
            "",
            r"\smallskip",
            rf"\begin{{minipage}}{{{width:g}mm}}",
            rf"{_type(7)}\raggedright",
            *(latex_text(note) + r"\par" for note in shown),
            r"\end{minipage}",
            rf"\end{{{kind}}}",
            "",
        ]
    )


def latex_tabular(table: MeanTable, *, width: float = DEFAULT_WIDTH) -> str:
    r"""Only the tabulars of `latex_table`, for ``\input`` in your own float.

    Args:
        table: the numbers.
        width: largest width in mm, at the type size that the tabulars set.
    """
    layout = _fitted(table, width)
    return "\n".join(
        [
            rf"% needs \usepackage{{booktabs}}; fits {width:g} mm",
            *([f"% {PHANTOM_MARK}"] if table.phantom else []),
            r"\begingroup%",
            _type(layout.setting.size) + "%",
            rf"\setlength{{\tabcolsep}}{{{layout.setting.space:g}pt}}\setlength{{\parindent}}{{0pt}}%",
            *_tabulars(table, layout, marked=table.phantom),
            r"\endgroup",
            "",
        ]
    )


def _fitted(table: MeanTable, width: float) -> Layout:
    names = lead_names(table)
    leads = [[name, *_leads(table, place)] for place, name in enumerate(names)]
    columns = [
        ColumnText(header, [_cell_text(row[place]) for row in table.cells])
        for place, header in enumerate(table.headers.values())
    ]
    return fit(leads, columns, width * POINTS_PER_MM - 1)  # one point for kerning


def _leads(table: MeanTable, place: int) -> list[str]:
    return [(table.titles[method], *further)[place] for method, *further in table.keys]


def _cell_text(cell: Cell) -> tuple[str, str, bool]:
    """Mean with mark, spread, and whether the mean is bold."""
    spread = cell.spread.replace("±", "± ").replace("-", "−")
    return cell.mean.replace("-", "−") + cell.mark, spread, cell.best


def _tabulars(table: MeanTable, layout: Layout, *, marked: bool = False) -> list[str]:
    """A tabular for each block of columns."""
    lines: list[str] = []
    for number, block in enumerate(layout.blocks):
        if number:
            lines += [r"\par\smallskip"]
        lines += _tabular(table, layout, block, marked=marked)
    return lines


def _tabular(table: MeanTable, layout: Layout, block: Sequence[int], *, marked: bool) -> list[str]:
    names = lead_names(table)
    heads = [_stacked([latex_text(line) for line in layout.headers[place]]) for place in block]
    lines = [rf"\begin{{tabular}}{{@{{}}{'l' * len(names)}{'r' * len(heads)}@{{}}}}", r"\toprule"]
    if marked:
        mark = rf"\textbf{{{latex_text(PHANTOM_MARK)}}}"
        lines.append(rf"\multicolumn{{{len(names) + len(heads)}}}{{@{{}}l@{{}}}}{{{mark}}} \\")
    lines += [" & ".join([*map(latex_text, names), *heads]) + r" \\", r"\midrule"]
    small = _type(layout.setting.small)
    rows = [_leads(table, place) for place in range(len(names))]
    for number, cells in enumerate(table.cells):
        leads = [
            _lead(column[number], wide) for column, wide in zip(rows, layout.leads, strict=True)
        ]
        means = [_mean(cells[place]) for place in block]
        lines.append(" & ".join([*leads, *means]) + r" \\")
        spreads = [_cell_text(cells[place])[1] for place in block]
        if any(spreads):
            below = (f"{{{small} {latex_text(text)}}}" if text else "" for text in spreads)
            lines.append(" & ".join([*[""] * len(leads), *below]).strip() + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _lead(text: str, width: float | None) -> str:
    """The name of a row; long names are broken into lines of this width in points."""
    if width is None:
        return latex_text(text)
    return rf"\parbox[t]{{{width:.1f}pt}}{{\raggedright {latex_text(text)}\strut}}"


def _mean(cell: Cell) -> str:
    mean = latex_text(cell.mean.replace("-", "−"))
    if cell.best or cell.second:
        mean = rf"\{'textbf' if cell.best else 'underline'}{{{mean}}}"
    return mean + latex_text(cell.mark)


def _stacked(lines: Sequence[str]) -> str:
    broken = r"\\".join(lines)
    return broken if len(lines) == 1 else rf"\shortstack[r]{{{broken}}}"


def _type(size: float) -> str:
    return rf"\fontsize{{{size:g}}}{{{size * 1.2:.1f}}}\selectfont"
