"""Compare two methods on one test set, with all tests."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results.analysis.crossed import Crossed, complete, crossed_mean
from results.analysis.intervals import Numbers, equivalence_p, interval_of_mean
from results.analysis.signed_rank import ROUNDING, rank_biserial, signed_levels, signed_rank_p
from results.scores.score_table import VOLUMES_OF


class ScoreCube(NamedTuple):
    """The scores of one output and test set."""

    output: str
    test_set: str
    scores: Numbers
    """The scores (methods, subjects, repeats); NaN where there is none."""
    volumes: Numbers
    """Numbers of the same shape for the volumes and structures behind each score; equal numbers
    mean the same volumes and structures. All equal for a table without the column `VOLUMES_OF`, in
    which every score is over all volumes of its subject."""
    methods: list[str]

    def compared(self, one: int, other: int) -> NDArray[np.bool_]:
        """The subjects and repeats, (subjects, repeats), in which two methods can be compared.

        Both methods have a score there, over the same volumes and structures: otherwise a method
        that was not scored on a hard frame would seem better.
        """
        finite = np.isfinite(self.scores[one]) & np.isfinite(self.scores[other])
        return np.asarray(finite & (self.volumes[one] == self.volumes[other]))


def score_cubes(scores: pd.DataFrame, metric: str) -> Iterator[ScoreCube]:
    """The scores of each output and test set, in their order.

    Names become numbers only once, so that the time depends on the rows, not on the number of test
    sets.
    """
    codes, names = {}, {}
    for name in ("output", "test_set", "method", "subject", "repeat"):
        codes[name], names[name] = pd.factorize(scores[name], sort=True)
    group = codes["output"] * len(names["test_set"]) + codes["test_set"]
    order = np.argsort(group, kind="stable")
    numbers, starts = np.unique(group[order], return_index=True)
    values = scores[metric].to_numpy()
    over = scores[VOLUMES_OF].to_numpy() if VOLUMES_OF in scores else np.zeros(len(scores))
    for number, rows in zip(numbers, np.split(order, starts[1:]), strict=True):
        found = [
            np.unique(codes[name][rows], return_inverse=True)
            for name in ("method", "subject", "repeat")
        ]
        cube = np.full([len(own) for own, _ in found], np.nan)
        volumes, cells = cube.copy(), tuple(place for _, place in found)
        cube[cells], volumes[cells] = values[rows], over[rows]
        output, test_set = divmod(int(number), len(names["test_set"]))
        yield ScoreCube(
            str(names["output"][output]),
            str(names["test_set"][test_set]),
            cube,
            volumes,
            [str(names["method"][own]) for own in found[0][0]],
        )


def compare_pair(
    own: Numbers, base: Numbers, margin: float, both: NDArray[np.bool_]
) -> dict[str, float]:
    """Compare two tables of scores, (subjects, repeats), NaN where there is none.

    ``both`` are the cells to compare (`ScoreCube.compared`). The keys are the columns of
    `paired_tests`. Raises `ValueError` where there is no such cell.
    """
    if not both.any():
        raise ValueError("the two methods share no subject and repeat")
    rows, columns = np.any(both, axis=1), np.any(both, axis=0)
    differences = np.where(both, own - base, np.nan)[rows][:, columns]
    by_subject = _nanmean(differences, axis=1)
    by_subject[np.abs(by_subject) < ROUNDING] = 0.0
    count, mean = by_subject.size, _unless_rounding(float(by_subject.mean()))
    low, high = interval_of_mean(by_subject[:, None])
    levels = signed_levels(by_subject)
    error = float(by_subject.std(ddof=1)) / np.sqrt(count) if count > 1 else float("nan")
    by_repeat = _nanmean(differences, axis=0)
    by_repeat[np.abs(by_repeat) < ROUNDING] = 0.0
    block = complete(differences)
    nothing = Crossed(*[float("nan")] * 5)
    across = crossed_mean([block]) if len(block) > 1 and block.shape[1] > 1 else nothing
    crossed_low, crossed_high = across.interval
    return {
        "repeats": differences.shape[1],
        "subjects": count,
        "mean": _mean_of_subjects(own, both, rows),
        "reference_mean": _mean_of_subjects(base, both, rows),
        "partial": bool((np.isfinite(own) | np.isfinite(base)).sum() > both.sum()),
        "difference": mean,
        "low": float(low[0]),
        "high": float(high[0]),
        "effect": rank_biserial(levels),
        "p": signed_rank_p(levels),
        "equivalent_p": equivalence_p(mean, error, count - 1, margin),
        "agree": int((np.sign(by_repeat) == np.sign(mean)).sum()),
        "crossed": _unless_rounding(across.mean),
        "crossed_low": crossed_low,
        "crossed_high": crossed_high,
        "crossed_p": across.p,
        "crossed_equivalent_p": across.equivalent_p(margin),
        "subjects_error": across.subjects_error,
        "repeats_error": across.repeats_error,
    }


def _unless_rounding(mean: float) -> float:
    """A mean, or 0 if it is not larger than rounding errors, and so has no sign."""
    return 0.0 if abs(mean) < ROUNDING else mean


def _nanmean(table: Numbers, axis: int) -> Numbers:
    """Mean without missing values; every row, or column, must have a value."""
    gone = np.isnan(table)
    return np.asarray(np.where(gone, 0.0, table).sum(axis=axis) / (~gone).sum(axis=axis))


def _mean_of_subjects(table: Numbers, both: NDArray[np.bool_], rows: NDArray[np.bool_]) -> float:
    """Mean over subjects of the mean over the repeats that both have."""
    return float(_nanmean(np.where(both, table, np.nan)[rows], axis=1).mean())
