"""The table that compares every method with every other."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from results.scores.order import ordered_sets, ordered_titles, remark_notes
from results.tables.mean_table import MeanTable
from results.tables.notes_of_tests import mark_notes


def pairs_table(
    pairs: pd.DataFrame,
    *,
    output: str,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
) -> MeanTable:
    """Differences of an output (`pair_tests`): pairs of methods by test sets."""
    own = pairs[pairs["output"] == output]
    shown = ordered_titles({*own["method"], *own["against"]}, titles, remarks)
    named = own.assign(against=own["against"].map(shown))
    values = ("difference", "low", "high", "repeats", "mark")
    wide = {
        name: named.pivot(index=["method", "against"], columns="test_set", values=name)
        for name in values
    }
    present = set(wide["difference"].index)
    rows = pd.MultiIndex.from_tuples(
        [(one, other) for one in shown for other in shown.values() if (one, other) in present],
        names=["method", "against"],
    )
    sets = ordered_sets(own["test_set"].unique())
    frames = {name: frame.reindex(index=rows, columns=sets) for name, frame in wide.items()}
    # Here a row is a pair of methods, so the notes name both.
    both = own.assign(method=own["method"] + "\n" + own["against"])
    pair_titles = {
        f"{one}\n{other}": f"{shown[one]} against {shown[other]}"
        for one in shown
        for other in shown
    }
    return MeanTable(
        mean=frames["difference"].astype("float64"),
        sd=pd.DataFrame(np.nan, index=rows, columns=sets),
        repeats=frames["repeats"].fillna(0),
        titles=shown,
        headers={name: name for name in sets},
        notes=(
            f"Difference in Dice ({output}) of a method from the other, mean over subjects. [ ]: "
            "95 % t interval over subjects.",
            *mark_notes(both, "the other", output, pair_titles),
            *remark_notes(shown, remarks),
        ),
        phantom=phantom,
        unranked=frozenset(sets),
        signed=frozenset(sets),
        low=frames["low"].astype("float64"),
        high=frames["high"].astype("float64"),
        marks=frames["mark"].astype("object").fillna(""),
    )
