"""Figures for print: the float that shows a PDF, with its caption and notes as text."""

from matplotlib.figure import Figure

from results.figures.style import figure_notes
from results.tables.latex_layout import WIDTHS
from results.tables.latex_text import latex_text
from results.wording import PHANTOM_MARK

MM_PER_INCH = 25.4


def latex_figure(figure: Figure, stem: str, caption: str, *, phantom: bool) -> str:
    r"""A float for ``\usepackage{graphicx}`` that shows ``stem``.pdf, which lies beside it.

    A figure that is wider than a column spans both columns of a page. It is shown at its own size,
    in which its type is 6 to 7 points, or where it is wider than a page, at the page's width.

    Args:
        figure: as it was saved.
        stem: of its file.
        caption: its title; the figure's notes follow it.
        phantom: whether it is made from synthetic hearts, which the caption then says.
    """
    notes, _ = figure_notes(figure)
    natural = figure.get_size_inches()[0] * MM_PER_INCH
    width = min(natural, WIDTHS["page"])
    kind = "figure" if width <= WIDTHS["column"] else "figure*"
    mark = rf"\textbf{{{latex_text(PHANTOM_MARK)}.}} " if phantom else ""
    size = f"% {natural:.0f} mm wide"
    if width < natural:
        size += f", here at {width / natural:.0%} of that, and its type as well"
    return "\n".join(
        [
            r"% needs \usepackage{graphicx}",
            size,
            rf"\begin{{{kind}}}[t]",
            r"\centering",
            rf"\includegraphics[width={width:.1f}mm]{{{stem}.pdf}}",
            rf"\caption{{{mark}{latex_text(caption)}. {latex_text(notes)}}}",
            rf"\label{{fig:{stem}}}",
            rf"\end{{{kind}}}",
            "",
        ]
    )
