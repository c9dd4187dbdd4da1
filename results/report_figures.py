"""Every figure of a report that scores alone make, in its order."""

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure

from results.comparison import Comparison
from results.figures.scores import score_figure


@dataclass(frozen=True)
class NamedFigure:
    """A figure with its file name, its place in the report, and what it says."""

    stem: str
    section: str
    caption: str
    alt: str
    """For who cannot see it."""
    figure: Figure


def report_figures(comparison: Comparison) -> Iterator[NamedFigure]:
    """Yield all figures; the caller saves each before it asks for the next."""
    about = comparison.notes[:1]
    yield NamedFigure(
        "scores",
        "dice",
        f"Dice per test set and method ({comparison.name})",
        "",
        score_figure(comparison.ungraded, notes=about, **comparison.naming),
    )
