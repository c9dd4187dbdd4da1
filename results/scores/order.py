"""One order of methods and test sets for every table and figure: the poster's, then by name."""

from collections import Counter
from collections.abc import Iterable, Mapping

from results.scores.published import POSTER_SETS, published_table
from results.wording import some_of

REMARK_MARK = "‡"
"""Follows the title of a method that a remark is made on, in every table and figure."""


class ChosenOrder(dict[str, str]):
    """Titles by method whose order is the order of the rows."""


def ordered_titles(
    methods: Iterable[str],
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Map each method to its display title, in row order.

    Methods whose title stands in the poster come first, in its order; the others follow by title.
    Where `titles` are a `ChosenOrder`, their order is that of the rows, then the others follow.
    A method without an entry in `titles` shows its name; a title shared by two methods is followed
    by the name, so that no two rows look the same. The title of a method with one of the `remarks`
    is marked.
    """
    shown = {method: (titles or {}).get(method, method) for method in methods}
    uses = Counter(shown.values())
    rank = {title: place for place, title in enumerate(published_table().index)}
    chosen = {name: place for place, name in enumerate(titles or ())}
    if not isinstance(titles, ChosenOrder):
        chosen = {}
    order = sorted(
        shown,
        key=lambda method: (
            chosen.get(method, len(chosen)),
            rank.get(shown[method], len(rank)),
            shown[method],
            method,
        ),
    )
    unique = {m: shown[m] if uses[shown[m]] == 1 else f"{shown[m]} ({m})" for m in order}
    return {
        m: f"{title}{REMARK_MARK if (remarks or {}).get(m) else ''}" for m, title in unique.items()
    }


def remark_notes(titles: Mapping[str, str], remarks: Mapping[str, str] | None) -> list[str]:
    """A note for each remark on a method that is shown; methods with the same one share it."""
    found: dict[str, list[str]] = {}
    for method, title in titles.items():
        remark = (remarks or {}).get(method)
        if remark:
            found.setdefault(remark, []).append(title.removesuffix(REMARK_MARK))
    return [
        f"{REMARK_MARK} {some_of(names, 'methods')}: {remark}." for remark, names in found.items()
    ]


def further_sets(found: Iterable[str]) -> list[str]:
    """The test sets that the poster does not have, by name."""
    return sorted(set(found) - set(POSTER_SETS))


def ordered_sets(found: Iterable[str]) -> list[str]:
    """The poster's test sets in its order, then others by name."""
    names = set(map(str, found))
    return [*(name for name in POSTER_SETS if name in names), *further_sets(names)]


def averaged_sets(found: Iterable[str], *, everything: bool = False) -> tuple[str, ...]:
    """The sets that averages are over, in order: the poster's among those ``found``.

    All of them where that is asked for (``everything``), and where none is the poster's.
    """
    names = ordered_sets(found)
    of_poster = [name for name in names if name in POSTER_SETS]
    return tuple(names if everything or not of_poster else of_poster)
