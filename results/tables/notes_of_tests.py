"""Notes on the tests, for tables and the page: what they show, and what they cannot show."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from results.analysis.statistics import ALPHA
from results.tables.mean_table import DECIMALS
from results.wording import HIGHER, LOWER, bracketed, listed

Titles = Mapping[str, str]


def mark_frame(tests: pd.DataFrame, output: str, like: pd.DataFrame) -> pd.DataFrame:
    """The marks of `paired_tests` as a frame of methods by test sets."""
    own = tests[tests["output"] == output]
    rows = like.index.get_indexer(pd.Index(own["method"]))
    columns = like.columns.get_indexer(pd.Index(own["test_set"]))
    marks = np.full(like.shape, "", dtype=object)
    there = (rows >= 0) & (columns >= 0)
    marks[rows[there], columns[there]] = own["mark"].to_numpy(dtype=object)[there]
    return pd.DataFrame(marks, like.index, like.columns)


def mark_notes(
    tests: pd.DataFrame, reference: str, output: str, titles: Titles, *, measure: str = "Dice"
) -> list[str]:
    """Notes on the marks in a table of an output; ``reference`` is a title."""
    of_output = tests[tests["output"] == output]
    if of_output.empty:
        return []
    notes = [
        f"{HIGHER} higher, {LOWER} lower {measure} than {reference} at p < {ALPHA}, by mean and by "
        "ranks: paired two-sided Wilcoxon signed-rank tests over subjects (averaged within a "
        f"subject over the repeats that both have), {family_words(of_output)}. They hold for these "
        "trained networks; what another training would change stands in the table over subjects "
        "and repeats."
    ]
    found = set(of_output["mark"])
    if found & {bracketed(HIGHER), bracketed(LOWER)}:
        notes.append(
            f"{bracketed(HIGHER)} and {bracketed(LOWER)}, in brackets: significant likewise, but "
            "not all repeats point the same way, or the test is of a part only of what the means "
            "in this table rest on."
        )
    return [
        *notes,
        *disagreement_notes(of_output, titles),
        *partial_notes(of_output, titles),
        *opposed_notes(of_output, titles),
        *tiny_notes(of_output, titles),
    ]


def family_words(tests: pd.DataFrame) -> str:
    """Words on the comparisons that Holm's correction takes together; ``tests`` are of one
    output."""
    output, family = str(tests["output"].iloc[0]), str(tests["family"].iloc[0])
    count = int(tests["family_size"].iloc[0])
    if family == output:
        return f"Holm's correction over the {count} comparisons of {output}, by themselves"
    return f"Holm's correction over the {count} comparisons of {family} together"


def disagreement_notes(tests: pd.DataFrame, titles: Titles) -> list[str]:
    """A note on significant differences that not all repeats share."""
    rows = tests[(tests["mark"] != "") & (tests["agree"] < tests["repeats"])]
    each = _each(rows, titles, lambda row: f"{row.test_set} {row.agree} of {row.repeats}")
    return [f"Repeats that point the same way as a marked mean: {each}."] if each else []


def partial_notes(tests: pd.DataFrame, titles: Titles) -> list[str]:
    """A note on marks from a part of the scores, with the two means to compare."""
    rows = tests[tests["partial"].astype(bool) & (tests["mark"] != "")]
    each = _each(
        rows,
        titles,
        lambda row: (
            f"{row.test_set} {row.mean:.{DECIMALS}f} against {row.reference_mean:.{DECIMALS}f}"
        ),
    )
    if not each:
        return []
    return [
        "Marked by a part of the scores, the subjects and repeats that both have on the same "
        f"volumes; the means to be compared are those of that part: {each}."
    ]


def opposed_notes(tests: pd.DataFrame, titles: Titles) -> list[str]:
    """A note on differences that are significant by ranks, with a mean of the opposite sign."""
    each = _each(
        tests[tests["opposed"].astype(bool)],
        titles,
        lambda row: f"{row.test_set} (effect r {row.effect:+.2f}, mean {row.difference:+.4f})",
    )
    if not each:
        return []
    return [
        "Significant by ranks but without a mark, since the mean does not point the same way (most "
        f"subjects change little one way, a few much the other): {each}."
    ]


def tiny_notes(tests: pd.DataFrame, titles: Titles) -> list[str]:
    """A note on marked differences that are zero at the printed precision."""
    tiny = tests["difference"].abs() < 0.5 * 10.0**-DECIMALS
    each = _each(
        tests[tiny & (tests["mark"] != "")],
        titles,
        lambda row: f"{row.test_set} {row.difference:+.1e}",
    )
    return [f"Significant, and 0.0000 at the printed precision: {each}."] if each else []


def untested_notes(untested: Mapping[str, list[str]], titles: Titles, reference: str) -> list[str]:
    """A note on methods without a test (`untested`); ``reference`` is a name, like the keys."""
    each = "; ".join(
        f"{title} on {listed(untested[name])}" for name, title in titles.items() if name in untested
    )
    if not each:
        return []
    return [
        f"Not tested, since no subject and repeat is common with {titles[reference]}, on the "
        f"same volumes: {each}."
    ]


def power_notes(tests: pd.DataFrame, titles: Titles) -> list[str]:
    """Notes on too few subjects or repeats for firm conclusions."""
    notes = []
    for output, family in tests.groupby("output"):
        # The smallest p of a signed-rank test is 2 / 2^n, with all differences of one sign. Holm
        # multiplies it by the number of comparisons that remain after those with smaller p are
        # rejected; at best, these are all that can have a smaller p.
        least = 2.0 ** (1 - family["subjects"])
        every = tests[tests["family"] == family["family"].iloc[0]]
        every_least = np.sort(2.0 ** (1 - every["subjects"].to_numpy()))
        left = len(every_least) - np.searchsorted(every_least, least.to_numpy(), side="left")
        hopeless = family[(least * left).ge(ALPHA)]
        if len(hopeless):
            few = sorted({int(count) for count in hopeless["subjects"]})
            names = dict.fromkeys(map(str, hopeless["test_set"]))
            notes.append(
                f"Too few subjects ({listed(map(str, few))}) for a significant difference of "
                f"{output} on {listed(names)}, however large: the least p of a signed-rank test, "
                f"times the comparisons that Holm's correction leaves, is not below {ALPHA}."
            )
    fewest = tests.groupby("method")["repeats"].min()
    if len(fewest) and (few_repeats := fewest[fewest < 3]).size:
        counts = {
            int(count): listed(title for name, title in titles.items() if name in rows.index)
            for count, rows in few_repeats.groupby(few_repeats)
        }
        each = "; ".join(
            ("one repeat" if count == 1 else f"{count} repeats")
            + (f" ({names})" if few_repeats.size < len(fewest) or len(counts) > 1 else "")
            for count, names in counts.items()
        )
        notes.append(
            f"Compared on {each} only: tests and intervals over subjects say nothing of how much "
            "another training run, or split, would change."
        )
    return notes


def _each(rows: pd.DataFrame, titles: Titles, say: Callable[..., str]) -> str:
    """Rows by method, in the order of the titles: "A: x, y; B: z"."""
    found: dict[str, list[str]] = {}
    if rows.empty:  # as nearly always; `itertuples` would first make a class
        return ""
    for row in rows.itertuples(index=False):
        found.setdefault(str(row.method), []).append(say(row))
    return "; ".join(
        f"{title}: {', '.join(found[name])}" for name, title in titles.items() if name in found
    )
