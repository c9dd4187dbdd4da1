"""Methods against a reference: paired tests over subjects, effect sizes and intervals.

The subject is the unit. Its frames, structures, draws and repeats are not independent of each
other, so they are averaged first and only subjects are counted. Two methods are compared within the
repeats that both have, since a repeat is a split and a seed, which moves scores as well.
`results.analysis.crossed` also takes into account what another training would change. All tables
here come from `repeat_scores`.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from benchmark.core.errors import ScoreFileError
from results.analysis.pairing import ScoreCube, compare_pair, score_cubes
from results.analysis.signed_rank import holm
from results.analysis.verdicts import MARGIN, verdicts
from results.scores.score_table import VOLUMES_OF
from results.wording import HIGHER, LOWER, bracketed

ALPHA = 0.05
"""Level of significance, after Holm's correction."""


def subject_means(
    subjects: pd.DataFrame, sets: Iterable[str], name: str, metric: str = "dice"
) -> pd.DataFrame:
    """The mean of each subject over several test sets of the same subjects, as the set ``name``.

    Only methods, repeats and subjects with a score on all of the ``sets`` are included.
    """
    wanted = list(dict.fromkeys(sets))
    chosen = subjects[subjects["test_set"].isin(wanted)]
    unit = ["output", "method", "repeat", "subject"]
    groups = chosen.groupby(unit)
    by_subject = groups[metric].agg(["mean", "count"]).rename(columns={"mean": metric})
    if VOLUMES_OF in subjects:
        by_subject[VOLUMES_OF] = groups[VOLUMES_OF].sum()
    whole = by_subject[by_subject["count"] == len(wanted)].reset_index()
    whole.insert(1, "test_set", name)
    return whole[list(subjects)]


def paired_tests(
    subjects: pd.DataFrame,
    reference: str,
    *,
    metric: str = "dice",
    margin: float = MARGIN,
    joint: bool = False,
) -> pd.DataFrame:
    """Test every method against the reference, per output and test set, on their common scores.

    A subject's difference is the mean over the repeats that both methods have, on the same volumes
    and structures. A method without such a subject and repeat is not in the result (see
    `untested`).

    Args:
        subjects: of `results.scores.score_table.repeat_scores`.
        reference: the method to compare the others with.
        metric: the column of scores.
        margin: smaller differences are not relevant (`results.analysis.verdicts`).
        joint: correct over the comparisons of all outputs together, not of each output.

    Returns:
        A row for each comparison. What was compared: output, test_set, method, `repeats` (in
        common), `subjects` (pairs), `mean` and `reference_mean` (over what both have), `partial`
        (whether either has further scores, so that its own mean is another).

        Of the networks that were trained: `difference` (mean over subjects, method minus
        reference), `low` and `high` (its 95 % t interval over subjects; NaN of one), `effect`
        (`rank_biserial`), `p` (`signed_rank_p`), `p_holm`
        (corrected by Holm over the family), `equivalent_p` (of the two one-sided tests within the
        margin) and `equivalent_p_holm`, `family` (the outputs that are corrected together) and
        `family_size`, `mark` (`HIGHER` or `LOWER` where `p_holm` < `ALPHA` and
        the effect, of ranks, has the sign of the mean difference; in brackets where the
        comparison is `partial` or not all repeats point that way; else empty), `opposed` (True
        where `p_holm` < `ALPHA` and there is no mark, since the mean points the other way) and
        `verdict`.

        Of the methods, over subjects and repeats (`results.analysis.crossed`, on subjects scored in
        all of the common repeats; NaN for fewer than two): `agree` (repeats whose mean difference
        has the sign of `difference`), `crossed`, `crossed_low`, `crossed_high`, `crossed_p` and
        `crossed_equivalent_p`, both also corrected by Holm, `subjects_error`, `repeats_error`,
        `crossed_verdict`.

    Raises:
        ScoreFileError: the reference has no scores.
    """
    methods = sorted(set(subjects["method"]))
    if reference not in methods:
        raise ScoreFileError(
            f"scores: hold no method called '{reference}', which the others are to be tested "
            f"against; choose one of {', '.join(methods)}"
        )
    rows = [
        {"output": cube.output, "test_set": cube.test_set, "method": method, **found}
        for cube in score_cubes(subjects, metric)
        for method, found in _against(cube, reference, margin)
    ]
    return judged(rows, _NAMES, metric=metric, joint=joint)


def judged(
    rows: Sequence[Mapping[str, object]], names: Sequence[str], *, metric: str, joint: bool
) -> pd.DataFrame:
    """Comparisons of `compare_pair`, with p corrected, marks and verdicts (see `paired_tests`).

    ``names`` are the columns that name a row; one of them is `output`.
    """
    tests = pd.DataFrame(rows, columns=[*names, *_NUMBERS]).astype(dict.fromkeys(_COUNTS, int))
    outputs = " and ".join(sorted(set(map(str, tests["output"]))))
    family = tests["output"].map(lambda output: outputs if joint else str(output))
    tests["family"] = family
    tests["family_size"] = family.map(family.value_counts()).astype(int)
    for name in ("p", "equivalent_p", "crossed_p", "crossed_equivalent_p"):
        # A test that cannot be made (with one subject) does not count in the family.
        corrected = tests.groupby(family)[name].transform(_of_present)
        tests[f"{name}_holm"] = corrected.astype("float64")
    significant = tests["p_holm"] < ALPHA
    # A few large losses can give the mean the opposite sign of the ranks: then neither word is
    # true.
    opposed = significant & ~(tests["effect"] * tests["difference"] > 0)
    sign = pd.Series(np.where(tests["effect"] > 0, HIGHER, LOWER), index=tests.index)
    weak = tests["partial"].astype(bool) | (tests["agree"] < tests["repeats"])
    sign = sign.where(~weak, sign.map(bracketed))
    tests["mark"] = sign.where(significant & ~opposed, "")
    tests["opposed"] = opposed
    return verdicts(tests, metric, ALPHA)


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


_NAMES = ("output", "test_set", "method")
_COUNTS = ("repeats", "subjects", "agree")
_NUMBERS = (
    *("repeats", "subjects", "mean", "reference_mean", "partial"),
    *("difference", "low", "high", "effect", "p", "equivalent_p"),
    *("agree", "crossed", "crossed_low", "crossed_high", "crossed_p", "crossed_equivalent_p"),
    *("subjects_error", "repeats_error"),
)


def _of_present(p: pd.Series) -> pd.Series:
    """Holm's correction over the p-values that exist."""
    present = p.dropna()
    return pd.Series(holm(present.to_numpy()), index=present.index).reindex(p.index)


def _against(
    cube: ScoreCube, reference: str, margin: float
) -> Iterable[tuple[str, dict[str, float]]]:
    """The comparisons of one output and test set, by method."""
    if reference not in cube.methods:
        return
    base = cube.methods.index(reference)
    for place, method in enumerate(cube.methods):
        both = cube.compared(place, base)
        if method != reference and both.any():
            yield method, compare_pair(cube.scores[place], cube.scores[base], margin, both)
