"""What the tables say, in words, with the numbers."""

import pandas as pd

from results.analysis.comparison import Comparison
from results.scores.published import AVERAGES
from results.tables.kind_tables import CLEAN, MEAN, degradation_table
from results.tables.poster_table import PosterTable
from results.tables.report_tables import main_table
from results.wording import HIGHER, LOWER, listed


def summary(comparison: Comparison) -> list[str]:
    """Paragraphs: who is best on average, what is significant, what refinement and severity do.

    Every number stands in a table as well; nothing is concluded that a test does not say.
    """
    paragraphs = []
    for output in comparison.outputs:
        table = main_table(comparison, output)
        sentences = [
            _best(table, output),
            _significant(comparison, table, output),
            _stable(comparison, output),
        ]
        if text := " ".join(filter(None, sentences)):
            paragraphs.append(text)
    if text := _refinement(comparison):
        paragraphs.append(text)
    for recipe in comparison.recipes:
        if text := _robust(comparison, recipe):
            paragraphs.append(text)
    return paragraphs


def _best(table: PosterTable, output: str) -> str:
    """Who has the highest average, and where single sets are won."""
    column = AVERAGES[output]
    averages = table.mean[column].dropna().sort_values(ascending=False, kind="stable")
    if averages.empty:
        return ""
    sets = table.averaged[column]
    over = f"On average over {listed(sets)}" if len(sets) > 1 else f"On {sets[0]}"
    value = {name: table.printed(column, mean) for name, mean in averages.items()}
    if len(averages) == 1:
        (name,) = averages.index
        return f"{over}, {output} of {table.titles[str(name)]} has a Dice of {value[name]}."
    top = [str(name) for name in averages.index if value[name] == value[averages.index[0]]]
    others = [str(name) for name in averages.index if name not in top]
    first = listed(table.titles[name] for name in top)
    text = f"{over}, {output} of {first} has the highest Dice ({value[top[0]]})"
    if others:
        text += f", before {table.titles[others[0]]} ({value[others[0]]})"
    if len(others) > 1:
        text += f"; {table.titles[others[-1]]} has the lowest ({value[others[-1]]})"
    return f"{text}."


def _significant(comparison: Comparison, table: PosterTable, output: str) -> str:
    """Where methods differ significantly from the reference."""
    tests = comparison.tests
    of_output = tests[(tests["output"] == output) & ~tests["test_set"].isin(AVERAGES.values())]
    if of_output.empty:
        return ""
    reference = table.titles[comparison.reference]
    count = of_output["test_set"].nunique()
    parts = []
    for mark, word in ((HIGHER, "higher"), (LOWER, "lower")):
        rows = of_output[of_output["mark"] == mark]
        sets = {str(name): list(found) for name, found in rows.groupby("method")["test_set"]}
        each = [
            f"{title} on {_some(sets[name], count)}"
            for name, title in table.titles.items()
            if name in sets
        ]
        if each:
            parts.append(f"Significantly {word} than {reference}: {'; '.join(each)}")
    if not parts:
        return f"No method differs significantly from {reference} on any set that it was tested on."
    tested = int((tests["output"] == output).sum())
    return f"{'. '.join(parts)} (Wilcoxon, Holm's correction over {tested})."


def _some(sets: list[str], count: int) -> str:
    """Sets by name where they are few, else how many of all."""
    if len(sets) == count and count > 1:
        return f"all {count} sets"
    return listed(sets) if len(sets) <= 3 else f"{len(sets)} of {count} sets"


def _stable(comparison: Comparison, output: str) -> str:
    """How often the first stays first."""
    rankings = comparison.rankings.get(output, [])
    parts = []
    for ranking in rankings:
        if 1 in ranking.shares:
            first = str(ranking.shares[1].idxmax())
            share = float(ranking.shares[1].max())
            parts.append(
                f"{comparison.shown[first]} ranks first in {share:.0%} of resamples of the "
                f"{ranking.over}"
            )
    of = f" ({comparison.ranked_of})" if comparison.ranked_of else ""
    return f"{'; '.join(parts)}{of}." if parts else ""


def _refinement(comparison: Comparison) -> str:
    """What FTN+STN adds to FTN."""
    wide = comparison.subjects.pivot_table(
        index=["method", "test_set", "subject"], columns="output", values="dice"
    )
    if not set(AVERAGES) <= set(wide):
        return ""
    gain = (wide["FTN+STN"] - wide["FTN"]).dropna().groupby(level=["method", "test_set"]).mean()
    if gain.empty:
        return ""
    means = gain.groupby(level="method").mean()
    each = ", ".join(
        f"{title} {means[name]:+.4f}" for name, title in comparison.shown.items() if name in means
    )
    largest = gain.sort_values(ascending=False, kind="stable").reset_index().iloc[0]
    return (
        f"FTN+STN against FTN, mean over subjects and then sets: {each}. The greatest difference "
        f"is {gain.max():+.4f} ({comparison.shown[largest['method']]} on {largest['test_set']})."
    )


def _robust(comparison: Comparison, recipe: str) -> str:
    """Who loses least under the corruptions of a recipe."""
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
    return f"Under the corruptions of recipe {recipe}, on average over its kinds, {said}."
