"""Verdicts (better, worse, equivalent, undecided): whether a difference exists, and matters."""

import math

import numpy as np
import pandas as pd

from results.scores.score_table import DISTANCES

MARGIN = 0.01
"""Default margin: smaller differences in Dice are not relevant.

This is a convention. The relevant difference depends on the use; set it before the results are
seen.
"""

WORDS = ("undecided", "equivalent", "worse", "better")
"""The verdicts, in their sorting order."""


def verdicts(tests: pd.DataFrame, metric: str, alpha: float) -> pd.DataFrame:
    """Add `verdict` and `crossed_verdict` to a table of `results.analysis.statistics.paired_tests`.

    Equivalent: the two one-sided tests show that the difference is within the margin (p < alpha,
    corrected), even if it is significant. Better or worse: otherwise, if the difference is
    significant (p < alpha, corrected). Undecided: neither; this is no evidence for either. Empty if
    there is no such test.
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
    """A note on the meaning of a table's verdicts; a margin of NaN means no margin."""
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
