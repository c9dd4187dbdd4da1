"""Write tables of means over repeats as text, Markdown and CSV; `latex` writes them for print.

Every rendering carries its caption, the table's own notes, the caller's notes (data, preset,
commit, metric implementation) and, for scores of synthetic hearts, the phantom mark.
"""

import csv
import io
import math
import re
import textwrap
from collections.abc import Callable, Sequence

from tabulate import tabulate

from results.tables.mean_table import Cell, MeanTable
from results.wording import PHANTOM_MARK


def text_table(
    table: MeanTable, *, caption: str, notes: Sequence[str] = (), ansi: bool = False
) -> str:
    """Plain text, the spread under its mean; `ansi` marks the best in bold for a terminal.

    Leave `ansi` off for a file or a pipe: the output then holds no control characters.
    """

    def cell(cell: Cell) -> str:
        mean = f"{cell.mean}{cell.mark}"
        if ansi and (cell.best or cell.second):
            mean = f"\x1b[{1 if cell.best else 4}m{mean}\x1b[0m"
        return f"{mean}\n{cell.spread}" if cell.spread else mean

    grid = tabulate(
        _rows(table, cell, str),
        headers=[
            *lead_names(table),
            *(name.replace(" (", "\n(") for name in table.headers.values()),
        ],
        tablefmt="simple",
        disable_numparse=True,
        colalign=_alignment(table),
    )
    width = max(79, max(len(line) for line in grid.splitlines() if "\x1b" not in line))
    lines = [PHANTOM_MARK] if table.phantom else []
    lines += textwrap.wrap(caption, width)
    lines += ["", grid, ""]
    for note in all_notes(table, notes, bold=ansi):
        lines += textwrap.wrap(note, width, initial_indent="- ", subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def markdown_table(table: MeanTable, *, caption: str, notes: Sequence[str] = ()) -> str:
    """A pipe table, best in bold, notes as a list below."""

    def cell(cell: Cell) -> str:
        mean = f"{_markdown(cell.mean)}{cell.mark}"
        if cell.best or cell.second:
            mean = f"**{mean}**" if cell.best else f"<u>{mean}</u>"
        return f"{mean} {_markdown(cell.spread.replace('±', '± '))}" if cell.spread else mean

    grid = tabulate(
        _rows(table, cell, _markdown),
        headers=[*lead_names(table), *(_markdown(header) for header in table.headers.values())],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=_alignment(table),
    )
    blocks = [f"**{PHANTOM_MARK}**"] if table.phantom else []
    blocks += [_markdown(caption), grid]
    blocks += ["\n".join(f"- {_markdown(note)}" for note in all_notes(table, notes, bold=True))]
    return "\n\n".join(blocks) + "\n"


def csv_table(table: MeanTable, *, caption: str, notes: Sequence[str] = ()) -> str:
    """Long CSV at full precision: method, title, column, mean, sd, n_repeats, phantom.

    Further names of rows (`output`) follow the title. If the table has them, `low`, `high` and
    `mark` come before the last column, and `word` for columns of words, whose mean is empty. A
    missing mean or spread is an empty field. Caption and notes stand above as lines that begin with
    `#`: read it with `pandas.read_csv(path, comment="#")`. The column `phantom` stays with the
    numbers when those lines are cut off.
    """
    out = io.StringIO()
    lines = [PHANTOM_MARK] if table.phantom else []
    for line in [*lines, caption, *all_notes(table, notes, bold=False)]:
        out.write(f"# {' '.join(line.split())}\n")
    # Quote text, so that '#' in a method's title does not start a comment.
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    further = {"low": table.low, "high": table.high, "mark": table.marks}
    given = {name: frame for name, frame in further.items() if frame is not None}
    names = ["method", "title", *table.further]
    word = ["word"] if table.words else []
    writer.writerow([*names, "column", "mean", "sd", "n_repeats", *given, *word, "phantom"])
    phantom = str(table.phantom).lower()
    frames = [table.mean, table.sd, table.repeats, *given.values()]
    values = (frame.to_numpy().tolist() for frame in frames)
    for (method, *others), *rows in zip(table.keys, *values, strict=True):
        for column, *cells in zip(table.headers, *rows, strict=True):
            fields = [None if isinstance(x, float) and math.isnan(x) else x for x in cells]
            if table.words:
                words, number = table.words.get(column), fields[0]
                fields.append(None if words is None or number is None else words[int(number)])
                fields[0] = number if words is None else None
            writer.writerow([method, table.titles[method], *others, column, *fields, phantom])
    return out.getvalue()


def _rows(
    table: MeanTable, cell: Callable[[Cell], str], escape: Callable[[str], str]
) -> list[list[str]]:
    """The rows as text, beginning with the row's names."""
    return [
        [*(escape(lead) for lead in (table.titles[method], *further)), *map(cell, cells)]
        for (method, *further), cells in zip(table.keys, table.cells, strict=True)
    ]


def lead_names(table: MeanTable) -> list[str]:
    """The headers of the columns with rows' names."""
    return ["Method", *(name.capitalize() for name in table.further)]


def _alignment(table: MeanTable) -> list[str]:
    return ["left"] * len(lead_names(table)) + ["right"] * len(table.headers)


def all_notes(table: MeanTable, notes: Sequence[str], *, bold: bool) -> list[str]:
    """The table's own notes, a note on bold cells, and the caller's notes."""
    shown = [table.best_note] if bold and table.best_note else []
    return [*table.notes, *shown, *notes]


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]~])", r"\\\1", " ".join(text.split()))
