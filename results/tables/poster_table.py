"""The poster's table: mean score per method and test set, and the two averages.

Every number is a mean per repeat first; what is printed is the mean and the sample standard
deviation over repeats. An average is over the same sets in every row, or it is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from results.analysis.presence import DETECTED, PRESENT
from results.scores.order import averaged_sets, further_sets, ordered_titles, remark_notes
from results.scores.published import AVERAGES, POSTER_SETS, POSTER_SUBJECTS
from results.scores.score_groups import ScoreGroups
from results.scores.score_table import (
    DISTANCES,
    by_set,
    set_scores,
)
from results.tables.mean_table import MeanTable, absent_notes, spread_notes, volume_notes
from results.wording import listed, some_listed

_METRICS = {
    "dice": "Dice",
    "hd95_mm": "95 % Hausdorff distance in mm",
    "nsd_2mm": "Normalised surface Dice at 2 mm",
    "hd_mm": "Hausdorff distance in mm",
    "assd_mm": "Average symmetric surface distance in mm",
    "jaccard": "Jaccard index",
    DETECTED: "Detection rate, the percentage of the label's structures that were found at all",
    PRESENT: "95 % Hausdorff distance in mm, of structures that label and prediction both have",
}
_DISTANCES = (*DISTANCES, PRESENT)
_DECIMALS = {**dict.fromkeys(_DISTANCES, 2), DETECTED: 1}
_OVER = "a set's score is the mean over its volumes and LV, MYO and RV."
_RULES = {
    "dice": "count as Dice 0",
    **dict.fromkeys(DISTANCES, "count as the diagonal of the field, which may be most of a mean"),
    **dict.fromkeys(("nsd_2mm", "jaccard"), "count as 0"),
    DETECTED: "count as not found, or, from the label, not at all",
    PRESENT: "are left out, so that it is a mean of other structures for each method",
}


@dataclass(frozen=True, kw_only=True)
class PosterTable(MeanTable):
    """The table as numbers, with notes on them.

    A row is a method. The columns are the six sets of the poster, the two averages, and further
    sets. Further sets come after the averages that leave them out (with `average_all`, before the
    averages). In a header, `*` marks an average over other sets than the poster's, `†` a set
    outside the averages.
    """

    averaged: dict[str, tuple[str, ...]]
    """The sets behind each average column."""
    missing_sets: tuple[str, ...]
    """The sets of the poster's six for which no method has FTN scores."""


def poster_table(
    scores: pd.DataFrame | ScoreGroups,
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    average_all: bool = False,
    phantom: bool = False,
    output: str = "FTN",
    metric: str = "dice",
    over: str = _OVER,
) -> PosterTable:
    """Make the poster's table from a score table (see `read_scores`), or from its rows `by_set`.

    Set columns hold the scores of an `output` by a `metric` of `METRICS`, or one that
    `with_presence` adds; the poster has Dice of the FTN. `AVG (FTN)` and `AVG (FTN+STN)` are means
    over the poster's six sets, or over those of them with scores of any method. `average_all` also
    includes further test sets; a table without any of the six does the same. A method that lacks
    one of these sets has no average. Rows are in the poster's order for methods whose title
    (`titles`, else the name) is on the poster, then by title. The notes include the `remarks` on
    methods, and `over`, a sentence on what a set's score is.
    """
    groups = by_set(scores)
    means = set_scores(groups, metric)
    extra = further_sets(means["test_set"])
    columns: dict[str, pd.Series] = {}
    own_sets = pd.DataFrame()
    averaged: dict[str, tuple[str, ...]] = {}
    runs = means.set_index(["method", "repeat"]).index.unique()
    for averaged_output, name in AVERAGES.items():
        wide = means[means["output"] == averaged_output].pivot(
            index=["method", "repeat"], columns="test_set", values=metric
        )
        wide = wide.reindex(index=runs, columns=[*POSTER_SETS, *extra])
        scored = list(map(str, wide.columns[wide.notna().any()]))
        averaged[name] = averaged_sets(scored, everything=average_all)
        columns[name] = wide[list(averaged[name])].mean(axis=1, skipna=False)
        if averaged_output == output:
            own_sets = wide

    own = not any(set(sets) & set(POSTER_SETS) for sets in averaged.values())
    behind, before = ([], extra) if average_all or own else (extra, [])
    order = [*POSTER_SETS, *before, *AVERAGES.values(), *behind]
    shown = ordered_titles(runs.unique("method"), titles, remarks)
    every = pd.concat([pd.DataFrame(columns), own_sets], axis=1)[order]
    # Copy into one block, since the last bit of pandas' sums depends on the memory layout.
    per_method = every.copy().groupby(level="method")
    mean, sd, repeats = (
        frame.reindex(list(shown))
        for frame in (per_method.mean(), per_method.std(), per_method.count())
    )
    headers = {name: name for name in order}
    headers |= {name: f"{name}†" for name in behind}
    headers |= {name: f"{name}*" for name, sets in averaged.items() if sets != POSTER_SETS}
    total = per_method.size().reindex(list(shown))
    notes = [
        *spread_notes(f"{_METRICS[metric]}; {over}", total, shown),
        *_average_notes(averaged, behind, output),
        *([] if phantom else subject_notes(groups)),
        *remark_notes(shown, remarks),
        *_gap_notes(mean, repeats, total, shown),
        *volume_notes(groups.scored_volumes, shown),
        *absent_notes(groups.absent_counts, shown, _RULES[metric]),
    ]
    return PosterTable(
        mean=mean,
        sd=sd,
        repeats=repeats,
        titles=shown,
        headers=headers,
        averaged=averaged,
        missing_sets=tuple(s for s in POSTER_SETS if mean[s].isna().all()),
        notes=tuple(notes),
        phantom=phantom,
        decimals=dict.fromkeys(order, _DECIMALS[metric]) if metric in _DECIMALS else {},
        lower_is_better=frozenset(order if metric in _DISTANCES else ()),
    )


def subject_notes(groups: ScoreGroups) -> list[str]:
    """A note on sets with another number of subjects than on the poster."""
    counts = groups.subjects
    each = [
        f"{name} {counts[name]} and {number}"
        for name, number in POSTER_SUBJECTS.items()
        if name in counts and counts[name] != number
    ]
    if not each:
        return []
    return [
        f"Subjects here and in the poster: {listed(each)}; do not compare such a column, or an "
        "average over it, with the poster's as if they were of the same subjects."
    ]


def _average_notes(
    averaged: Mapping[str, tuple[str, ...]], outside: list[str], output: str
) -> list[str]:
    """Notes on the sets of an average, if they are not the poster's six."""
    notes = []
    for sets in dict.fromkeys(averaged.values()):
        names = listed(name for name, other in averaged.items() if other == sets)
        verb = "are" if names.count("AVG") > 1 else "is"
        if sets == POSTER_SETS:
            notes.append(f"{names} {verb} over the six sets of the poster.")
            continue
        if not sets:
            notes.append(f"* {names} {verb} missing: no method has scores for any of its sets.")
            continue
        lacking = [name for name in POSTER_SETS if name not in sets]
        reason = f" only; no method has scores for {listed(lacking)}" if lacking else ""
        notes.append(
            f"* {names} {verb} over {some_listed(sets, 'test sets')}{reason}: not comparable with "
            "the poster's."
        )
    if outside:
        notes.append(f"† outside the averages: {some_listed(outside, 'test sets')} ({output}).")
    return notes


def _gap_notes(
    mean: pd.DataFrame, repeats: pd.DataFrame, total: pd.Series, titles: Mapping[str, str]
) -> list[str]:
    """Notes on cells without a score, or without scores of all repeats."""
    notes = []
    wanting = mean.columns[mean.notna().any()]
    gaps = mean[wanting].isna()
    if gaps.to_numpy().any():
        each = "; ".join(
            f"{titles[str(method)]}: {listed(gaps.columns[row])}"
            for method, row in gaps.iterrows()
            if row.any()
        )
        notes.append(
            f"Missing, since there are no scores ({each}); no average is taken over fewer sets."
        )
    partial = repeats.lt(total, axis=0) & repeats.gt(0)
    for name in map(str, partial.index[partial.any(axis=1)]):
        cells = ", ".join(
            f"{column} {repeats.at[name, column]!s}"
            for column in partial.columns[partial.loc[name].to_numpy()]
        )
        notes.append(
            f"{titles[name]} lacks scores of some of its {total.at[name]} repeats; "
            f"repeats behind these cells: {cells}."
        )
    return notes
