"""Figures in words, for those who cannot see them."""

from collections.abc import Callable
from typing import Any

import pandas as pd


def least_and_most(
    rows: pd.DataFrame, column: str, say: Callable[[dict[Any, Any]], str]
) -> tuple[str, str]:
    """The rows with the least and the greatest number of a column, in words.

    Args:
        rows: at least one.
        column: of numbers.
        say: a row, by column, in words.
    """
    ordered = rows.sort_values(column, kind="stable")
    least, most = (say(row) for row in ordered.iloc[[0, -1]].to_dict("records"))
    return least, most
