"""Summarise the tables in sentences, with their numbers."""

from collections.abc import Mapping, Sequence

import pandas as pd

from results.analysis.comparison import Comparison
from results.analysis.ranking import Ranking
from results.analysis.refinement import AVERAGE
from results.page.summary_average import average_sentences
from results.page.summary_tests import method_sentences, network_sentences
from results.scores.published import AVERAGES
from results.tables.kind_tables import CLEAN, MEAN, degradation_table
from results.tables.report_tables import main_table
from results.wording import some_listed


def summary(comparison: Comparison) -> list[str]:
    """Paragraphs on the best average, the tests, refinement and robustness.

    Every number is also in a table; all conclusions are results of a test.
    """
    paragraphs = []
    for output in comparison.outputs:
        table = main_table(comparison, output)
        about = (
            comparison.tests,
            output,
            table.titles[comparison.reference],
            table.titles,
            comparison.margin,
        )
        sentences = [
            *average_sentences(comparison, table, output),
            *network_sentences(*about),
            *method_sentences(*about),
            stability_sentence(
                comparison.rankings.get(output, []),
                table.averaged[AVERAGES[output]],
                comparison.shown,
                comparison.ranked_of,
            ),
        ]
        if text := " ".join(filter(None, sentences)):
            paragraphs.append(text)
    if text := _refinement(comparison):
        paragraphs.append(text)
    for recipe in comparison.recipes:
        if text := _robust(comparison, recipe):
            paragraphs.append(text)
    return paragraphs


def stability_sentence(
    rankings: Sequence[Ranking], averaged: Sequence[str], titles: Mapping[str, str], of_repeats: str
) -> str:
    """A sentence on how often the first method stays first; empty without rankings.

    The sets are named if they differ from those ``averaged``: then another method may be first.
    ``of_repeats`` names the repeats of the rankings, if not all.
    """
    if not rankings:
        return ""
    said = "; ".join(ranking.first(titles) for ranking in rankings)
    sets = rankings[0].sets
    if set(sets) != set(averaged):
        said = f"by the mean over {some_listed(sets, 'test sets')}, {said}"
    of = f" ({of_repeats})" if of_repeats else ""
    return f"{said[0].upper()}{said[1:]}{of}."


def _refinement(comparison: Comparison) -> str:
    """A paragraph on the gain of FTN+STN over FTN."""
    wide = comparison.subjects.pivot_table(
        index=["method", "test_set", "subject"], columns="output", values="dice"
    )
    if not set(AVERAGES) <= set(wide):
        return ""
    gain = (wide["FTN+STN"] - wide["FTN"]).dropna().groupby(level=["method", "test_set"]).mean()
    if gain.empty:
        return ""
    means = gain.groupby(level="method").mean()
    verdicts = _average_verdicts(comparison)
    each = ", ".join(
        f"{title} {means[name]:+.4f}{verdicts.get(name, '')}"
        for name, title in comparison.shown.items()
        if name in means
    )
    ordered = gain.sort_values(kind="stable").reset_index()
    least, most = (
        f"{row['dice']:+.4f} ({comparison.shown[row['method']]} on {row['test_set']})"
        for row in (ordered.rename(columns={0: "dice"}).iloc[place] for place in (0, -1))
    )
    of_sets = f" The differences lie between {least} and {most}." if len(ordered) > 1 else ""
    return (
        f"FTN+STN against FTN, mean over subjects and then sets{_RESTS if verdicts else ''}: "
        f"{each}.{of_sets}"
    )


_RESTS = " (in brackets the verdict over subjects, of these networks; over subjects and repeats)"


def _average_verdicts(comparison: Comparison) -> dict[str, str]:
    """The verdicts on the average gain by method, as " (better; undecided)"."""
    tests = comparison.refinement
    if tests.empty:
        return {}
    rows = tests[tests["test_set"] == AVERAGE].to_dict("records")
    both = {row["method"]: (row["verdict"], row["crossed_verdict"]) for row in rows}
    return {str(name): f" ({'; '.join(filter(None, said))})" for name, said in both.items()}


def _robust(comparison: Comparison, recipe: str) -> str:
    """A paragraph on the methods that lose least under the corruptions of a recipe."""
    sets = comparison.recipes[recipe]
    table = degradation_table(comparison.scores, sets, **comparison.naming)
    parts = []
    for output in comparison.outputs:
        rows = table.mean[table.mean.index.get_level_values("output") == output]
        lost: pd.Series = rows[MEAN].dropna().sort_values(kind="stable")
        if lost.empty:
            continue
        methods = [str(name) for name in lost.index.get_level_values("method")]
        clean = rows[CLEAN].droplevel("output")
        ends = [
            f"{table.titles[name]} {loss:.4f} (of {clean[name]:.4f})"
            for name, loss in dict(zip(methods, lost, strict=True)).items()
            if name in (methods[0], methods[-1])
        ]
        text = f"{output} loses least Dice in {' and most in '.join(ends)}"
        kinds = rows.drop(columns=[CLEAN, MEAN]).mean()
        if len(kinds.dropna()) > 1:
            hardest = str(kinds.idxmax())
            text += f"; the hardest kind is {hardest}, at a mean loss of {kinds.max():.4f}"
        parts.append(text)
    if not parts:
        return ""
    said = ". ".join(parts)
    return (
        f"Under the corruptions of recipe {recipe}, on average over its kinds, {said}. These are "
        "differences of means, not tested."
    )
