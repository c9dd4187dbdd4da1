"""One order of methods and test sets for every table and figure: the poster's, then by name."""

from collections import Counter
from collections.abc import Iterable, Mapping

from results.scores.published import POSTER_SETS, published_titles
from results.wording import some_of

REMARK_MARK = "‡"
"""Mark after the title of a method with a remark, in every table and figure."""


class ChosenOrder(dict[str, str]):
    """Titles by method; their order is the order of the rows."""


def ordered_titles(
    methods: Iterable[str],
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Map each method to its display title, in row order.

    Methods whose title is on the poster come first, in the poster's order; the others follow by
    title. If `titles` is a `ChosenOrder`, rows have its order, and the others follow. A method
    without an entry in `titles` shows its name. If two methods share a title, their names follow
    it, so that no two rows look the same. The title of a method with a remark in `remarks` is
    marked.
    """
    shown = {method: (titles or {}).get(method, method) for method in methods}
    uses = Counter(shown.values())
    rank = {title: place for place, title in enumerate(published_titles())}
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
    """A note for each remark on a shown method; methods with the same remark share a note."""
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
    """The sets to average over, in order: those of the poster among ``found``.

    With ``everything``, or if no set is on the poster: all sets.
    """
    names = ordered_sets(found)
    of_poster = [name for name in names if name in POSTER_SETS]
    return tuple(names if everything or not of_poster else of_poster)
