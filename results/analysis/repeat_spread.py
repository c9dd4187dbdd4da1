"""The spread over repeats of the difference of two methods."""

import pandas as pd

from results.scores.score_table import set_scores


def repeat_differences(scores: pd.DataFrame, reference: str, output: str = "FTN") -> pd.DataFrame:
    """Mean Dice of each method minus the reference's, by repeat (rows) and method (columns).

    The mean is over the test sets that all runs of the output were scored on, with equal weights.
    NaN if a method or the reference lacks the repeat; empty if the reference has no scores, or no
    set is common. ``scores`` is of `results.scores.score_table.read_scores`.
    """
    means = set_scores(scores)
    means = means[means["output"] == output]
    by_run = means.pivot(index=["method", "repeat"], columns="test_set", values="dice")
    by_run = by_run.dropna(axis="columns")
    if by_run.empty or reference not in by_run.index.unique("method"):
        return pd.DataFrame()
    averages = by_run.mean(axis=1).unstack("method")
    return averages.drop(columns=reference).sub(averages[reference], axis=0)
