"""Compare FTN+STN with FTN of the same networks: whether the slow-thinking network helps."""

import pandas as pd

from results.analysis.statistics import paired_tests
from results.scores.published import AVERAGES

FAST, REFINED = AVERAGES
AVERAGE = "Average"
"""Name of the average over sets; here it has both outputs."""


def refinement_tests(paired: pd.DataFrame, *, margin: float) -> pd.DataFrame:
    """The tests of `paired_tests` with FTN as the reference.

    Args:
        paired: subject scores by repeat of both outputs, and of their averages.
        margin: smaller differences are not relevant.

    Returns:
        The columns of `paired_tests`, by method and test set, with `output` FTN+STN; Holm's
        correction is over all methods and sets. Empty where no method has both outputs.
    """
    outputs = paired.groupby("method")["output"].nunique()
    both = paired[paired["method"].isin(outputs.index[outputs > 1])]
    if both.empty:
        return pd.DataFrame()
    named = both.replace({"test_set": dict.fromkeys(AVERAGES.values(), AVERAGE)})
    # Compare a method's two outputs like two methods of one output.
    swapped = named.assign(output=named["method"], method=named["output"])
    tests = paired_tests(swapped, FAST, margin=margin, joint=True)
    return tests.assign(method=tests["output"], output=REFINED, family=REFINED)
