"""Select the part of a table to show, if the whole table is too large."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from results.analysis.excerpt import Excerpt
from results.tables.mean_table import MeanTable

T = TypeVar("T", bound=MeanTable)

FRAMES = ("mean", "sd", "repeats", "low", "high", "marks", "undefined")
"""The frames of a `MeanTable` with rows and columns."""


def excerpt_table(table: T, excerpt: Excerpt) -> T:
    """Select the shown rows and columns; bold then marks the best of these.

    Returns the table itself if all of it is shown.
    """
    if not excerpt.hidden_methods and not excerpt.hidden_sets:
        return table
    rows = shown_rows(table, excerpt)
    part = only_columns(table, shown_columns(table, excerpt))
    return replace(part, **{name: frame.iloc[rows] for name, frame in _frames(part).items()})


def only_columns(table: T, columns: Sequence[str]) -> T:
    """Select these columns of a table; returns the table itself if they are all."""
    if list(columns) == list(table.headers):
        return table
    return replace(
        table,
        headers={name: table.headers[name] for name in columns},
        **{name: frame[list(columns)] for name, frame in _frames(table).items()},
    )


def _frames(table: MeanTable) -> dict[str, Any]:
    return {name: frame for name in FRAMES if (frame := getattr(table, name)) is not None}


def shown_rows(table: MeanTable, excerpt: Excerpt) -> list[int]:
    """The indices of rows whose methods and sets are shown."""
    return [
        place
        for place, (method, *further) in enumerate(table.keys)
        if method not in excerpt.hidden_methods and excerpt.hidden_sets.isdisjoint(further)
    ]


def shown_columns(table: MeanTable, excerpt: Excerpt) -> list[str]:
    """The columns that are not sets, or are shown sets."""
    return [name for name in table.headers if name not in excerpt.hidden_sets]
