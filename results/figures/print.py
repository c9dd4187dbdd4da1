"""LaTeX floats for figures: the PDF with its caption and notes as text."""

from matplotlib.figure import Figure

from results.figures.style import figure_notes
from results.tables.latex_layout import WIDTHS
from results.tables.latex_text import latex_text
from results.wording import PHANTOM_MARK

MM_PER_INCH = 25.4


def latex_figure(figure: Figure, stem: str, caption: str, *, phantom: bool) -> str:
    r"""Make a float for ``\usepackage{graphicx}`` that shows ``stem``.pdf in the same folder.

    A figure that is wider than a column spans both columns of a page. It has its own size, with
    type of 6 to 7 points; if it is wider than a page, it is scaled to the page's width.

    Args:
        figure: the saved figure.
        stem: name of its file without ending.
        caption: its title; the figure's notes follow it.
        phantom: whether the figure is from synthetic hearts; the caption then says so.
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
