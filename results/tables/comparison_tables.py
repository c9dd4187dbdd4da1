"""Tables of paired comparisons over subjects, and of the scores' intervals over subjects."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from results.analysis.intervals import t_reach
from results.analysis.verdicts import WORDS, margin_note
from results.scores.order import ordered_sets, ordered_titles, remark_notes
from results.tables.mean_table import MeanTable
from results.tables.notes_of_tests import mark_notes, power_notes, untested_notes
from results.wording import span

_INTERVAL = "[ ]: 95 % t interval over subjects."
_UNIT = (
    "The subject is the unit: its score is the mean of its frames, structures, draws and repeats."
)
FEW = 30
"""Below this number of subjects, a note warns about the intervals."""

METRICS = {
    "dice": ("Dice", 4),
    "hd95_mm": ("HD95 (mm)", 2),
    "nsd_2mm": ("NSD", 4),
    "jaccard": ("Jaccard", 4),
    "hd_mm": ("HD (mm)", 2),
    "assd_mm": ("ASSD (mm)", 2),
}
"""Names of the compared metrics, and their printed decimals."""

_COLUMNS = {
    "mean": "Dice",
    "reference_mean": "Reference",
    "difference": "Difference",
    "verdict": "Verdict",
    "effect": "Effect r",
    "p": "p",
    "p_holm": "p (Holm)",
    "subjects": "Subjects",
    "repeats": "Repeats",
}


def rows_of_tests(tests: pd.DataFrame, shown: Mapping[str, str]) -> pd.DataFrame:
    """The tests of an output by method and test set, in the order of every table."""
    by_name = tests.set_index(["method", "test_set"])
    pairs = [
        (method, test_set)
        for test_set in ordered_sets(by_name.index.unique("test_set"))
        for method in shown
        if (method, test_set) in by_name.index
    ]
    return by_name.reindex(pd.MultiIndex.from_tuples(pairs, names=["method", "test set"]))


def comparison_table(
    tests: pd.DataFrame,
    reference: str,
    *,
    output: str,
    margin: float,
    metric: str = "dice",
    untested: Mapping[str, list[str]] | None = None,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
) -> MeanTable:
    """The tests of an output (`paired_tests`): rows are methods by test set.

    ``untested`` has the sets of each method without a test, ``margin`` is the margin of the tests
    (NaN: none), ``metric`` is one of `METRICS`.
    """
    of_output = tests[tests["output"] == output]
    methods = dict.fromkeys([reference, *of_output["method"].unique(), *(untested or {})])
    shown = ordered_titles(methods, titles, remarks)
    values = rows_of_tests(of_output, shown)
    rows = values.index
    mean = values.assign(verdict=values["verdict"].map(WORDS.index))[list(_COLUMNS)]
    nothing = pd.DataFrame(np.nan, index=rows, columns=mean.columns)
    name, decimals = METRICS[metric]
    return MeanTable(
        mean=mean.astype("float64"),
        sd=nothing,
        repeats=pd.DataFrame(dict.fromkeys(mean, values["repeats"]), index=rows),
        titles=shown,
        headers=_COLUMNS | {"mean": name},
        notes=(
            f"{name} ({output}) and Reference, that of {shown[reference]}: means over the subjects "
            "and repeats that both have, whose numbers stand in the last columns. Difference: of "
            f"the two. {_INTERVAL} {_UNIT}",
            *_worth_notes(values["subjects"]),
            *mark_notes(tests, shown[reference], output, shown, measure=name.removesuffix(" (mm)")),
            margin_note(margin, shown[reference]),
            "Effect r: matched-pairs rank-biserial correlation, from −1 (all subjects lower) to 1 "
            "(all higher). p: two-sided Wilcoxon signed-rank test, of the differences' ranks: it "
            "and the interval of their mean can disagree where these are skewed.",
            *untested_notes(untested or {}, shown, reference),
            *power_notes(of_output, shown),
            *remark_notes(shown, remarks),
        ),
        phantom=phantom,
        decimals={
            **dict.fromkeys(("mean", "reference_mean", "difference"), decimals),
            **dict.fromkeys(("p", "p_holm"), 4),
            "effect": 2,
            "subjects": 0,
            "repeats": 0,
        },
        floors={"p": 1e-4, "p_holm": 1e-4},
        words={"verdict": WORDS},
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
) -> MeanTable:
    """Mean Dice over subjects of an output with its interval: methods by test sets.

    ``subjects`` is of `subject_scores`.
    """
    chosen = subjects[subjects["output"] == output]
    shown = ordered_titles(chosen["method"].unique(), titles, remarks)
    sets = ordered_sets(chosen["test_set"].unique())
    empty = pd.DataFrame(np.nan, index=pd.Index(list(shown), name="method"), columns=sets)
    over = chosen.groupby(["method", "test_set"])["dice"].agg(["mean", "std", "count"])
    reach = t_reach(over["std"] / np.sqrt(over["count"]), over["count"] - 1)
    mean, low, high = (
        numbers.unstack("test_set").reindex(index=empty.index, columns=sets)
        # A share cannot lie outside [0, 1].
        for numbers in (
            over["mean"],
            (over["mean"] - reach).clip(0, 1),
            (over["mean"] + reach).clip(0, 1),
        )
    )
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
            f"{_INTERVAL} {_UNIT}",
            *_worth_notes(held),
            f"Subjects: {', '.join(f'{name} {span(held.xs(name))}' for name in sets)}.",
            *remark_notes(shown, remarks),
        ),
        phantom=phantom,
        low=low,
        high=high,
    )


def _worth_notes(subjects: pd.Series) -> list[str]:
    """A note on intervals over few subjects."""
    if subjects.empty or subjects.min() >= FEW:
        return []
    one = " One subject has no interval." if subjects.min() < 2 else ""
    return [
        f"Over fewer than {FEW} subjects a t interval of skewed scores holds the mean less often "
        f"than in 95 % (docs/statistics.md): the fewer and the more skewed, the less.{one}"
    ]


def _repeat_notes(total: pd.Series, titles: Mapping[str, str]) -> list[str]:
    """A note on the methods' numbers of repeats, if they differ."""
    if total.nunique() < 2:
        return []
    each = ", ".join(f"{titles[str(method)]} {count}" for method, count in total.items())
    return [
        f"The number of repeats differs ({each}), and with another split and seed the mean does "
        "too: differences are to be read in the table of comparisons, which pairs repeats."
    ]
