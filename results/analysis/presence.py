"""Separate detection from distance: how often a structure was found, and its HD95 if it was.

If a structure is absent from label or prediction only, its HD95 is the diagonal of the field. So a
method cannot gain by finding nothing. But one mean then mixes two things: the number of missed
structures, and the quality of the other outlines.
"""

import numpy as np
import pandas as pd

DETECTED = "detected_percent"
"""Column: 100 if a structure of the label is in the prediction, 0 if not; NaN if the label lacks
it."""

PRESENT = "hd95_present_mm"
"""Column: HD95 in mm if both have the structure, else NaN."""


def with_presence(scores: pd.DataFrame) -> pd.DataFrame:
    """Add the columns `DETECTED` and `PRESENT` to a table of `read_scores`."""
    absent = scores["absent"].astype(str).to_numpy()
    found = np.select([absent == "", absent == "prediction"], [100.0, 0.0], np.nan)
    distance = scores["hd95_mm"].where(absent == "")
    added = scores.copy(deep=False)
    added[DETECTED], added[PRESENT] = found, distance
    return added


def all_present(scores: pd.DataFrame) -> bool:
    """Whether no structure is absent from only one of label and prediction."""
    return not scores["absent"].isin(["label", "prediction"]).any()


def absent_share_notes(scores: pd.DataFrame, output: str) -> list[str]:
    """Note on the share of each set's summed HD95 from structures that label or prediction
    lacks."""
    own = scores[(scores["output"] == output) & scores["hd95_mm"].notna()]
    lacking = own["hd95_mm"].where(own["absent"].isin(["label", "prediction"]), 0.0)
    sums = pd.DataFrame({"all": own["hd95_mm"], "lacking": lacking})
    by_set = sums.groupby(own["test_set"], observed=True).sum()
    shares = (by_set["lacking"] / by_set["all"]).dropna()
    shares = shares[shares > 0].sort_values(ascending=False, kind="stable")
    if shares.empty:
        return []
    each = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return [
        f"Shares of these means, over all methods, that come from absent structures: {each}. The "
        "tables of detection and of HD95 over structures present in both tell the two apart."
    ]
