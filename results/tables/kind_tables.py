"""Tables of corrupted test sets by kind: Dice at each severity, and the loss of Dice."""

from collections.abc import Mapping

import pandas as pd

from results.analysis.robustness import (
    ROW,
    CorruptedSets,
    degradation,
    over_kinds,
    over_repeats,
    run_scores,
)
from results.scores.order import ordered_titles, remark_notes
from results.scores.published import AVERAGES
from results.tables.mean_table import MeanTable, spread_notes

CLEAN, MEAN = "clean", "mean"
"""The columns besides those of the kinds."""


def severity_table(
    scores: pd.DataFrame,
    sets: CorruptedSets,
    *,
    output: str,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
) -> MeanTable | None:
    """Mean Dice of an output: rows are methods by severity, columns the graded kinds.

    Severity 0 is the clean set, the same in every column. None if no kind is graded. `titles` and
    `remarks` as in `poster_table`.
    """
    if not sets.graded:
        return None
    runs = run_scores(scores, sets)
    runs = runs[runs.index.get_level_values("output") == output]
    shown = ordered_titles(runs.index.unique("method"), titles, remarks)
    severities = sorted({level for levels in sets.graded.values() for level in levels})
    parts = {}
    for severity in [0, *severities]:
        columns = {
            kind: runs[levels[severity]] if severity else runs[sets.clean]
            for kind, levels in sets.graded.items()
            if not severity or severity in levels
        }
        parts[str(severity)] = pd.DataFrame(columns, index=runs.index)
    by_run = pd.concat(parts, names=["severity"]).reindex(columns=list(sets.graded))
    groups = by_run.groupby(level=["method", "severity"])
    rows = pd.MultiIndex.from_tuples(
        [(method, severity) for severity in parts for method in shown], names=["method", "severity"]
    )
    mean, sd, repeats = (
        frame.reindex(rows) for frame in (groups.mean(), groups.std(), groups.count())
    )
    return MeanTable(
        mean=mean,
        sd=sd,
        repeats=repeats,
        titles=shown,
        headers={kind: kind for kind in sets.graded},
        notes=(
            *spread_notes(
                f"Dice ({output}) under each kind of corruption by severity; 0 is {sets.clean} "
                "itself.",
                _repeats(runs, shown),
                shown,
            ),
            *remark_notes(shown, remarks),
        ),
        phantom=phantom,
    )


def degradation_table(
    scores: pd.DataFrame,
    sets: CorruptedSets,
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
) -> MeanTable:
    """Loss of Dice by kind (mean over its severities): rows are methods by output.

    Further columns are the Dice on the clean set and the mean loss over the kinds.
    """
    runs = run_scores(scores, sets)
    lost = degradation(runs, sets)
    kinds = [str(kind) for kind in lost]
    by_run = pd.concat(
        [runs[sets.clean].rename(CLEAN), lost, over_kinds(lost).rename(MEAN)], axis=1
    )
    mean, sd, repeats = over_repeats(by_run)
    shown = ordered_titles(runs.index.unique("method"), titles, remarks)
    pairs = [(method, output) for output in AVERAGES for method in shown]
    rows = pd.MultiIndex.from_tuples([pair for pair in pairs if pair in mean.index], names=ROW)
    severities = ", mean over severities" if sets.graded else ""
    return MeanTable(
        mean=mean.loc[rows],
        sd=sd.loc[rows],
        repeats=repeats.loc[rows],
        titles=shown,
        headers={CLEAN: f"{sets.clean} ↑", **{kind: f"{kind} ↓" for kind in kinds}, MEAN: "Mean ↓"},
        notes=(
            *spread_notes(
                f"{sets.clean}: Dice. Elsewhere the loss: Dice on {sets.clean} minus Dice under "
                f"the kind of corruption{severities}; Mean: over the kinds.",
                _repeats(runs, shown),
                shown,
            ),
            *remark_notes(shown, remarks),
        ),
        phantom=phantom,
        lower_is_better=frozenset([*kinds, MEAN]),
    )


def _repeats(runs: pd.DataFrame, shown: Mapping[str, str]) -> pd.Series:
    """Number of repeats of each method."""
    named = runs.index.to_frame(index=False)
    return named.groupby("method")["repeat"].nunique().reindex(list(shown))
