"""Methods against a reference: paired tests over subjects, effect sizes and intervals.

The subject is the unit. Its frames, structures, draws and repeats are not independent of each
other, so they are averaged first and only subjects are counted. Two methods are compared within
the repeats that both have, since a repeat is a split and a seed, which moves scores as well. All
tables here are of `repeat_scores`.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.core.errors import ScoreFileError
from results.analysis.bootstrap import RESAMPLES, interval_of_mean
from results.wording import HIGHER, LOWER, listed

ALPHA = 0.05
"""Level of significance, after Holm's correction."""


def subject_means(subjects: pd.DataFrame, sets: Iterable[str], name: str) -> pd.DataFrame:
    """The mean of each subject over several test sets of the same subjects, as the set ``name``.

    Of methods, repeats and subjects that have a score on all of the ``sets``; others are not in it.
    """
    wanted = list(dict.fromkeys(sets))
    chosen = subjects[subjects["test_set"].isin(wanted)]
    unit = ["output", "method", "repeat", "subject"]
    by_subject = chosen.groupby(unit)["dice"].agg(["mean", "count"])
    whole = by_subject.loc[by_subject["count"] == len(wanted), "mean"].rename("dice").reset_index()
    whole.insert(1, "test_set", name)
    return whole[list(subjects)]


def paired_tests(
    subjects: pd.DataFrame, reference: str, *, seed: int = 0, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Every method against the reference, per output and test set, on what both were scored on.

    A subject's difference is the mean of those of the repeats that both have; a method without a
    subject and repeat in common with the reference is not in the result (`untested`).

    Columns: output, test_set, method, `repeats` (in common), `subjects` (pairs), `difference` (mean
    over subjects, in Dice, method minus reference), `low` and `high` (its 95 % percentile bootstrap
    interval over subjects), `effect` (matched-pairs rank-biserial correlation in [-1, 1]: Kerby,
    Comprehensive Psychology 2014), `p` (two-sided Wilcoxon signed-rank test, zeros by Pratt; exact
    for up to 50 pairs without ties), `p_holm` (corrected by Holm over all comparisons of the
    output), `mark` (`HIGHER` or `LOWER` where `p_holm` < `ALPHA` and the effect, of ranks, has the
    sign of the mean difference; else empty).

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
        wide = scores.pivot(index=["subject", "repeat"], columns="method", values="dice")
        if reference not in wide:
            continue
        for method in sorted(set(map(str, wide)) - {reference}):
            pairs = (wide[method] - wide[reference]).dropna()
            if len(pairs):
                named = {"output": output, "test_set": test_set, "method": method}
                named["repeats"] = pairs.index.unique("repeat").size
                differences = pairs.groupby(level="subject").mean().to_numpy()
                # The same draws for all methods of a set: their intervals hold the same subjects.
                name = f"{output}/{test_set}"
                rows.append(named | _comparison(differences, seed, name, resamples))
    tests = pd.DataFrame(rows, columns=[*_NAMES, *_NUMBERS])
    parts = []
    for _, family in tests.groupby("output"):
        corrected = multipletests(family["p"], alpha=ALPHA, method="holm")[1]
        parts.append(family.assign(p_holm=corrected))
    tested = pd.concat(parts, ignore_index=True) if parts else tests.assign(p_holm=[])
    # A few subjects that lose much can turn the mean against the ranks: then neither word is true.
    clear = (tested["p_holm"] < ALPHA) & (tested["effect"] * tested["difference"] > 0)
    sign = np.where(tested["effect"] > 0, HIGHER, LOWER)
    return tested.assign(mark=np.where(clear, sign, ""))


def untested(
    subjects: pd.DataFrame, tests: pd.DataFrame, reference: str
) -> dict[str, dict[str, list[str]]]:
    """By output and method, the test sets that it has scores on but no pair with the reference."""
    names = list(_NAMES)
    every = subjects.loc[subjects["method"] != reference, names].drop_duplicates()
    done = set(tests[names].itertuples(index=False, name=None))
    found: dict[str, dict[str, list[str]]] = {}
    for output, test_set, method in sorted(every.itertuples(index=False, name=None)):
        if (output, test_set, method) not in done:
            found.setdefault(output, {}).setdefault(method, []).append(test_set)
    return found


def untested_notes(
    untested: Mapping[str, list[str]], titles: Mapping[str, str], reference: str
) -> list[str]:
    """What `untested` has of an output, in words; ``reference`` is a name, as the keys are."""
    each = "; ".join(
        f"{title} on {listed(untested[name])}" for name, title in titles.items() if name in untested
    )
    if not each:
        return []
    return [
        f"Not tested, for want of a subject and repeat that {titles[reference]} was scored on as "
        f"well: {each}."
    ]


_NAMES = ("output", "test_set", "method")
_NUMBERS = ("repeats", "subjects", "difference", "low", "high", "effect", "p")


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
        f"{HIGHER} higher, {LOWER} lower than {reference} at p < {ALPHA}, by mean and by ranks: "
        "paired two-sided Wilcoxon signed-rank tests over subjects (averaged within a subject over "
        f"the repeats that both have), Holm's correction over the {count} comparisons of {output}. "
        "They hold for these trained networks; how much another training would change, they do not "
        "say."
    )


def power_notes(tests: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """Where there are too few subjects or repeats for what a reader would like to conclude."""
    notes = []
    for output, family in tests.groupby("output"):
        # The least p of a signed-rank test is that of all differences of one sign: 2 / 2^n. Holm
        # multiplies it by the comparisons that are left once those with a lesser p are rejected,
        # which are, at best, all that can have one.
        least = 2.0 ** (1 - family["subjects"])
        left = least.map(lambda one, of=least: int((of >= one).sum()))
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
