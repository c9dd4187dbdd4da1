"""Render a page as one file that fetches nothing; all text from files is escaped."""

import base64
import hashlib
import json
import math
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined

from benchmark.core.errors import ScoreFileError
from benchmark.core.files import whole_file
from results.analysis.worst import SHOWN
from results.page.content import Page, PageTable
from results.tables.excerpt_table import only_columns
from results.tables.mean_table import MeanTable
from results.wording import HIGHER, LOWER, PHANTOM_MARK, bracketed

LIMIT = 20_000_000
"""Most bytes of a page."""

FIRST = 50
"""Number of worst cases shown without the script; the script shows this many at a time."""

_MARKS = {
    HIGHER: "significantly higher, of these trained networks",
    LOWER: "significantly lower, of these trained networks",
}
_MARKS |= {
    bracketed(mark): f"{words}, but not in all repeats, or on a part of the scores"
    for mark, words in _MARKS.items()
}
_SIGNS = {HIGHER: "+", LOWER: "−", bracketed(HIGHER): "(+)", bracketed(LOWER): "(−)"}


def render_page(page: Page) -> str:
    """Render the page as HTML; the same page gives the same text.

    A content security policy allows only this script and this style, and no request.

    Raises `ScoreFileError` if the page has more than `LIMIT` bytes.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"data_url": _data_url, "rows": _rows, "leads": _leads}
    script, style = _resource("page.js"), _resource("page.css")
    text = environment.from_string(_resource("page.html.jinja")).render(
        page=page,
        phantom_mark=PHANTOM_MARK,
        script=script,
        style=style,
        script_hash=_digest(script),
        style_hash=_digest(style),
        worst=_worst(page.worst),
        worst_first=page.worst.head(FIRST).to_dict("records"),
        isnan=math.isnan,
    )
    if (size := len(text.encode())) > LIMIT:
        raise ScoreFileError(
            f"the page has {size / 1e6:.0f} MB, more than {LIMIT / 1e6:.0f}: choose fewer methods "
            "or test sets; tables and figures are written all the same"
        )
    return text


def _resource(name: str) -> str:
    return resources.files("results.page").joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _leads(table: MeanTable) -> list[str]:
    return ["Method", *(name.capitalize() for name in table.further)]


def _rows(shown: PageTable) -> list[dict[str, Any]]:
    """Each row's names and cells, with the full values for sorting, and the data behind each
    cell."""
    rows = []
    table = only_columns(shown.table, shown.columns)
    keys = table.keys
    values = (table.mean.to_numpy(), table.repeats.to_numpy())
    for row in shown.rows:
        method, *further = keys[row]
        cells = table.cells[row]
        means, repeats = (numbers[row].tolist() for numbers in values)
        parts = []
        for cell, mean, count in zip(cells, means, repeats, strict=True):
            said = [f"{int(count)} repeat{'' if count == 1 else 's'}"] if count else []
            said += [_MARKS[cell.mark]] if cell.mark else []
            value = "" if math.isnan(mean) else repr(float(mean))
            sign = _SIGNS.get(cell.mark, "")
            parts.append({"cell": cell, "value": value, "said": ", ".join(said), "sign": sign})
        rows.append({"leads": [table.titles[method], *further], "parts": parts})
    return rows


def _worst(rows: pd.DataFrame) -> str:
    """The worst cases as JSON: each name once, and its index in the rows.

    Characters that could end the surrounding HTML element are escaped.
    """
    columns: dict[str, Any] = {}
    for name in [*SHOWN, "source"]:
        values = rows[name]
        if pd.api.types.is_numeric_dtype(values):
            numbers = values.to_list()
            columns[name] = {"values": [None if math.isnan(x) else x for x in numbers]}
        else:
            coded = values.astype(str).astype("category")
            columns[name] = {
                "names": coded.cat.categories.to_list(),
                "codes": coded.cat.codes.to_list(),
            }
    text = json.dumps({"rows": len(rows), "columns": columns}, separators=(",", ":"))
    return text.translate({ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


def write_page(page: Page, path: Path) -> None:
    """Write the page, whole or not at all; see `render_page`."""
    text = render_page(page)
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
