"""Find the cases with the worst scores."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results.analysis.intervals import Numbers
from results.scores.score_groups import group_numbers

SHOWN = (
    *("method", "repeat", "test_set", "subject", "draw", "frame", "structure", "output"),
    *("dice", "hd95_mm", "absent"),
)
"""The columns to show, as in a score table."""

MOST = 10_000
"""Most rows; nobody reads more, and the page would become heavy."""


def worst_cases(scores: pd.DataFrame) -> pd.DataFrame:
    """The structures with the least Dice, ascending: columns `SHOWN`, index as in ``scores``.

    As many per method, repeat, test set, structure and output, so that none hides another: up to
    10, and `MOST` in all. Undefined scores are left out.
    """
    group = ["method", "repeat", "test_set", "structure", "output"]
    defined = np.flatnonzero(scores["dice"].notna().to_numpy())
    dice = scores["dice"].to_numpy()[defined]
    numbers, groups = group_numbers(scores[group].iloc[defined], group)
    each = min(10, max(1, MOST // max(1, len(groups))))
    kept = _least(dice, numbers, each)
    some = scores[list(SHOWN)].iloc[defined[kept]]
    order = np.lexsort((-some["hd95_mm"].to_numpy(), some["dice"].to_numpy()))
    place = pd.Series(numbers[kept][order]).groupby(numbers[kept][order]).cumcount()
    return some.iloc[order[(place < each).to_numpy()][:MOST]]


def _least(dice: Numbers, numbers: NDArray[np.int64], each: int) -> NDArray[np.int64]:
    """The rows with the ``each`` smallest Dice of their group, including ties."""
    if not dice.size:
        return np.empty(0, dtype=np.int64)
    order = np.lexsort((dice, numbers))
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    ends = np.append(starts[1:], len(order))
    bounds = dice[order[np.minimum(starts + each, ends) - 1]]
    return np.flatnonzero(dice <= bounds[numbers])
