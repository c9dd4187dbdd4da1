"""Methods against a reference: paired tests over subjects, effect sizes and intervals.

The subject is the unit. Its score is the mean Dice of its frames, structures, draws and repeats
(`results.scores.subject_scores`): those are not independent of each other, so they are averaged
first and only subjects are counted. All tables here are of such scores.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results.bootstrap import RESAMPLES, interval_of_mean
from results.errors import ScoreFileError
from results.mean_table import HIGHER, LOWER, listed

ALPHA = 0.05
"""Level of significance, after Holm's correction."""


def subject_means(subjects: pd.DataFrame, sets: Iterable[str], name: str) -> pd.DataFrame:
    """The mean of each subject over several test sets of the same subjects, as the set ``name``.

    Of methods and subjects that have a score on all of the ``sets``; others are not in it.
    """
    wanted = list(dict.fromkeys(sets))
    chosen = subjects[subjects["test_set"].isin(wanted)]
    by_subject = chosen.groupby(["output", "method", "subject"])["dice"].agg(["mean", "count"])
    whole = by_subject.loc[by_subject["count"] == len(wanted), "mean"].rename("dice").reset_index()
    whole.insert(1, "test_set", name)
    return whole[list(subjects)]


def paired_tests(
    subjects: pd.DataFrame, reference: str, *, seed: int = 0, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Every method against the reference, per output and test set, on the subjects that both have.

    Columns: output, test_set, method, `subjects` (pairs), `difference` (mean of the pairs'
    differences in Dice, method minus reference), `low` and `high` (its 95 % percentile bootstrap
    interval over subjects), `effect` (matched-pairs rank-biserial correlation in [-1, 1]: Kerby,
    Comprehensive Psychology 2014), `p` (two-sided Wilcoxon signed-rank test, zeros by Pratt; exact
    for up to 50 pairs without ties), `p_holm` (corrected by Holm over all comparisons of the
    output), `mark` (`HIGHER` or `LOWER` where `p_holm` < `ALPHA`, else empty).

    Raises `ScoreFileError` where the reference has no scores.
    """
    from statsmodels.stats.multitest import multipletests

    methods = sorted(set(subjects["method"]))
    if reference not in methods:
        raise ScoreFileError(
            f"scores: hold no method called '{reference}', which the others are to be tested "
            f"against; choose one of {', '.join(methods)}"
        )
    rows = []
    for (output, test_set), scores in subjects.groupby(["output", "test_set"]):
        wide = scores.pivot(index="subject", columns="method", values="dice")
        if reference not in wide:
            continue
        for method in sorted(set(map(str, wide)) - {reference}):
            differences = (wide[method] - wide[reference]).dropna().to_numpy()
            if differences.size:
                named = {"output": output, "test_set": test_set, "method": method}
                # The same draws for all methods of a set: their intervals hold the same subjects.
                name = f"{output}/{test_set}"
                rows.append(named | _comparison(differences, seed, name, resamples))
    tests = pd.DataFrame(rows, columns=[*_NAMES, *_NUMBERS])
    parts = []
    for _, family in tests.groupby("output"):
        corrected = multipletests(family["p"], alpha=ALPHA, method="holm")[1]
        parts.append(family.assign(p_holm=corrected))
    tested = pd.concat(parts, ignore_index=True) if parts else tests.assign(p_holm=[])
    significant = tested["p_holm"] < ALPHA
    sign = np.where(tested["effect"] > 0, HIGHER, LOWER)
    return tested.assign(mark=np.where(significant, sign, ""))


_NAMES = ("output", "test_set", "method")
_NUMBERS = ("subjects", "difference", "low", "high", "effect", "p")


def _comparison(
    differences: NDArray[np.float64], seed: int, name: str, resamples: int
) -> dict[str, float]:
    low, high = interval_of_mean(differences[:, None], seed=seed, name=name, resamples=resamples)
    return {
        "subjects": differences.size,
        "difference": float(differences.mean()),
        "low": float(low[0]),
        "high": float(high[0]),
        "effect": rank_biserial(differences),
        "p": _wilcoxon(differences),
    }


# Scores are written with six decimals, so a smaller difference of two means is rounding.
_ROUNDING = 1e-9


def _wilcoxon(differences: NDArray[np.float64]) -> float:
    """Two-sided p of the Wilcoxon signed-rank test; 1 where no pair differs."""
    from scipy.stats import wilcoxon

    rounded = np.where(np.abs(differences) < _ROUNDING, 0.0, differences)
    if not rounded.any():
        return 1.0
    return float(wilcoxon(rounded, zero_method="pratt").pvalue)


def rank_biserial(differences: NDArray[np.float64]) -> float:
    """(W⁺ − W⁻) / (W⁺ + W⁻) of the rank sums of positive and negative differences; 0 for none."""
    from scipy.stats import rankdata

    nonzero = differences[np.abs(differences) >= _ROUNDING]
    if not nonzero.size:
        return 0.0
    ranks = rankdata(np.abs(nonzero))
    return float((np.sign(nonzero) * ranks).sum() / ranks.sum())


def mark_frame(tests: pd.DataFrame, output: str, like: pd.DataFrame) -> pd.DataFrame:
    """The marks of `paired_tests` in the shape of a table of methods by test sets."""
    marks = tests[tests["output"] == output].pivot(
        index="method", columns="test_set", values="mark"
    )
    return marks.reindex(index=like.index, columns=like.columns).astype("object").fillna("")


def mark_note(tests: pd.DataFrame, reference: str, output: str) -> str:
    """What the marks in a table mean."""
    count = int((tests["output"] == output).sum())
    return (
        f"{HIGHER} higher, {LOWER} lower than {reference} at p < {ALPHA}: paired two-sided "
        "Wilcoxon signed-rank tests over subjects (repeats averaged within a subject), Holm's "
        f"correction over the {count} comparisons of {output}."
    )


def power_notes(tests: pd.DataFrame, repeats: Mapping[str, int]) -> list[str]:
    """Where there are too few subjects or repeats for what a reader would like to conclude.

    ``repeats`` is the number of each method, by title.
    """
    notes = []
    for output, family in tests.groupby("output"):
        # The least p of a signed-rank test is that of all differences of one sign: 2 / 2^n.
        least = 2.0 ** (1 - family.groupby("test_set")["subjects"].min()) * len(family)
        hopeless = [f"{name}" for name in least.index[least >= ALPHA]]
        if hopeless:
            few = int(family[family["test_set"].isin(hopeless)]["subjects"].min())
            notes.append(
                f"Too few subjects ({few}) for a significant difference of {output} on "
                f"{listed(hopeless)}, however large: the least p of a signed-rank test, times "
                f"{len(family)} comparisons, is not below {ALPHA}."
            )
    counts = set(repeats.values())
    if counts and max(counts) < 3:
        least_count = min(counts)
        notes.append(
            f"{'One repeat' if least_count == 1 else f'{least_count} repeats'} per method: tests "
            "and intervals over subjects say nothing of how much another training run, or split, "
            "would change."
        )
    return notes
