"""Every method against every other, and the groups of methods that no test tells apart."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import pandas as pd

from results.analysis.pairing import compare_pair, compared, score_cubes
from results.analysis.statistics import judged

NAMES = ("output", "test_set", "method", "against")


def pair_tests(
    subjects: pd.DataFrame, order: Sequence[str], *, margin: float, joint: bool = False
) -> pd.DataFrame:
    """Every pair of methods, per output and test set, as `paired_tests` has it.

    The columns of that, and `against`, which of a pair stands later in ``order``. Holm's correction
    is over all pairs and test sets of an output, or of all outputs (``joint``).
    """
    rows = []
    for output, test_set, cube, volumes, methods in score_cubes(subjects, "dice"):
        place = {name: row for row, name in enumerate(methods)}
        for one, other in combinations([name for name in order if name in place], 2):
            first, second = place[one], place[other]
            both = compared(cube, volumes, first, second)
            if both.any():
                names = dict(zip(NAMES, (output, test_set, one, other), strict=True))
                rows.append(names | compare_pair(cube[first], cube[second], margin, both))
    return judged(rows, NAMES, metric="dice", joint=joint)


def groups_alike(
    methods: Sequence[str], different: Iterable[tuple[str, str]]
) -> list[tuple[str, ...]]:
    """The greatest groups of methods that hold no two which differ; together they hold all.

    Those of a compact letter display, a letter each: two methods share a group exactly where they
    were not told apart. By the insert-and-absorb algorithm (H.-P. Piepho, J. Comput. Graph. Stat.
    2004). In the order of ``methods``, by their first members.
    """
    groups = [frozenset(methods)]
    for pair in different:
        split: list[frozenset[str]] = []
        for group in groups:
            split += [group - {one} for one in pair] if group.issuperset(pair) else [group]
        unique = list(dict.fromkeys(split))
        groups = [one for one in unique if one and not any(one < other for other in unique)]
    places = {name: place for place, name in enumerate(methods)}
    ordered = [tuple(sorted(group, key=places.__getitem__)) for group in groups]
    return sorted(ordered, key=lambda group: [places[name] for name in group])


def groups_of(pairs: pd.DataFrame, methods: Sequence[str]) -> list[tuple[str, ...]]:
    """`groups_alike` of the comparisons of one output and test set; of methods that are in them."""
    found = set(pairs["method"]) | set(pairs["against"])
    told = pairs[pairs["mark"] != ""]
    names = zip(told["method"].map(str), told["against"].map(str), strict=True)
    return groups_alike([name for name in methods if name in found], names)
