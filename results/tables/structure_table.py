"""The poster's table for each structure separately."""

from collections.abc import Mapping

import pandas as pd

from results.scores.score_table import CHOICES
from results.tables.mean_table import MeanTable
from results.tables.poster_table import PosterTable, poster_table


def structure_table(
    scores: pd.DataFrame,
    *,
    output: str,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    average_all: bool = False,
    phantom: bool = False,
) -> MeanTable:
    """Mean Dice of each of LV, MYO and RV: rows are methods by structures.

    Columns, averages and the other arguments are as in `poster_table`, with the scores of one
    structure. A structure that no method was scored on has no rows.
    """
    tables: dict[str, PosterTable] = {}
    for structure in CHOICES["structure"]:
        of_structure = scores[scores["structure"] == structure]
        if len(of_structure):
            tables[structure] = poster_table(
                of_structure,
                titles=titles,
                remarks=remarks,
                average_all=average_all,
                phantom=phantom,
                output=output,
            )
    whole = poster_table(
        scores,
        titles=titles,
        remarks=remarks,
        average_all=average_all,
        phantom=phantom,
        output=output,
        over="a set's score is the mean of the structure over its volumes.",
    )
    rows = [
        (method, structure)
        for structure, table in tables.items()
        for method in whole.titles
        if method in table.titles
    ]
    index = pd.MultiIndex.from_tuples(rows, names=["method", "structure"])

    def stacked(name: str) -> pd.DataFrame:
        frames = {structure: getattr(table, name) for structure, table in tables.items()}
        joined = pd.concat(frames, names=["structure", "method"])
        return joined.swaplevel().reindex(index=index, columns=list(whole.headers))

    return MeanTable(
        mean=stacked("mean"),
        sd=stacked("sd"),
        repeats=stacked("repeats").fillna(0),
        titles=whole.titles,
        headers=whole.headers,
        notes=whole.notes,
        phantom=phantom,
    )
