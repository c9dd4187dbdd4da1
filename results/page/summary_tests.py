"""Sentences on the tests against the reference: for the trained networks, and for the methods."""

from collections.abc import Mapping

import pandas as pd

from results.scores.published import AVERAGES
from results.tables.notes_of_tests import family_words
from results.wording import BRACKETS, HIGHER, LOWER, listed


def network_sentences(
    tests: pd.DataFrame, output: str, reference: str, titles: Mapping[str, str], margin: float
) -> list[str]:
    """Sentences on networks that differ significantly from the reference's, or are equivalent.

    ``tests`` is from `results.analysis.statistics.paired_tests`, ``reference`` is a title.
    """
    of_output = tests[(tests["output"] == output) & ~tests["test_set"].isin(AVERAGES.values())]
    if of_output.empty:
        return []
    plain = of_output["mark"].map(lambda mark: mark.strip(BRACKETS))
    weak = (plain != "") & (of_output["agree"] < of_output["repeats"])
    family = family_words(tests[tests["output"] == output])
    groups = {
        f"Significantly higher than {reference}, of these trained networks": plain == HIGHER,
        f"Significantly lower than {reference}, of these trained networks": plain == LOWER,
        f"Different from {reference} by ranks, with a mean that points the other way": of_output[
            "opposed"
        ].astype(bool),
    }
    parts = [
        f"{words}: {each}"
        for words, rows in groups.items()
        if (each := _each(of_output, rows, titles))
    ]
    if parts:
        said = [f"{'. '.join(parts)} (Wilcoxon over subjects, {family})."]
    else:
        said = [
            f"The trained networks of no method differ significantly from {reference}'s on any set "
            f"that they were tested on (Wilcoxon over subjects, {family}), which is no sign that "
            "they are alike."
        ]
    if each := _each(of_output, weak, titles):
        said.append(f"Not all repeats point the same way as the mean for {each}.")
    if each := _each(of_output, of_output["verdict"] == "equivalent", titles):
        said.append(f"Equivalent to {reference} within {margin:g} Dice: {each}.")
    return said


def method_sentences(
    tests: pd.DataFrame, output: str, reference: str, titles: Mapping[str, str], margin: float
) -> list[str]:
    """Sentences on the methods: tests over subjects and repeats, limited by the few repeats."""
    of_output = tests[(tests["output"] == output) & ~tests["test_set"].isin(AVERAGES.values())]
    known = of_output[of_output["crossed_verdict"] != ""]
    if known.empty:
        return []
    count = len(known)
    parts = []
    for verdict, words in (
        ("better", f"better than {reference}"),
        ("worse", f"worse than {reference}"),
        ("equivalent", f"equivalent to it within {margin:g} Dice"),
    ):
        if each := _each(known, known["crossed_verdict"] == verdict, titles):
            parts.append(f"{words}: {each}")
    decided = int((known["crossed_verdict"] != "undecided").sum())
    over = "Over subjects and repeats (mixed model, Holm's correction)"
    if not decided:
        each = f"none of the {count} differences" if count > 1 else "the difference"
        return [f"{over} {each} from {reference} is {'decided' if count > 1 else 'undecided'}."]
    left = f"; {count - decided} of {count} differences are undecided" if decided < count else ""
    return [f"{over}, {'; '.join(parts)}{left}."]


def _each(tests: pd.DataFrame, rows: pd.Series, titles: Mapping[str, str]) -> str:
    """The sets of these rows by method, in the order of the titles; empty if there is none."""
    count = tests["test_set"].nunique()
    sets = {str(name): list(own) for name, own in tests[rows].groupby("method")["test_set"]}
    return "; ".join(
        f"{title} on {_some(sets[name], count)}" for name, title in titles.items() if name in sets
    )


def _some(sets: list[str], count: int) -> str:
    """The names of a few sets, else their number."""
    if len(sets) == count and count > 1:
        return f"all {count} sets"
    return listed(sets) if len(sets) <= 3 else f"{len(sets)} of {count} sets"
