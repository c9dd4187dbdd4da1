"""Sentences on the average: the leader, the methods it differs from, and the effect of single
sets."""

from collections.abc import Mapping

from results.analysis.comparison import Comparison
from results.analysis.leader import Distance, distances
from results.scores.published import AVERAGES
from results.tables.leave_one_out import averages_without, leader_notes
from results.tables.poster_table import PosterTable
from results.wording import listed, some_listed


def average_sentences(comparison: Comparison, table: PosterTable, output: str) -> list[str]:
    """The sentences on the average of an output; ``table`` is its main table."""
    column = AVERAGES[output]
    averages = table.mean[column].dropna().sort_values(ascending=False, kind="stable")
    if averages.empty:
        return []
    sets = table.averaged[column]
    over = f"On average over {some_listed(sets, 'test sets')}" if len(sets) > 1 else f"On {sets[0]}"
    values = {str(name): table.printed(column, mean) for name, mean in averages.items()}
    leader = next(iter(values))
    if len(values) == 1:
        title = table.titles[leader]
        return [f"{over}, {output} of {title} has a Dice of {values[leader]}."]
    own = comparison.by_repeat
    found = distances(own[own["output"] == output], sets, comparison.cohorts, leader)
    return [
        leader_sentence(over, output, values, found, table.titles),
        *leader_notes(averages_without(table, output), table.titles),
    ]


def leader_sentence(
    over: str,
    output: str,
    values: Mapping[str, str],
    found: Mapping[str, Distance],
    titles: Mapping[str, str],
) -> str:
    """The method with the highest mean, and the methods that it differs from.

    Args:
        over: the sets, as "On average over A and B".
        output: FTN or FTN+STN.
        values: two or more printed means, the highest first.
        found: the leader's `distances` from the others.
        titles: titles of the methods.
    """
    leader, *others = values
    level = [name for name in others if values[name] == values[leader]]
    first = listed(titles[name] for name in [leader, *level])
    has = "have" if level else "has"
    text = f"{over}, {output} of {first} {has} the highest mean Dice ({values[leader]})"
    told = [name for name in others if name in found and found[name].above]
    behind = [name for name in others if name in found and found[name].below]
    rest = [name for name in others if name not in {*told, *behind, *level}]
    sure = {name: found[name] for name in others if name in found and found[name].known}
    near = [name for name in rest if name in sure]
    unknown = [name for name in rest if name not in sure]
    used = sure.values()
    if all(one.over_repeats for one in used):
        basis = "over subjects and repeats"
    elif any(one.over_repeats for one in used):
        basis = "over subjects and, where there are two, repeats"
    else:
        basis = "over subjects, of these trained networks"
    reason = f" (95 % intervals of the differences {basis}, uncorrected)"
    if behind:
        lower = listed(f"{titles[name]} ({found[name].difference:+.4f})" for name in behind)
        text += f", but is below {lower} on what both were scored on"
    above = listed(f"{titles[name]} ({values[name]})" for name in told) if told else ""
    if near:
        all_of_them = len(near) == len(others) > 1
        names = listed(f"{titles[name]} ({values[name]})" for name in near)
        names = "any other method" if all_of_them else names
        text += f"{',' if behind else ', but'} is not distinguishable from {names}"
        text += f"; it is above {above}" if above else ""
    elif above:
        text += f" and is above {above}"
    if near or told or behind:
        text += reason
    if unknown:
        names = listed(titles[name] for name in unknown)
        names = "any other method" if len(unknown) == len(others) > 1 else names
        text += (
            f". No interval tells {'them' if level else 'it'} from {names}: that takes two "
            "subjects on which both have the same repeat and volumes"
        )
    return f"{text}."
