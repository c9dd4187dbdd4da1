"""Measures of robustness: how much of its score a method keeps on corrupted images.

The caller gives the corrupted test sets, with kind and severity (`CorruptedSets`). Every measure is
computed per run (a method's repeat, and an output) from the scores of its test sets, and then
averaged over repeats (`over_repeats`). If a run lacks the score of a needed set, the measure is NaN
for that run, never a mean over fewer sets. Severities of a kind have equal weights (except in
ROOD-MRI's scores), and so have kinds in a mean over kinds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.core.errors import ScoreFileError
from results.analysis.signed_rank import ROUNDING
from results.scores.score_groups import ScoreGroups
from results.scores.score_table import set_scores, subject_scores

SEVERITIES = range(1, 6)
"""The levels of a graded corruption, from slight to severe."""

ROOD_ALPHA = 2 / 3
"""Weight of a severity over that of the one below: the default of ROOD-MRI."""

ROW = ["method", "output"]
RUN = [*ROW, "repeat"]

LEAST_DEGRADATION = 0.02
"""Smallest loss of Dice of the reference under a kind, for a ratio of degradations.

A smaller loss is mostly noise from few subjects, and a ratio to it has no meaning.
"""


@dataclass(frozen=True)
class Corruption:
    """The corruption of a test set: its kind, and its severity if the kind is graded.

    Raises `ScoreFileError` for a severity outside `SEVERITIES`.
    """

    kind: str
    severity: int | None = None

    def __post_init__(self) -> None:
        if self.severity is not None and self.severity not in SEVERITIES:
            raise ScoreFileError(
                f"{self.kind}: severity {self.severity} is not one of "
                f"{SEVERITIES.start} to {SEVERITIES.stop - 1}; name the kind without a severity"
            )


@dataclass(frozen=True)
class CorruptedSets:
    """The corrupted test sets of a comparison, and the clean one that they were made from.

    Raises `ScoreFileError` if there is none, if the clean set is among them, or if a kind has a
    severity twice, or sets both with and without severity.
    """

    corruptions: Mapping[str, Corruption]
    """The corruptions, by the name of the test set."""
    clean: str = "ACDC"

    def __post_init__(self) -> None:
        if not self.corruptions:
            raise ScoreFileError("no test set is corrupted; name at least one")
        if self.clean in self.corruptions:
            raise ScoreFileError(f"{self.clean}: is named both as the clean and as a corrupted set")
        found: dict[Corruption, str] = {}
        for test_set, corruption in self.corruptions.items():
            if (twin := found.setdefault(corruption, test_set)) != test_set:
                raise ScoreFileError(
                    f"{twin} and {test_set} are both {corruption.kind} of severity "
                    f"{corruption.severity or 'none'}; leave one of them out"
                )
        for kind, levels in self.levels.items():
            if None in levels and len(levels) > 1:
                raise ScoreFileError(
                    f"{kind}: {levels[None]} has no severity, {len(levels) - 1} other sets of the "
                    "kind have one; give it another kind"
                )

    @property
    def levels(self) -> dict[str, dict[int | None, str]]:
        """By kind, the test set of each severity in ascending order; None where not graded."""
        order = sorted(
            self.corruptions, key=lambda name: (self._of(name).kind, self._of(name).severity or 0)
        )
        levels: dict[str, dict[int | None, str]] = {}
        for test_set in order:
            corruption = self._of(test_set)
            levels.setdefault(corruption.kind, {})[corruption.severity] = test_set
        return levels

    @property
    def graded(self) -> dict[str, dict[int, str]]:
        """Like `levels`, for the kinds with severities only."""
        return {
            kind: {severity: name for severity, name in levels.items() if severity is not None}
            for kind, levels in self.levels.items()
            if None not in levels
        }

    @property
    def test_sets(self) -> list[str]:
        """The clean set, then the corrupted ones by kind and severity."""
        return [self.clean, *(name for levels in self.levels.values() for name in levels.values())]

    def _of(self, test_set: str) -> Corruption:
        return self.corruptions[test_set]


def run_scores(
    scores: pd.DataFrame | ScoreGroups, sets: CorruptedSets, metric: str = "dice"
) -> pd.DataFrame:
    """The score of every run on every test set: an index `RUN`, a column for each of the sets.

    `scores` is a table from `read_scores`, or its rows `by_set`; `metric` is one of its metrics. A
    set's score is the mean over its volumes and structures (`set_scores`); NaN where the run has
    none.
    """
    means = set_scores(scores, metric)
    wide = means.pivot(index=RUN, columns="test_set", values=metric)
    return wide.reindex(columns=sets.test_sets)


def kind_means(runs: pd.DataFrame, sets: CorruptedSets) -> pd.DataFrame:
    """Mean over the severities of each kind, per run; `runs` is of `run_scores`."""
    return pd.DataFrame(
        {
            kind: runs[list(levels.values())].mean(axis=1, skipna=False)
            for kind, levels in sets.levels.items()
        }
    )


def degradation(runs: pd.DataFrame, sets: CorruptedSets) -> pd.DataFrame:
    """Clean Dice minus corrupted Dice per run and kind, mean over severities; in [-1, 1]."""
    return kind_means(runs, sets).rsub(runs[sets.clean], axis=0)


def relative_degradation(runs: pd.DataFrame, sets: CorruptedSets) -> pd.DataFrame:
    """`degradation` in percent of the run's clean Dice; NaN where that is 0."""
    return 100 * degradation(runs, sets).div(_positive(runs[sets.clean]), axis=0)


def corruption_errors(runs: pd.DataFrame, sets: CorruptedSets, reference: str) -> pd.DataFrame:
    """Corruption error of each run and kind in percent of the reference method's.

    CE_c = Σ_s E_s,c / Σ_s E_s,c(reference), E = 1 − Dice in the place of the classification error;
    mCE is its mean over the kinds c (Hendrycks and Dietterich, ICLR 2019, arXiv:1903.12261, section
    4.2). As in the source, the reference is the same for every repeat of a row: its mean error over
    the repeats that the row has too (and that have all sets), for the same output. So the
    reference's own mCE is 100 %, a row's spread is its own, and another split does not count as
    another method. NaN if the reference makes no error, or has no repeat in common with the row.

    Raises `ScoreFileError` where the reference has no scores at all.
    """
    return _percent_of_reference(1 - kind_means(runs, sets), reference)


def relative_corruption_errors(
    runs: pd.DataFrame, sets: CorruptedSets, reference: str
) -> pd.DataFrame:
    """As `corruption_errors`, for the error that the corruption adds to that on the clean set.

    Relative CE_c = Σ_s (E_s,c − E_clean) / Σ_s (E_s,c − E_clean)(reference), in percent (ibid.).
    E_s,c − E_clean is the degradation. NaN where the reference degrades by less than
    `LEAST_DEGRADATION`: a ratio to a gain, or to almost zero, cannot rank methods.
    """
    return _percent_of_reference(degradation(runs, sets), reference, least=LEAST_DEGRADATION)


def undefined_ratios(errors: pd.DataFrame, reference: str, *, least: float = 0.0) -> pd.DataFrame:
    """Whether the reference's error is too small for a ratio, by `ROW` and kind.

    ``errors`` is by run and kind, from `kind_means` of errors or `degradation`. False if there is
    no error to compare with, since scores or a common repeat are missing.
    """
    too_small = _of_reference(errors, reference) <= max(least, ROUNDING)
    return too_small.groupby(level=ROW).any()


def rood_overall(
    runs: pd.DataFrame, sets: CorruptedSets, alpha: float = ROOD_ALPHA
) -> pd.DataFrame:
    """ROOD-MRI's overall score of each run and graded kind t: a weighted mean Dice, in [0, 1].

    overall_t = (m_clean + Σ_s α^s m_t,s) / (1 + Σ_s α^s), where m is the mean Dice of a set and
    0 < α ≤ 1: the clean set enters as severity 0, and the more severe, the less it weighs. The
    score over kinds is their mean (`over_kinds`).

    Source: L. Boone et al., ROOD-MRI, NeuroImage 2023, arXiv:2203.06060; written down from the
    definition in the authors' repository (AICONSlab/roodmri, `roodmri/metrics/calculate.py`, commit
    ffe7decc, `calculate_metrics`, "Overall", default α = 2/3). Theirs weights the standard
    deviation over subjects the same way; here the spread is that over repeats. It needs a severity:
    a kind without one has no such score, and no column.
    """
    columns = {}
    for kind, levels in sets.graded.items():
        weights, weighted = _rood_sums(runs, levels, alpha)
        columns[kind] = (runs[sets.clean] + weighted) / (1 + weights)
    return pd.DataFrame(columns, index=runs.index, dtype="float64")


def rood_degradation(
    runs: pd.DataFrame, sets: CorruptedSets, alpha: float = ROOD_ALPHA
) -> pd.DataFrame:
    """ROOD-MRI's degradation of each run and graded kind t: a weighted loss of Dice, in [-1, 1].

    degradation_t = Σ_s α^s (m_clean − m_t,s) / Σ_s α^s, from the same source as `rood_overall`
    ("Degradation"; the sign is theirs for a metric of which more is better). It needs a severity as
    well, although of a single level it would be the `degradation` whatever the weight.
    """
    columns = {}
    for kind, levels in sets.graded.items():
        weights, weighted = _rood_sums(runs, levels, alpha)
        columns[kind] = runs[sets.clean] - weighted / weights
    return pd.DataFrame(columns, index=runs.index, dtype="float64")


def over_kinds(by_kind: pd.DataFrame) -> pd.Series:
    """Mean over the kinds, per run; NaN where one of them is."""
    return by_kind.mean(axis=1, skipna=False)


def over_repeats(by_run: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Mean, sample standard deviation (n - 1) and number of the repeats that have a value.

    The three have the index `ROW`; the deviation is NaN for fewer than two repeats.
    """
    rows = by_run.groupby(level=ROW)
    return rows.mean(), rows.std(), rows.count()


def degradation_curves(scores: pd.DataFrame, sets: CorruptedSets) -> pd.DataFrame:
    """Dice and its degradation by kind and severity, ready to draw: a tidy table.

    Columns: method, output, kind, severity (0 the clean set, which stands in every kind; <NA> a
    kind that is not graded), measure ("dice", "degradation" in Dice,
    "relative_degradation_percent" of the clean Dice), mean, sd and n_repeats as of `over_repeats`.
    """
    runs = run_scores(scores, sets)
    clean = runs[sets.clean]
    parts = []
    for kind, levels in sets.levels.items():
        for severity, test_set in [(0, sets.clean), *levels.items()]:
            lost = clean - runs[test_set]
            measures = {
                "dice": runs[test_set],
                "degradation": lost,
                "relative_degradation_percent": 100 * lost / _positive(clean),
            }
            part = _tidy(pd.DataFrame(measures), "measure")
            part.insert(2, "kind", kind)
            part.insert(3, "severity", pd.Series(severity, index=part.index, dtype="Int64"))
            parts.append(part)
    curves = pd.concat(parts, ignore_index=True)
    return curves.sort_values([*ROW, "kind", "measure", "severity"], ignore_index=True)


def worst_subjects(scores: pd.DataFrame, test_sets: Iterable[str]) -> pd.DataFrame:
    """The subject that a method fails most on, per method, output and test set.

    A subject's score is the mean Dice of its frames, structures, draws and repeats
    (`subject_scores`). Columns: method, output, test_set, `dice`, `subject` (the
    first by name of those that share it) and `tied` (how many do).
    """
    subjects = subject_scores(scores, test_sets)
    subjects = subjects.sort_values(["subject"], kind="stable", ignore_index=True)
    group = [*ROW, "test_set"]
    least = subjects.groupby(group)["dice"].transform("min")
    worst = subjects[subjects["dice"] == least]
    first = worst.groupby(group).agg(
        dice=("dice", "first"), subject=("subject", "first"), tied=("subject", "size")
    )
    return first.reset_index()


def _positive(values: pd.Series) -> pd.Series:
    """Values that are safe divisors; NaN elsewhere."""
    return values.where(values > ROUNDING)


def _percent_of_reference(
    errors: pd.DataFrame, reference: str, *, least: float = 0.0
) -> pd.DataFrame:
    """Errors of each run and kind in percent of the reference's, NaN where the reference's error is
    too small."""
    of_reference = _of_reference(errors, reference)
    return 100 * errors / of_reference.where(of_reference > max(least, ROUNDING))


def _of_reference(errors: pd.DataFrame, reference: str) -> pd.DataFrame:
    """The reference's mean error over the repeats that the row also has, by run and kind."""
    methods = errors.index.unique("method")
    if reference not in methods:
        raise ScoreFileError(
            f"scores: hold no method called '{reference}', which corruption errors are to be "
            f"relative to; choose one of {', '.join(map(str, methods))}"
        )
    # Repeats that lack a set do not count in the reference's mean either.
    whole = errors.xs(reference, level="method").dropna()
    own = pd.MultiIndex.from_frame(errors.index.to_frame()[list(whole.index.names)])
    of_run = pd.DataFrame(whole.reindex(own)).set_axis(errors.index)
    return of_run.groupby(level=ROW).transform("mean")


def _rood_sums(
    runs: pd.DataFrame, levels: Mapping[int, str], alpha: float
) -> tuple[float, pd.Series]:
    """Σ_s α^s and Σ_s α^s m_s of one kind."""
    weights = np.array([alpha**severity for severity in levels])
    weighted = runs[list(levels.values())].mul(weights, axis=1).sum(axis=1, skipna=False)
    return float(weights.sum()), weighted


def _tidy(by_run: pd.DataFrame, column: str) -> pd.DataFrame:
    """Mean, sd and n_repeats in long form; `column` takes the names of the columns."""
    mean, sd, repeats = over_repeats(by_run.rename_axis(columns=column))
    parts = {"mean": mean.stack(), "sd": sd.stack(), "n_repeats": repeats.stack()}
    return pd.DataFrame(parts).reset_index()
