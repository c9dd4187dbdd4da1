"""All figures of a report that need only scores, in their order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd
from matplotlib.figure import Figure

from results.analysis.comparison import Comparison
from results.figures.bland_altman import bland_altman_alt, bland_altman_figure
from results.figures.curves import training_alt, training_figure
from results.figures.differences import difference_alt, difference_figure
from results.figures.gain import gain_alt, gain_figure
from results.figures.heatmap import heat_alt, heat_figure
from results.figures.pairs import pairs_alt, pairs_figure
from results.figures.ranks import rank_alt, rank_figure
from results.figures.scores import score_alt, score_figure
from results.figures.severity import severity_alt, severity_curves, severity_figure
from results.scores.order import further_sets
from results.scores.published import AVERAGES, POSTER_SETS
from results.tables.excerpt_table import excerpt_table
from results.tables.report_tables import main_table, recipe_suffix

AGREEMENT_METHODS, AGREEMENT_SETS = 12, 4
"""Limits for Bland-Altman plots, which have seven panels per method: methods besides the reference,
and sets."""


@dataclass(frozen=True)
class NamedFigure:
    """A figure with its file name, section of the report, caption and description."""

    stem: str
    section: str
    caption: str
    alt: str
    """Description for readers who cannot see the figure."""
    figure: Figure


def report_figures(comparison: Comparison, history: pd.DataFrame) -> Iterator[NamedFigure]:
    """Yield all figures; ``history`` is of `results.figures.curves.read_histories`."""
    of, naming, titles = comparison.name, comparison.naming, comparison.titles
    excerpt = comparison.excerpt
    about = (*excerpt.notes, *comparison.notes[:1])
    scores = excerpt.of(comparison.ungraded)
    yield NamedFigure(
        "scores",
        "dice",
        f"Dice per test set and method ({of})",
        score_alt(scores, titles=titles),
        score_figure(scores, notes=about, **naming),
    )
    output = comparison.outputs[0]
    table = excerpt_table(main_table(comparison, output), excerpt)
    if table.mean.drop(columns=[*AVERAGES.values()], errors="ignore").count().sum() > 1:
        yield NamedFigure(
            "heatmap",
            "dice",
            f"Mean Dice of {output} ({of})",
            heat_alt(table),
            heat_figure(table, notes=about),
        )
    subjects = excerpt.of(comparison.subjects)
    refinement = excerpt.of(comparison.refinement)
    figure = gain_figure(subjects, notes=about, tests=refinement, **naming)
    if figure is not None:
        caption = f"What FTN+STN adds to FTN ({of})"
        yield NamedFigure("gain", "dice", caption, gain_alt(subjects, titles=titles), figure)
    tests, reference = excerpt.of(comparison.tests), comparison.reference
    figure = difference_figure(tests, reference, comparison.margin, notes=about, **naming)
    if figure is not None:
        caption = f"Differences from {comparison.shown[reference]} ({of})"
        alt = difference_alt(tests, titles=titles)
        yield NamedFigure("differences", "statistics", caption, alt, figure)
    pairs = excerpt.of(comparison.pairs)
    methods = [name for name in comparison.methods if name not in excerpt.hidden_methods]
    figure = pairs_figure(pairs, methods, notes=about, **naming)
    if figure is not None:
        alt = pairs_alt(pairs, methods, titles=titles)
        caption = f"Methods that no test tells apart ({of})"
        yield NamedFigure("pairs", "statistics", caption, alt, figure)
    yield from _bland_altman(comparison, output, comparison.notes[:1])
    rankings = comparison.rankings
    of_repeats = [f"Ranks are {comparison.ranked_of}."] if comparison.ranked_of else []
    if comparison.doubled:
        names = ", ".join(comparison.doubled)
        of_repeats.append(f"Not ranked over {names}: other versions of kinds that are in it.")
    notes = [*of_repeats, *comparison.notes[:1]]  # the ranking's own notes name the shown methods
    if (figure := rank_figure(rankings, notes=notes, **naming)) is not None:
        caption = f"Stability of the ranking ({of})"
        yield NamedFigure("ranks", "statistics", caption, rank_alt(rankings, titles=titles), figure)
    for recipe, sets in comparison.recipes.items():
        curves = excerpt.of(severity_curves(comparison.scores, sets))
        if (figure := severity_figure(curves, notes=about, **naming)) is not None:
            suffix = recipe_suffix(comparison, recipe)
            caption = f"Dice against severity, recipe {recipe} ({of})"
            alt = severity_alt(curves, titles=titles)
            yield NamedFigure(f"severity{suffix}", "robustness", caption, alt, figure)
    history = excerpt.of(history)
    if (figure := training_figure(history, notes=about, **naming)) is not None:
        caption = f"Training ({of})"
        alt = training_alt(history, titles=titles)
        yield NamedFigure("training", "training", caption, alt, figure)


def _bland_altman(
    comparison: Comparison, output: str, notes: tuple[str, ...]
) -> Iterator[NamedFigure]:
    """A figure for each set with its own cohort; the table also has corrupted sets.

    Each method has a row of panels, so these figures show fewer methods and sets.
    """
    clinical, naming, excerpt = comparison.clinical, comparison.naming, comparison.excerpt
    found = set(clinical.pairs["test_set"]) - set(comparison.cohorts)
    sets = [name for name in [*POSTER_SETS, *further_sets(found)] if name in found]
    if excerpt.hidden_sets:
        notes = (f"Drawn for the first {AGREEMENT_SETS} of {len(sets)} test sets.", *notes)
        sets = sets[:AGREEMENT_SETS]
    if len(comparison.methods) > AGREEMENT_METHODS + 1:
        of = excerpt.best[:AGREEMENT_METHODS]
        shown = clinical.pairs["method"].isin([*of, comparison.reference])
        clinical = replace(clinical, pairs=clinical.pairs[shown])
        notes = (
            f"Of {len(comparison.methods)} methods, the {AGREEMENT_METHODS} best by mean Dice and "
            "the reference.",
            *notes,
        )
    for place, test_set in enumerate(sets):
        figure = bland_altman_figure(clinical, test_set, output=output, notes=notes, **naming)
        if figure is not None:
            suffix = "" if place == 0 else f"-{re.sub(r'[^a-z0-9]+', '-', test_set.lower())}"
            yield NamedFigure(
                f"bland-altman{suffix}",
                "clinical",
                f"Clinical measures on {test_set} against the labels' ({comparison.name})",
                bland_altman_alt(clinical, test_set, output=output, titles=comparison.titles),
                figure,
            )
