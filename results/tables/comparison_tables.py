"""Tables of paired comparisons over subjects, and of the scores' intervals over subjects."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from results.analysis.bootstrap import RESAMPLES, interval_of_mean
from results.analysis.statistics import mark_note, power_notes, untested_notes
from results.scores.order import further_sets, ordered_titles, remark_notes
from results.scores.published import POSTER_SETS
from results.tables.mean_table import MeanTable
from results.wording import span

_INTERVAL = (
    f"[ ]: 95 % percentile bootstrap interval over subjects ({RESAMPLES} resamples). The subject "
    "is the unit: its score is the mean Dice of its frames, structures, draws and repeats."
)
FEW = 30
"""Subjects, below which it is said what a percentile interval is worth."""

_COLUMNS = {
    "difference": "Difference",
    "effect": "Effect r",
    "p": "p",
    "p_holm": "p (Holm)",
    "subjects": "Subjects",
    "repeats": "Repeats",
}


def comparison_table(
    tests: pd.DataFrame,
    reference: str,
    *,
    output: str,
    untested: Mapping[str, list[str]] | None = None,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
) -> MeanTable:
    """The tests of an output (`paired_tests`): rows are methods by test set.

    ``untested`` are the sets of each method that it could not be tested on.
    """
    of_output = tests[tests["output"] == output].set_index(["method", "test_set"])
    methods = dict.fromkeys([reference, *of_output.index.unique("method"), *(untested or {})])
    shown = ordered_titles(methods, titles, remarks)
    pairs = [
        (method, test_set)
        for test_set in _in_order(of_output.index.unique("test_set"))
        for method in shown
        if (method, test_set) in of_output.index
    ]
    rows = pd.MultiIndex.from_tuples(pairs, names=["method", "test set"])
    values = of_output.reindex(rows)
    mean = values[list(_COLUMNS)].astype("float64")
    nothing = pd.DataFrame(np.nan, index=rows, columns=mean.columns)
    return MeanTable(
        mean=mean,
        sd=nothing,
        repeats=pd.DataFrame(dict.fromkeys(mean, values["repeats"]), index=rows),
        titles=shown,
        headers=_COLUMNS,
        notes=(
            f"Difference: mean over subjects of Dice ({output}) minus that of {shown[reference]} "
            "in the repeats that both have, whose number stands under Repeats. "
            f"{_INTERVAL}",
            *_worth_notes(values["subjects"]),
            mark_note(tests, shown[reference], output),
            "Effect r: matched-pairs rank-biserial correlation, from −1 (all subjects lower) to 1 "
            "(all higher). p: two-sided Wilcoxon signed-rank test, of the differences' ranks: it "
            "and the interval of their mean can disagree where these are skewed.",
            *untested_notes(untested or {}, shown, reference),
            *power_notes(tests[tests["output"] == output], shown),
            *remark_notes(shown, remarks),
        ),
        phantom=phantom,
        decimals={"p": 4, "p_holm": 4, "effect": 2, "subjects": 0, "repeats": 0},
        floors={"p": 1e-4, "p_holm": 1e-4},
        unranked=frozenset(_COLUMNS),
        signed=frozenset(["difference", "effect"]),
        low=nothing.assign(difference=values["low"]),
        high=nothing.assign(difference=values["high"]),
        marks=pd.DataFrame("", index=rows, columns=mean.columns).assign(difference=values["mark"]),
    )


def interval_table(
    subjects: pd.DataFrame,
    repeats: Mapping[str, int],
    *,
    output: str,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    seed: int = 0,
) -> MeanTable:
    """Mean Dice over subjects of an output with its interval: methods by test sets.

    ``subjects`` is of `subject_scores`.
    """
    chosen = subjects[subjects["output"] == output]
    shown = ordered_titles(chosen["method"].unique(), titles, remarks)
    sets = _in_order(chosen["test_set"].unique())
    empty = pd.DataFrame(np.nan, index=pd.Index(list(shown), name="method"), columns=sets)
    mean, low, high = empty.copy(), empty.copy(), empty.copy()
    for (test_set, method), rows in chosen.groupby(["test_set", "method"]):
        values = rows["dice"].to_numpy()[:, None]
        mean.loc[method, test_set] = values.mean()
        # The draws of a set are the same for every method, and those of the paired tests.
        ends = interval_of_mean(values, seed=seed, name=f"{output}/{test_set}")
        low.loc[method, test_set], high.loc[method, test_set] = (float(end[0]) for end in ends)
    held = chosen.groupby(["test_set", "method"])["subject"].nunique()
    total = pd.Series({method: repeats[method] for method in shown})
    return MeanTable(
        mean=mean,
        sd=empty,
        repeats=pd.DataFrame(dict.fromkeys(sets, total), index=mean.index),
        titles=shown,
        headers={name: name for name in sets},
        notes=(
            f"Dice ({output}), mean over subjects, which weights a volume with an undefined score "
            "otherwise than the mean over volumes does.",
            *_repeat_notes(total, shown),
            _INTERVAL,
            *_worth_notes(held),
            f"Subjects: {', '.join(f'{name} {span(held.xs(name))}' for name in sets)}.",
            *remark_notes(shown, remarks),
        ),
        phantom=phantom,
        low=low,
        high=high,
    )


def _worth_notes(subjects: pd.Series) -> list[str]:
    """What a percentile interval over so few subjects is worth (Efron and Tibshirani, 1993)."""
    if subjects.empty or subjects.min() >= FEW:
        return []
    return [
        f"Over fewer than {FEW} subjects such intervals come out too narrow, more so the fewer and "
        "the more skewed: read them as a rough guide, and of a handful of subjects not at all."
    ]


def _repeat_notes(total: pd.Series, titles: Mapping[str, str]) -> list[str]:
    """Whose means are over how many repeats, where these differ."""
    if total.nunique() < 2:
        return []
    each = ", ".join(f"{titles[str(method)]} {count}" for method, count in total.items())
    return [
        f"The number of repeats differs ({each}), and with another split and seed the mean does "
        "too: differences are to be read in the table of comparisons, which pairs repeats."
    ]


def _in_order(sets: pd.Index | np.ndarray) -> list[str]:
    """The poster's test sets in its order, then others by name."""
    found = set(map(str, sets))
    return [*(name for name in POSTER_SETS if name in found), *further_sets(found)]
