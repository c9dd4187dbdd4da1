"""The poster's table for each structure separately."""

from collections.abc import Mapping

import pandas as pd

from results.scores.score_groups import ScoreGroups
from results.tables.mean_table import MeanTable
from results.tables.poster_table import poster_table


def structure_table(
    whole: ScoreGroups,
    structures: Mapping[str, ScoreGroups],
    *,
    output: str,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    average_all: bool = False,
    phantom: bool = False,
) -> MeanTable:
    """Mean Dice of each of LV, MYO and RV: rows are methods by structures.

    ``whole`` are the rows of all scores, ``structures`` those of each structure (`by_set`).
    Columns, averages and the other arguments are as in `poster_table`, with the scores of one
    structure. A structure that no method was scored on has no rows.
    """
    tables = {
        structure: poster_table(
            of_structure,
            titles=titles,
            remarks=remarks,
            average_all=average_all,
            phantom=phantom,
            output=output,
        )
        for structure, of_structure in structures.items()
    }
    table = poster_table(
        whole,
        titles=titles,
        remarks=remarks,
        average_all=average_all,
        phantom=phantom,
        output=output,
        over="a set's score is the mean of the structure over its volumes.",
    )
    rows = [
        (method, structure)
        for structure, own in tables.items()
        for method in table.titles
        if method in own.titles
    ]
    index = pd.MultiIndex.from_tuples(rows, names=["method", "structure"])

    def stacked(name: str) -> pd.DataFrame:
        frames = {structure: getattr(own, name) for structure, own in tables.items()}
        joined = pd.concat(frames, names=["structure", "method"])
        return joined.swaplevel().reindex(index=index, columns=list(table.headers))

    return MeanTable(
        mean=stacked("mean"),
        sd=stacked("sd"),
        repeats=stacked("repeats").fillna(0),
        titles=table.titles,
        headers=table.headers,
        notes=table.notes,
        phantom=phantom,
    )
