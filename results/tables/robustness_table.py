"""The table of the measures of `results.analysis.robustness`: methods and outputs by measures."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from results.analysis.robustness import (
    LEAST_DEGRADATION,
    ROOD_ALPHA,
    ROW,
    RUN,
    CorruptedSets,
    corruption_errors,
    degradation,
    kind_means,
    over_kinds,
    over_repeats,
    relative_corruption_errors,
    relative_degradation,
    rood_degradation,
    rood_overall,
    run_scores,
    undefined_ratios,
    worst_subjects,
)
from results.scores.order import ordered_titles, remark_notes
from results.scores.published import AVERAGES
from results.scores.score_table import alike_repeats, by_set
from results.tables.mean_table import MeanTable, absent_notes, spread_notes, volume_notes
from results.wording import listed


@dataclass(frozen=True)
class _Measure:
    header: str
    decimals: int
    lower_is_better: bool = False


MEASURES = {
    "clean_dice": _Measure("Clean ↑", 4),
    "corrupted_dice": _Measure("Corrupted ↑", 4),
    "degradation": _Measure("Degr. ↓", 4, True),
    "relative_degradation_percent": _Measure("Degr. (%) ↓", 1, True),
    "mce_percent": _Measure("mCE (%) ↓", 1, True),
    "relative_mce_percent": _Measure("Rel. mCE (%) ↓", 1, True),
    "rood_overall": _Measure("ROOD (overall) ↑", 4),
    "rood_degradation": _Measure("ROOD (degr.) ↓", 4, True),
    "worst_subject_dice": _Measure("Worst subject ↑", 4),
    "hd95_mm": _Measure("HD95 (mm) ↓", 2, True),
    "nsd_2mm": _Measure("NSD (2 mm) ↑", 4),
}
"""The columns in their order, by their name in the CSV."""


def robustness_table(
    scores: pd.DataFrame,
    sets: CorruptedSets,
    *,
    reference: str,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
) -> MeanTable:
    """Make the robustness table from a score table (see `read_scores`).

    A row is a method and an output. `reference` is the method that corruption errors are relative
    to. Columns are those of `MEASURES`, but ROOD-MRI's only if a kind is graded, NSD only if it was
    measured, and corruption errors only if there are several methods. `titles` and `remarks` as in
    `poster_table`.

    Raises `ScoreFileError` where the reference has no scores.
    """
    of_sets = by_set(scores)
    dice = run_scores(of_sets, sets)
    by_run = {
        "clean_dice": dice[sets.clean],
        "corrupted_dice": over_kinds(kind_means(dice, sets)),
        "degradation": over_kinds(degradation(dice, sets)),
        "relative_degradation_percent": over_kinds(relative_degradation(dice, sets)),
        "mce_percent": over_kinds(corruption_errors(dice, sets, reference)),
        "relative_mce_percent": over_kinds(relative_corruption_errors(dice, sets, reference)),
        "hd95_mm": over_kinds(kind_means(run_scores(of_sets, sets, "hd95_mm"), sets)),
    }
    alone = dice.index.unique("method").size == 1
    if alone:  # relative to itself, all errors are 100
        del by_run["mce_percent"], by_run["relative_mce_percent"]
    if sets.graded:
        by_run["rood_overall"] = over_kinds(rood_overall(dice, sets))
        by_run["rood_degradation"] = over_kinds(rood_degradation(dice, sets))
    if scores["nsd_2mm"].notna().any():
        by_run["nsd_2mm"] = over_kinds(kind_means(run_scores(of_sets, sets, "nsd_2mm"), sets))
    mean, sd, repeats = over_repeats(pd.DataFrame(by_run))
    alike, of_repeats = alike_repeats(scores)
    subjects = worst_subjects(alike, sets.corruptions)
    _add_worst(mean, sd, repeats, run_scores(alike, sets), sets, subjects)

    shown = ordered_titles(dice.index.unique("method"), titles, remarks)
    columns = [name for name in MEASURES if name in mean]
    pairs = [(method, output) for output in AVERAGES for method in shown]
    rows = pd.MultiIndex.from_tuples([pair for pair in pairs if pair in mean.index], names=ROW)
    mean, sd, repeats = (frame.loc[rows, columns] for frame in (mean, sd, repeats))
    runs = dice.index.to_frame(index=False)
    total = runs.groupby("method")["repeat"].nunique().reindex(list(shown))
    shares = ["Dice", "NSD"] if "nsd_2mm" in columns else ["Dice"]
    used = scores[scores["test_set"].isin(sets.test_sets)]
    used_sets = by_set(used)
    notes = [
        *spread_notes(_cell(sets, "nsd_2mm" in columns), total, shown),
        *_definitions(sets, None if alone else shown[reference]),
        *_worst_notes(mean, subjects, shown, of_repeats),
        *remark_notes(shown, remarks),
        *_missing_notes(dice, shown),
        *_zero_notes(dice, sets, shown),
        *([] if alone else _undefined_notes(dice, sets, reference, shown)),
        *_coverage_notes(used, sets),
        *volume_notes(used_sets.scored_volumes, shown),
        *absent_notes(
            used_sets.absent_counts,
            shown,
            f"count as {listed(shares)} 0 and HD95 the diagonal of the field",
        ),
    ]
    return MeanTable(
        mean=mean,
        sd=sd,
        repeats=repeats,
        titles=shown,
        headers={name: MEASURES[name].header for name in columns},
        notes=tuple(notes),
        phantom=phantom,
        decimals={name: MEASURES[name].decimals for name in columns},
        lower_is_better=frozenset(name for name in columns if MEASURES[name].lower_is_better),
        undefined=_undefined(mean, dice, sets, reference),
    )


def _add_worst(
    mean: pd.DataFrame,
    sd: pd.DataFrame,
    repeats: pd.DataFrame,
    dice: pd.DataFrame,
    sets: CorruptedSets,
    subjects: pd.DataFrame,
) -> None:
    """Add the smallest subject score over the corrupted sets to the other measures.

    A subject's score is over all repeats, so it has no spread; its number of repeats is the
    smallest of any set.
    """
    corrupted = list(sets.corruptions)
    wide = subjects.pivot(index=ROW, columns="test_set", values="dice")
    least = wide.reindex(columns=corrupted).min(axis=1, skipna=False)
    mean["worst_subject_dice"] = least.reindex(mean.index)
    sd["worst_subject_dice"] = float("nan")
    counts = dice[corrupted].notna().groupby(level=ROW).sum().min(axis=1)
    repeats["worst_subject_dice"] = counts.reindex(mean.index)


def _cell(sets: CorruptedSets, nsd: bool) -> str:
    """A note on what the numbers are means of."""
    one = [kind for kind in sets.levels if kind not in sets.graded]
    kinds = [f"{kind} of severity {_range(list(levels))}" for kind, levels in sets.graded.items()]
    if one:
        kinds.append(f"{listed(one)} of one level")
    names = ["Corrupted", "HD95", *(["NSD"] if nsd else [])]
    return (
        f"Clean: mean Dice on {sets.clean}. {listed(names)}: mean over the "
        f"{'severities of a kind, then over the ' if sets.graded else ''}kinds of corruption "
        f"({'; '.join(kinds)})."
    )


def _range(severities: list[int]) -> str:
    """Write severities for a text: "3", "1 to 5", "1, 3 and 5"."""
    first, last = severities[0], severities[-1]
    if len(severities) > 2 and severities == list(range(first, last + 1)):
        return f"{first} to {last}"
    return listed(map(str, severities))


def _definitions(sets: CorruptedSets, reference: str | None) -> list[str]:
    """Notes that define the less known columns, with sources.

    ``reference`` is None if no column is relative to it.
    """
    notes = [
        "Degr.: Clean minus Corrupted, in Dice and in percent of Clean. It is small as well where "
        "there is little to lose: read it beside Clean.",
    ]
    if reference is not None:
        notes.append(
            f"mCE: 1 − Dice in percent of that of {reference} (same output, mean of the repeats "
            "that both have), summed over severities, mean over kinds; Rel. mCE: likewise, with "
            f"the error on {sets.clean} subtracted first (Hendrycks and Dietterich, ICLR 2019)."
        )
    if sets.graded:
        without = [kind for kind in sets.levels if kind not in sets.graded]
        left_out = f" Without {listed(without)}, which have no severity." if without else ""
        notes.append(
            "ROOD: Dice (with the clean set as severity 0) and its loss, averaged over severities "
            f"s with weights α^s, α = {round(ROOD_ALPHA * 3)}/3, then over kinds (ROOD-MRI, Boone "
            f"et al., NeuroImage 2023).{left_out}"
        )
    return notes


def _worst_notes(
    mean: pd.DataFrame, subjects: pd.DataFrame, titles: Mapping[str, str], of_repeats: str
) -> list[str]:
    """Notes on the worst subject, one for each output."""
    of = f" {of_repeats}," if of_repeats else ""
    notes = [
        f"Worst subject:{of} the least mean Dice of a subject (over its frames, structures, draws "
        "and repeats) on any corrupted set; no spread."
    ]
    least = mean["worst_subject_dice"].dropna()
    for output in least.index.unique("output"):
        each = []
        for method, dice in least.xs(output, level="output").items():
            of_row = (subjects["method"] == method) & (subjects["output"] == output)
            found = subjects[of_row & (subjects["dice"] == dice)]
            first, more = found.iloc[0], int(found["tied"].sum()) - 1
            tied = f", level with {more} more" if more else ""
            title = titles[str(method)]
            each.append(f"{title} {first['subject']} on {first['test_set']}{tied}")
        notes.append(f"Worst subject, {output}: {'; '.join(each)}.")
    return notes


def _missing_notes(dice: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """A note on sets that a method, or some of its runs, has no score on."""
    each = []
    lacking = dice.isna().groupby(level="method")
    every, some = lacking.all(), lacking.any()
    for method in titles:
        always = [str(name) for name in dice if every.at[method, name]]
        partly = [str(name) for name in dice if some.at[method, name] and str(name) not in always]
        words = [listed(always)] if always else []
        words += [f"in some repeats or outputs {listed(partly)}"] if partly else []
        each += [f"{titles[method]}: {', and '.join(words)}"] if words else []
    if not each:
        return []
    return [
        f"Sets without scores ({'; '.join(each)}): measures that need them are missing, or over "
        "the repeats that have them all; no mean is taken over fewer sets."
    ]


def _undefined_notes(
    dice: pd.DataFrame, sets: CorruptedSets, reference: str, titles: Mapping[str, str]
) -> list[str]:
    """Notes on ratios that are undefined although every score exists."""
    notes = []
    for name, errors, least, reason in _ratios(dice, sets):
        gaps = undefined_ratios(errors, reference, least=least)
        each = [
            f"{listed(kinds)} ({output})"
            for (method, output), *row in gaps.itertuples()
            if method == reference
            and (kinds := [str(kind) for kind, gap in zip(gaps, row, strict=True) if gap])
        ]
        if each:
            notes.append(
                f"{name} is not defined where {titles[reference]} {reason}: under {listed(each)}."
            )
    repeats: dict[tuple[str, str], set[int]] = {}
    whole = dice.dropna().index
    for method, output, repeat in whole.to_frame()[RUN].itertuples(index=False, name=None):
        repeats.setdefault((method, output), set()).add(repeat)
    apart = {
        method
        for (method, output), own in repeats.items()
        if not own & repeats.get((reference, output), set())
    }
    if apart:
        names = listed(title for method, title in titles.items() if method in apart)
        notes.append(
            f"mCE and Rel. mCE are missing, since no repeat is common with "
            f"{titles[reference]}: {names}."
        )
    return notes


def _zero_notes(dice: pd.DataFrame, sets: CorruptedSets, titles: Mapping[str, str]) -> list[str]:
    """A note on methods whose loss has no percentage."""
    zero = dice.index[dice[sets.clean] == 0].unique("method")
    if not len(zero):
        return []
    names = listed(titles[str(method)] for method in titles if method in zero)
    return [f"Degr. (%) is without repeats whose Dice on {sets.clean} is 0: {names}."]


def _ratios(dice: pd.DataFrame, sets: CorruptedSets) -> list[tuple[str, pd.DataFrame, float, str]]:
    """The measures relative to the reference: name, errors by run and kind, smallest error, and
    reason."""
    return [
        ("mCE", 1 - kind_means(dice, sets), 0.0, "makes no error"),
        (
            "Rel. mCE",
            degradation(dice, sets),
            LEAST_DEGRADATION,
            f"loses no more than {LEAST_DEGRADATION:g} Dice",
        ),
    ]


def _undefined(
    mean: pd.DataFrame, dice: pd.DataFrame, sets: CorruptedSets, reference: str
) -> pd.DataFrame:
    """Cells of a table without a number, since their ratio is not defined."""
    undefined = pd.DataFrame(False, index=mean.index, columns=mean.columns)
    columns = ("mce_percent", "relative_mce_percent")
    for column, (_, errors, least, _) in zip(columns, _ratios(dice, sets), strict=True):
        if column in mean:
            gaps = undefined_ratios(errors, reference, least=least).any(axis=1)
            undefined[column] = gaps.reindex(mean.index)
    return undefined


def _coverage_notes(used: pd.DataFrame, sets: CorruptedSets) -> list[str]:
    """A note on corrupted sets with other volumes than the clean set, which affects differences."""
    volumes = used[["test_set", "subject", "frame"]].drop_duplicates()
    held = {
        str(name): set(zip(rows["subject"], rows["frame"], strict=True))
        for name, rows in volumes.groupby("test_set", observed=True)
    }
    clean = held.get(sets.clean)
    if clean is None:
        return []
    other = [name for name in sets.test_sets if name in held and held[name] != clean]
    if not other:
        return []
    return [
        f"{listed(other)}: not of the same subjects and frames as {sets.clean}, so that "
        "degradations hold that difference too."
    ]
