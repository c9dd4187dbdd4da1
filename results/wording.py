"""The words and marks that tables, figures and the page share."""

from collections.abc import Iterable

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


def span(numbers: Iterable[int]) -> str:
    """The least and the greatest as a text gives them: "20", or "8 to 20"."""
    found = sorted(numbers)
    return " to ".join(dict.fromkeys((str(found[0]), str(found[-1]))))
