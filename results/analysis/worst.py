"""The cases that methods fail most on."""

import numpy as np
import pandas as pd

SHOWN = (
    *("method", "repeat", "test_set", "subject", "draw", "frame", "structure", "output"),
    *("dice", "hd95_mm", "absent"),
)
"""The columns, as in a score table."""

MOST = 10_000
"""Rows at most: more is no longer read, and makes the page heavy."""


def worst_cases(scores: pd.DataFrame) -> pd.DataFrame:
    """The structures with the least Dice, ascending: columns `SHOWN`, index as in ``scores``.

    As many per method, repeat, test set, structure and output, so that none hides another: up to
    10, and `MOST` in all. Undefined scores are left out.
    """
    group = ["method", "repeat", "test_set", "structure", "output"]
    defined = scores.loc[scores["dice"].notna(), list(SHOWN)]
    order = np.lexsort((-defined["hd95_mm"].to_numpy(), defined["dice"].to_numpy()))
    ordered = defined.iloc[order]
    place = ordered.groupby(group, observed=True, sort=False).cumcount()
    groups = max(1, int((place == 0).sum()))
    each = min(10, max(1, MOST // groups))
    return ordered[(place < each).to_numpy()].head(MOST)
