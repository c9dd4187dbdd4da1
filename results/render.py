"""The poster's table for the terminal, Markdown, LaTeX and CSV.

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

from results.table import DECIMALS, MISSING, PHANTOM_MARK, PosterTable

_BOLD_NOTE = "Bold: highest mean of the column at the printed precision."


def text_table(
    table: PosterTable, *, caption: str, notes: Sequence[str] = (), ansi: bool = False
) -> str:
    """Plain text, the spread under its mean; `ansi` marks the best in bold for a terminal.

    Leave `ansi` off for a file or a pipe: the output then holds no control characters.
    """

    def cell(mean: str, sd: str, best: bool) -> str:
        mean = f"\x1b[1m{mean}\x1b[0m" if best and ansi else mean
        return f"{mean}\n±{sd}" if sd else mean

    grid = tabulate(
        _rows(table, cell, str),
        headers=["Method", *(header.replace(" (", "\n(") for header in table.headers.values())],
        tablefmt="simple",
        disable_numparse=True,
        colalign=["left", *["right"] * len(table.headers)],
    )
    width = max(79, max(len(line) for line in grid.splitlines() if "\x1b" not in line))
    lines = [PHANTOM_MARK] if table.phantom else []
    lines += textwrap.wrap(caption, width)
    lines += ["", grid, ""]
    for note in _notes(table, notes, bold=ansi):
        lines += textwrap.wrap(note, width, initial_indent="- ", subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def markdown_table(table: PosterTable, *, caption: str, notes: Sequence[str] = ()) -> str:
    """A pipe table, best in bold, notes as a list below."""

    def cell(mean: str, sd: str, best: bool) -> str:
        mean = f"**{mean}**" if best else mean
        return f"{mean} ± {sd}" if sd else mean

    grid = tabulate(
        _rows(table, cell, _markdown),
        headers=["Method", *(_markdown(header) for header in table.headers.values())],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=["left", *["right"] * len(table.headers)],
    )
    blocks = [f"**{PHANTOM_MARK}**"] if table.phantom else []
    blocks += [_markdown(caption), grid]
    blocks += ["\n".join(f"- {_markdown(note)}" for note in _notes(table, notes, bold=True))]
    return "\n\n".join(blocks) + "\n"


def latex_table(
    table: PosterTable, *, caption: str, notes: Sequence[str] = (), label: str | None = None
) -> str:
    r"""A `table*` float for `\usepackage{booktabs}`; the spread stands under its mean.

    All text is escaped; `label` goes into `\label` as it is. The phantom mark is part of the
    caption, so that it cannot be lost in typesetting.
    """
    means = _rows(table, lambda mean, sd, best: rf"\textbf{{{mean}}}" if best else mean, _latex)
    spreads = _rows(table, lambda mean, sd, best: rf"$\pm$ {sd}" if sd else "", lambda title: "")
    body = []
    for mean_row, spread_row in zip(means, spreads, strict=True):
        body.append(" & ".join(mean_row) + r" \\")
        if any(spread_row):
            small = (rf"{{\scriptsize {cell}}}" if cell else "" for cell in spread_row)
            body.append(" & ".join(small).strip() + r" \\")
    head = [_latex(header).replace(" (", r"\\(") for header in table.headers.values()]
    head = [rf"\shortstack[r]{{{name}}}" if r"\\" in name else name for name in head]
    mark = rf"\textbf{{{_latex(PHANTOM_MARK)}.}} " if table.phantom else ""
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table*}[t]",
            r"\centering",
            rf"\caption{{{mark}{_latex(caption)}}}",
            *([rf"\label{{{label}}}"] if label else []),
            r"\footnotesize",
            r"\setlength{\tabcolsep}{3pt}",
            rf"\begin{{tabular}}{{@{{}}l{'r' * len(head)}@{{}}}}",
            r"\toprule",
            " & ".join(["Method", *head]) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            "",
            r"\smallskip",
            r"\begin{minipage}{\linewidth}",
            r"\scriptsize\raggedright",
            *(_latex(note) + r"\par" for note in _notes(table, notes, bold=True)),
            r"\end{minipage}",
            r"\end{table*}",
            "",
        ]
    )


def csv_table(table: PosterTable, *, caption: str, notes: Sequence[str] = ()) -> str:
    """Long CSV at full precision: method, title, column, mean, sd, n_repeats, phantom.

    A missing mean or spread is an empty field. Caption and notes stand above as lines that begin
    with `#`: read it with `pandas.read_csv(path, comment="#")`. The column `phantom` stays with
    the numbers when those lines are cut off.
    """
    out = io.StringIO()
    lines = [PHANTOM_MARK] if table.phantom else []
    for line in [*lines, caption, *_notes(table, notes, bold=False)]:
        out.write(f"# {' '.join(line.split())}\n")
    # Quoted text: a '#' in a method's title is no comment.
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(["method", "title", "column", "mean", "sd", "n_repeats", "phantom"])
    frames = (frame.to_numpy().tolist() for frame in (table.mean, table.sd, table.repeats))
    for (method, title), *rows in zip(table.titles.items(), *frames, strict=True):
        for column, mean, sd, count in zip(table.headers, *rows, strict=True):
            numbers = [None if math.isnan(number) else number for number in (mean, sd)]
            writer.writerow([method, title, column, *numbers, count, str(table.phantom).lower()])
    return out.getvalue()


def _rows(
    table: PosterTable, cell: Callable[[str, str, bool], str], escape: Callable[[str], str]
) -> list[list[str]]:
    """The printed cells: `cell` gets the mean, the spread ("" for none) and whether it is best."""

    def printed(number: float, missing: str) -> str:
        return missing if math.isnan(number) else f"{number:.{DECIMALS}f}"

    frames = (frame.to_numpy().tolist() for frame in (table.mean, table.sd, table.best))
    return [
        [
            escape(title),
            *(
                cell(printed(mean, MISSING), printed(sd, ""), best)
                for mean, sd, best in zip(*row, strict=True)
            ),
        ]
        for title, *row in zip(table.titles.values(), *frames, strict=True)
    ]


def _notes(table: PosterTable, notes: Sequence[str], *, bold: bool) -> list[str]:
    shown = [_BOLD_NOTE] if bold and table.best.to_numpy().any() else []
    return [*table.notes, *shown, *notes]


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]~])", r"\\\1", " ".join(text.split()))


_LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # In the default font encoding these print as other characters.
    **{char: f"${char}$" for char in "<>|"},
    # At the start of a row they would be read as an argument of the line break before.
    **{char: f"{{{char}}}" for char in "[]*"},
    "±": r"$\pm$",
    "−": "$-$",
    "†": r"$^\dagger$",
    "‡": r"$^\ddagger$",
}


def _latex(text: str) -> str:
    escaped = "".join(_LATEX.get(char, char) for char in " ".join(text.split()))
    return re.sub(r"-(?=-)", "-{}", escaped)  # two hyphens would join to a dash
