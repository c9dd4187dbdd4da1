"""Helper for descriptions of figures, for readers who cannot see them."""

from collections.abc import Callable
from typing import Any

import pandas as pd


def least_and_most(
    rows: pd.DataFrame, column: str, say: Callable[[dict[Any, Any]], str]
) -> tuple[str, str]:
    """Describe the rows with the smallest and the largest number of a column.

    Args:
        rows: one or more rows.
        column: a column of numbers.
        say: describes a row, given by column, in words.
    """
    ordered = rows.sort_values(column, kind="stable")
    least, most = (say(row) for row in ordered.iloc[[0, -1]].to_dict("records"))
    return least, most
