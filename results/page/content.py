"""The content of a report's page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from results.analysis.excerpt import Excerpt
from results.tables.excerpt_table import shown_columns, shown_rows
from results.tables.mean_table import MeanTable

MOST_ROWS = 1000
"""Most rows of a table on the page."""

Facts = tuple[tuple[str, str], ...]
"""Names and values."""


@dataclass(frozen=True)
class PageTable:
    """A table, whose rows the reader can sort."""

    key: str
    """Unique name on the page, and of its files in ``tables/``."""
    caption: str
    table: MeanTable
    notes: Sequence[str]
    excerpt: Excerpt = field(default_factory=Excerpt)
    """The methods and sets that the page leaves out."""

    @cached_property
    def rows(self) -> list[int]:
        """The indices of the rows on the page, at most `MOST_ROWS`."""
        return shown_rows(self.table, self.excerpt)[:MOST_ROWS]

    @cached_property
    def columns(self) -> list[str]:
        """The columns on the page."""
        return shown_columns(self.table, self.excerpt)

    @property
    def part(self) -> str:
        """A sentence on the part of the table on the page; empty if it is whole."""
        rows, columns = len(self.table.mean), len(self.table.headers)
        if len(self.rows) == rows and len(self.columns) == columns:
            return ""
        return (
            f"Here are {len(self.rows)} of {rows} rows and {len(self.columns)} of {columns} "
            "columns; the CSV holds all."
        )


@dataclass(frozen=True)
class PageFigure:
    """A picture."""

    key: str
    """Unique name on the page, and of its files in ``figures/``."""
    caption: str
    alt: str
    png: bytes


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading."""

    key: str
    title: str
    intro: str
    tables: tuple[PageTable, ...] = ()
    figures: tuple[PageFigure, ...] = ()


@dataclass(frozen=True)
class SetScore:
    """The origin of a run's number."""

    test_set: str
    output: str
    dice: float
    """Mean of the rows; NaN where none is defined."""
    rows: int
    file: str


@dataclass(frozen=True)
class RunRecord:
    """A run, or an external model, behind the numbers."""

    title: str
    folder: str
    facts: Facts
    settings: Facts
    scores: tuple[SetScore, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """The whole page."""

    title: str
    phantom: bool
    summary: tuple[str, ...]
    facts: Facts
    cautions: tuple[str, ...]
    """Incomplete runs, missing sets, too few subjects."""
    sections: tuple[Section, ...]
    worst: pd.DataFrame
    """Worst cases from `results.analysis.worst.worst_cases`, with a column `source`; may be
    empty."""
    runs: tuple[RunRecord, ...]
