"""The words and marks that tables, figures and the page share."""

from collections.abc import Iterable, Sequence

PHANTOM_MARK = "PHANTOM: shows that the software works, not that one method is better"
"""Mark on all results from synthetic hearts."""

HIGHER, LOWER = "⁺", "⁻"
"""Marks after a mean that is significantly higher, or lower, than the reference's."""

BRACKETS = "⁽⁾"
"""Brackets around the mark of a significant difference that the printed means, or repeats, do not
support.
"""


def bracketed(mark: str) -> str:
    """Put a mark into `BRACKETS`."""
    return f"{BRACKETS[0]}{mark}{BRACKETS[1]}"


def listed(names: Iterable[str]) -> str:
    """Join names for a text: "a", "a and b", "a, b and c"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def some_of(names: Sequence[str], what: str, most: int = 30) -> str:
    """Join names with commas; if there are too many to read, give their number and ``what`` they
    are."""
    return ", ".join(names) if len(names) <= most else f"{len(names)} {what}"


def some_listed(names: Sequence[str], what: str, most: int = 30) -> str:
    """Like `some_of`, but joined by `listed`."""
    return listed(names) if len(names) <= most else f"{len(names)} {what}"


def span(numbers: Iterable[int]) -> str:
    """The smallest and largest number for a text: "20", or "8 to 20"."""
    found = sorted(numbers)
    return " to ".join(dict.fromkeys((str(found[0]), str(found[-1]))))
