"""Better, worse, equivalent or undecided: whether a difference is there, and whether it matters."""

import math

import numpy as np
import pandas as pd

from results.scores.score_table import DISTANCES

MARGIN = 0.01
"""Dice: a smaller difference is taken to be of no relevance, where nothing else is said.

A convention: what matters depends on the use, and is to be set before the results are seen.
"""

WORDS = ("undecided", "equivalent", "worse", "better")
"""The verdicts, in the order that they sort by."""


def verdicts(tests: pd.DataFrame, metric: str, alpha: float) -> pd.DataFrame:
    """Add `verdict` and `crossed_verdict` to a table of `results.analysis.statistics.paired_tests`.

    Equivalent: the two one-sided tests show the difference to be within the margin (p < alpha,
    corrected); so a difference that is significant and too small to matter is equivalent. Better
    and worse: else, where it differs from none (p < alpha, corrected). Undecided: neither is shown,
    which is no evidence for either. Empty where there is no such test.
    """
    sign = -1 if metric in DISTANCES else 1
    side = np.where(sign * tests["difference"] > 0, "better", "worse")
    marked = tests["mark"] != ""
    crossed_side = np.where(sign * tests["crossed"] > 0, "better", "worse")
    return tests.assign(
        verdict=np.select(
            [tests["equivalent_p_holm"] < alpha, marked], ["equivalent", side], "undecided"
        ),
        crossed_verdict=np.select(
            [
                tests["crossed_p_holm"].isna(),
                tests["crossed_equivalent_p_holm"] < alpha,
                tests["crossed_p_holm"] < alpha,
            ],
            ["", "equivalent", crossed_side],
            "undecided",
        ),
    )


def margin_note(margin: float, reference: str) -> str:
    """What the verdicts in a table mean; a margin of NaN is none."""
    if math.isnan(margin):
        return (
            f"Verdict: better or worse where the difference from {reference} is significant, else "
            "undecided. No margin of relevance is set for this measure, so nothing is equivalent."
        )
    return (
        f"Verdict, with a margin of {margin:g} Dice: equivalent where two one-sided t-tests show "
        f"the difference from {reference} to be within it (even if it is significant), else better "
        "or worse where it is significant, else undecided, which is no sign of equivalence. All at "
        "p < 0.05 after Holm's correction."
    )
