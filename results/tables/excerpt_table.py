"""The part of a table that is shown, where all of it would be too much."""

from dataclasses import replace
from typing import TypeVar

from results.analysis.excerpt import Excerpt
from results.tables.mean_table import MeanTable

T = TypeVar("T", bound=MeanTable)

FRAMES = ("mean", "sd", "repeats", "low", "high", "marks", "undefined")
"""What a `MeanTable` holds by row and column."""


def excerpt_table(table: T, excerpt: Excerpt) -> T:
    """The rows and columns that are shown; what is best is then the best of these.

    The table itself where all of it is shown.
    """
    if not excerpt.hidden_methods and not excerpt.hidden_sets:
        return table
    rows = shown_rows(table, excerpt)
    columns = shown_columns(table, excerpt)
    frames = {name: frame for name in FRAMES if (frame := getattr(table, name)) is not None}
    return replace(
        table,
        headers={name: table.headers[name] for name in columns},
        **{name: frame[columns].iloc[rows] for name, frame in frames.items()},
    )


def shown_rows(table: MeanTable, excerpt: Excerpt) -> list[int]:
    """The places of the rows of methods and sets that are shown."""
    return [
        place
        for place, (method, *further) in enumerate(table.keys)
        if method not in excerpt.hidden_methods and excerpt.hidden_sets.isdisjoint(further)
    ]


def shown_columns(table: MeanTable, excerpt: Excerpt) -> list[str]:
    """The columns that are no set, or one that is shown."""
    return [name for name in table.headers if name not in excerpt.hidden_sets]
