"""Distances apart from detection: how often a structure was found, and how far off, if it was.

Where a structure is absent from one of label and prediction, its HD95 is the diagonal of the field.
That makes a method no better for finding nothing, and hides in one mean two things: how many
structures were missed, and how well the others were outlined.
"""

import numpy as np
import pandas as pd

DETECTED = "detected_percent"
"""100 where a structure of the label was found in the prediction, 0 where not; NaN where the label
has none."""

PRESENT = "hd95_present_mm"
"""HD95 in mm where both have the structure, else NaN."""


def with_presence(scores: pd.DataFrame) -> pd.DataFrame:
    """A table of `read_scores` with the columns `DETECTED` and `PRESENT`."""
    absent = scores["absent"].astype(str).to_numpy()
    found = np.select([absent == "", absent == "prediction"], [100.0, 0.0], np.nan)
    distance = scores["hd95_mm"].where(absent == "")
    added = scores.copy(deep=False)
    added[DETECTED], added[PRESENT] = found, distance
    return added


def all_present(scores: pd.DataFrame) -> bool:
    """Whether no structure is absent from one of label and prediction alone."""
    return not scores["absent"].isin(["label", "prediction"]).any()


def absent_share_notes(scores: pd.DataFrame, output: str) -> list[str]:
    """How much of the summed HD95 of each set comes from structures that one of the two lacks."""
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
        f"Of these means, over all methods, so much comes from absent structures: {each}. The "
        "tables of detection and of HD95 over structures present in both tell the two apart."
    ]
