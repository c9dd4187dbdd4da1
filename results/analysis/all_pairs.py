"""Compare every method with every other; find groups that no test tells apart."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import pandas as pd

from results.analysis.pairing import compare_pair, score_cubes
from results.analysis.statistics import judged

NAMES = ("output", "test_set", "method", "against")


def pair_tests(
    subjects: pd.DataFrame, order: Sequence[str], *, margin: float, joint: bool = False
) -> pd.DataFrame:
    """Test every pair of methods, per output and test set, as in `paired_tests`.

    The columns are those of `paired_tests` and `against`, the method of the pair that comes later
    in ``order``. Holm's correction is over all pairs and test sets of an output, or of all outputs
    (``joint``).
    """
    rows = []
    for cube in score_cubes(subjects, "dice"):
        place = {name: row for row, name in enumerate(cube.methods)}
        for one, other in combinations([name for name in order if name in place], 2):
            first, second = place[one], place[other]
            both = cube.compared(first, second)
            if both.any():
                names = dict(zip(NAMES, (cube.output, cube.test_set, one, other), strict=True))
                found = compare_pair(cube.scores[first], cube.scores[second], margin, both)
                rows.append(names | found)
    return judged(rows, NAMES, metric="dice", joint=joint)


def groups_alike(
    methods: Sequence[str], different: Iterable[tuple[str, str]]
) -> list[tuple[str, ...]]:
    """The largest groups of methods without two that differ; every method is in a group.

    These are the groups of a compact letter display: two methods share a group exactly if no test
    tells them apart. Source: insert-and-absorb algorithm (H.-P. Piepho, J. Comput. Graph. Stat.
    2004). Groups are ordered by their first members in ``methods``.
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
    """`groups_alike` for the comparisons of one output and test set."""
    found = set(pairs["method"]) | set(pairs["against"])
    told = pairs[pairs["mark"] != ""]
    names = zip(told["method"].map(str), told["against"].map(str), strict=True)
    return groups_alike([name for name in methods if name in found], names)
