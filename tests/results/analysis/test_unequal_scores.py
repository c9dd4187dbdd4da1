"""Comparisons where methods lack subjects, repeats or both, by a second route: plain loops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, sem, t

from results.analysis.statistics import paired_tests
from tests.helpers.signed_ranks import p_by_all_signs

Scores = dict[tuple[str, int], int]
"""Hundredths of Dice by subject and repeat."""

held = st.dictionaries(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3)), st.integers(48, 53), min_size=1
)


def table(methods: dict[str, Scores]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"output": "FTN", "test_set": "ACDC", "method": method}
            | {"repeat": repeat, "subject": subject, "dice": hundredths / 100}
            for method, scores in methods.items()
            for (subject, repeat), hundredths in scores.items()
        ]
    )


def by_loops(mine: Scores, base: Scores) -> dict[str, float] | None:
    """The comparison in whole hundredths, but for the division by the repeats of a subject."""
    common = sorted(set(mine) & set(base))
    if not common:
        return None
    differences = []
    for subject in sorted({subject for subject, _ in common}):
        own = [mine[cell] - base[cell] for cell in common if cell[0] == subject]
        differences.append(round(sum(own) / len(own) / 100, 9))
    given = np.array(differences)
    other = given[given != 0]
    ranks = rankdata(np.abs(other))  # the effect's, without the zeros
    by_repeat = {
        repeat: sum(mine[cell] - base[cell] for cell in common if cell[1] == repeat)
        for repeat in {repeat for _, repeat in common}
    }
    mean = float(given.mean())
    mean = 0.0 if abs(mean) < 1e-9 else mean
    interval = (float("nan"), float("nan"))
    if len(given) > 1:
        reach = t.ppf(0.975, len(given) - 1) * sem(given)
        interval = (mean - reach, mean + reach)
    return {
        "subjects": len(given),
        "repeats": len(by_repeat),
        "difference": mean,
        "low": interval[0],
        "high": interval[1],
        "p": p_by_all_signs(differences),
        "effect": float(np.sign(other) @ ranks / ranks.sum()) if len(other) else 0.0,
        "agree": sum(np.sign(total) == np.sign(mean) for total in by_repeat.values()),
        "partial": float(len(common) < len(set(mine) | set(base))),
    }


@pytest.mark.slow
@given(held, held, held)
@settings(max_examples=150)
def test_what_both_have_is_compared_and_nothing_else(
    base: Scores, mine: Scores, other: Scores
) -> None:
    tests = paired_tests(table({"base": base, "mine": mine, "other": other}), "base")
    found = {row["method"]: row for row in tests.to_dict("records")}
    for method, scores in {"mine": mine, "other": other}.items():
        expected = by_loops(scores, base)
        assert (method in found) is (expected is not None)
        for name, value in (expected or {}).items():
            assert found[method][name] == pytest.approx(value, abs=1e-9, nan_ok=True), name
