"""How much the difference of two methods varies from one repeat to the next."""

import pandas as pd

from results.scores.score_table import set_scores


def repeat_differences(scores: pd.DataFrame, reference: str, output: str = "FTN") -> pd.DataFrame:
    """Mean Dice of each method minus the reference's, by repeat (rows) and method (columns).

    Over the test sets that all runs of the output were scored on, each counting alike. NaN where a
    method, or the reference, lacks the repeat; empty where it has no scores, or no set is common.
    ``scores`` is of `results.scores.score_table.read_scores`.
    """
    means = set_scores(scores)
    means = means[means["output"] == output]
    by_run = means.pivot(index=["method", "repeat"], columns="test_set", values="dice")
    by_run = by_run.dropna(axis="columns")
    if by_run.empty or reference not in by_run.index.unique("method"):
        return pd.DataFrame()
    averages = by_run.mean(axis=1).unstack("method")
    return averages.drop(columns=reference).sub(averages[reference], axis=0)
