"""A model with crossed random effects: what other subjects and other trainings would change.

A difference of two methods is d_ij = μ + s_i + r_j + e_ij of subject i and repeat j (a split and a
seed), all of them random. Tests over subjects alone take s and e as random and r as fixed: their
result is valid for the trained networks. Here μ is the difference of the methods, over subjects and
repeats.

The variances are those of the analysis of variance of a complete table (subjects by repeats), none
below zero, which are the mixed model's by restricted likelihood where all are positive; the
interval is Student's, with Satterthwaite's degrees of freedom, since of three repeats two are left.
Source: S. R. Searle, G. Casella, C. E. McCulloch, Variance Components, 1992, sections 4.3 and 4.7;
F. E. Satterthwaite, Biometrics Bulletin 1946. docs/statistics.md compares it with the two-way
bootstrap, which covers less.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from results.analysis.intervals import Numbers, equivalence_p, t_reach, t_tail
from results.analysis.signed_rank import ROUNDING


@dataclass(frozen=True)
class Crossed:
    """A mean over subjects and repeats. NaN in all but `mean` for fewer than two of either."""

    mean: float
    error: float
    """Its standard error."""
    freedom: float
    """Its degrees of freedom."""
    subjects_error: float
    """The standard error over subjects alone, which more subjects would reduce."""
    repeats_error: float
    """The standard error over repeats alone."""

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, 95 %."""
        reach = float(t_reach(self.error, self.freedom))
        return self.mean - reach, self.mean + reach

    @property
    def p(self) -> float:
        """Two-sided p of the mean being 0."""
        if math.isnan(self.freedom):
            return float("nan")
        if self.error < ROUNDING:
            return 1.0 if abs(self.mean) < ROUNDING else 0.0
        return 2 * t_tail(abs(self.mean) / self.error, self.freedom)

    def equivalent_p(self, margin: float) -> float:
        """p of the two one-sided tests (`results.analysis.intervals.equivalence_p`)."""
        return equivalence_p(self.mean, self.error, self.freedom, margin)


def complete(table: Numbers) -> Numbers:
    """The subjects, (subjects, repeats), that have a value in every repeat."""
    return table[np.isfinite(table).all(axis=1)]


def crossed_mean(tables: Sequence[Numbers], weights: Sequence[float] = (1.0,)) -> Crossed:
    """The mean over subjects and repeats of complete tables (`complete`).

    Args:
        tables: a table, (subjects, repeats), for each cohort of subjects; their repeats are the
            same, in the same order, their subjects independent.
        weights: of the cohorts in the mean; they sum to 1.
    """
    repeats = tables[0].shape[1]
    over_repeats = np.zeros(repeats)
    mean = subjects = residual = subjects_loss = residual_loss = 0.0
    for table, weight in zip(tables, weights, strict=True):
        count = len(table)
        by_subject, by_repeat = table.mean(axis=1), table.mean(axis=0)
        own = float(by_subject.mean())
        mean += weight * own
        over_repeats += weight * by_repeat
        if count < 2 or repeats < 2:
            subjects = float("nan")
            continue
        rest = table - by_subject[:, None] - by_repeat + own
        of_subjects = weight**2 * float(by_subject.var(ddof=1)) / count
        freedom = (count - 1) * (repeats - 1)
        of_rest = weight**2 * float((rest**2).sum()) / freedom / (count * repeats)
        subjects += of_subjects
        residual += of_rest
        subjects_loss += of_subjects**2 / (count - 1)
        residual_loss += of_rest**2 / freedom
    if not subjects >= 0:
        nothing = float("nan")
        return Crossed(mean, nothing, nothing, nothing, nothing)
    of_repeats = float(over_repeats.var(ddof=1)) / repeats
    variance = max(subjects - residual, 0.0) + max(of_repeats - residual, 0.0) + residual
    loss = subjects_loss + of_repeats**2 / (repeats - 1) + residual_loss
    # Never fewer than from the repeats alone: the approximation fails as the sum nears zero.
    freedom_of_sum = (subjects + of_repeats - residual) ** 2 / loss if loss > 0 else math.inf
    return Crossed(
        mean=mean,
        error=math.sqrt(variance),
        freedom=max(freedom_of_sum, repeats - 1.0),
        subjects_error=math.sqrt(subjects),
        repeats_error=math.sqrt(of_repeats),
    )


def subjects_mean(tables: Sequence[Numbers], weights: Sequence[float] = (1.0,)) -> Crossed:
    """The same mean of these repeats alone: its error is over subjects (Welch's over cohorts).

    NaN in all but `mean` where a cohort has fewer than two subjects.
    """
    mean = variance = loss = 0.0
    for table, weight in zip(tables, weights, strict=True):
        by_subject = table.mean(axis=1)
        mean += weight * float(by_subject.mean())
        count = len(table)
        own = weight**2 * float(by_subject.var(ddof=1)) / count if count > 1 else math.nan
        variance += own
        loss += own**2 / (count - 1) if count > 1 else math.nan
    error = math.sqrt(variance) if not math.isnan(variance) else math.nan
    freedom = variance**2 / loss if loss > 0 else (math.nan if math.isnan(loss) else math.inf)
    return Crossed(mean, error, freedom, error, math.nan)
