"""The words and marks that tables, figures and the page share."""

from collections.abc import Iterable, Sequence

PHANTOM_MARK = "PHANTOM: shows that the software works, not that one method is better"
"""Stands on everything that was made from synthetic hearts."""

HIGHER, LOWER = "⁺", "⁻"
"""Behind a mean: significantly higher, or lower, than the reference's."""

BRACKETS = "⁽⁾"
"""Around the mark of a significant difference that the printed means, or the repeats, do not bear.
"""


def bracketed(mark: str) -> str:
    """A mark in `BRACKETS`."""
    return f"{BRACKETS[0]}{mark}{BRACKETS[1]}"


def listed(names: Iterable[str]) -> str:
    """Names as a text lists them: "a", "a and b", "a, b and c"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def some_of(names: Sequence[str], what: str, most: int = 30) -> str:
    """Names with commas, or, of more than can be read, how many of ``what`` there are."""
    return ", ".join(names) if len(names) <= most else f"{len(names)} {what}"


def some_listed(names: Sequence[str], what: str, most: int = 30) -> str:
    """The same, as a text lists them (`listed`)."""
    return listed(names) if len(names) <= most else f"{len(names)} {what}"


def span(numbers: Iterable[int]) -> str:
    """The least and the greatest as a text gives them: "20", or "8 to 20"."""
    found = sorted(numbers)
    return " to ".join(dict.fromkeys((str(found[0]), str(found[-1]))))
