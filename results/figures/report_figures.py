"""Every figure of a report that scores alone make, in its order."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from results.analysis.comparison import Comparison
from results.figures.curves import training_alt, training_figure
from results.figures.gain import gain_alt, gain_figure
from results.figures.heatmap import heat_alt, heat_figure
from results.figures.ranks import rank_alt, rank_figure
from results.figures.scores import score_alt, score_figure
from results.figures.severity import severity_alt, severity_curves, severity_figure
from results.tables.report_tables import main_table, recipe_suffix


@dataclass(frozen=True)
class NamedFigure:
    """A figure with its file name, its place in the report, and what it says."""

    stem: str
    section: str
    caption: str
    alt: str
    """For who cannot see it."""
    figure: Figure


def report_figures(comparison: Comparison, history: pd.DataFrame) -> Iterator[NamedFigure]:
    """Yield all figures; ``history`` is of `results.figures.curves.read_histories`."""
    of, naming, titles = comparison.name, comparison.naming, comparison.titles
    about = comparison.notes[:1]
    yield NamedFigure(
        "scores",
        "dice",
        f"Dice per test set and method ({of})",
        score_alt(comparison.ungraded, titles=titles),
        score_figure(comparison.ungraded, notes=about, **naming),
    )
    output = comparison.outputs[0]
    table = main_table(comparison, output)
    yield NamedFigure(
        "heatmap",
        "dice",
        f"Mean Dice of {output} ({of})",
        heat_alt(table),
        heat_figure(table, notes=about),
    )
    subjects = comparison.subjects
    if (figure := gain_figure(subjects, notes=about, **naming)) is not None:
        caption = f"What FTN+STN adds to FTN ({of})"
        yield NamedFigure("gain", "dice", caption, gain_alt(subjects, titles=titles), figure)
    rankings = comparison.rankings
    of_repeats = [f"Ranks are {comparison.ranked_of}."] if comparison.ranked_of else []
    if comparison.doubled:
        names = ", ".join(comparison.doubled)
        of_repeats.append(f"Not ranked over {names}: other versions of kinds that are in it.")
    if (figure := rank_figure(rankings, notes=[*of_repeats, *about], **naming)) is not None:
        caption = f"Stability of the ranking ({of})"
        yield NamedFigure("ranks", "statistics", caption, rank_alt(rankings, titles=titles), figure)
    for recipe, sets in comparison.recipes.items():
        curves = severity_curves(comparison.scores, sets)
        if (figure := severity_figure(curves, notes=about, **naming)) is not None:
            suffix = recipe_suffix(comparison, recipe)
            caption = f"Dice against severity, recipe {recipe} ({of})"
            alt = severity_alt(curves, titles=titles)
            yield NamedFigure(f"severity{suffix}", "robustness", caption, alt, figure)
    if (figure := training_figure(history, notes=about, **naming)) is not None:
        caption = f"Training ({of})"
        alt = training_alt(history, titles=titles)
        yield NamedFigure("training", "training", caption, alt, figure)
