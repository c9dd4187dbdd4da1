"""The table of methods against a reference, over subjects and repeats."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from results.analysis.power import ALPHA, POWER, detectable_effect, repeats_needed
from results.analysis.verdicts import WORDS, margin_note
from results.scores.order import ordered_titles, remark_notes
from results.tables.comparison_tables import rows_of_tests
from results.tables.mean_table import MeanTable

_COLUMNS = {
    "crossed": "Difference",
    "crossed_verdict": "Verdict",
    "crossed_p": "p",
    "crossed_p_holm": "p (Holm)",
    "agree": "Same way",
    "repeats": "Repeats",
    "subjects_error": "SE (subjects)",
    "repeats_error": "SE (repeats)",
    "needed": "Repeats needed",
}


def repeats_table(
    tests: pd.DataFrame,
    reference: str,
    *,
    output: str,
    margin: float,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
) -> MeanTable | None:
    """The comparisons of an output over subjects and repeats: rows are methods by test set.

    ``tests`` is from `paired_tests`. Only comparisons on two or more repeats and subjects are
    shown; None if there is none.
    """
    found = tests[(tests["output"] == output) & tests["crossed_p"].notna()]
    if found.empty:
        return None
    shown = ordered_titles([reference, *found["method"].unique()], titles, remarks)
    values = rows_of_tests(found, shown)
    rows = values.index
    deviation = values["repeats_error"] * np.sqrt(values["repeats"])
    needed = [
        repeats_needed(float(one), float(other))
        for one, other in zip(values["crossed"], deviation, strict=True)
    ]
    mean = values.assign(
        crossed_verdict=values["crossed_verdict"].map(WORDS.index),
        needed=pd.Series(needed, index=rows).replace(np.inf, np.nan),
    )[list(_COLUMNS)]
    nothing = pd.DataFrame(np.nan, index=rows, columns=mean.columns)
    return MeanTable(
        mean=mean.astype("float64"),
        sd=nothing,
        repeats=pd.DataFrame(dict.fromkeys(mean, values["repeats"]), index=rows),
        titles=shown,
        headers=_COLUMNS,
        notes=(
            f"Difference: Dice ({output}) minus that of {shown[reference]}. [ ]: 95 % interval of "
            "the difference between the methods, over subjects and repeats: a mixed model with "
            "both as crossed random effects, t with Satterthwaite's degrees of freedom. A repeat "
            "is a split and a seed, so it holds for other subjects, splits and seeds, as far as "
            "so few repeats tell.",
            "Same way: repeats whose mean difference has the sign of the mean over all. SE: the "
            "difference's standard error over subjects alone, and over repeats alone.",
            margin_note(margin, shown[reference]),
            *needed_notes(values["repeats"]),
            *remark_notes(shown, remarks),
        ),
        phantom=phantom,
        decimals={
            "crossed_p": 4,
            "crossed_p_holm": 4,
            **dict.fromkeys(("agree", "repeats", "needed"), 0),
        },
        floors={"crossed_p": 1e-4, "crossed_p_holm": 1e-4},
        words={"crossed_verdict": WORDS},
        unranked=frozenset(_COLUMNS),
        signed=frozenset(["crossed"]),
        low=nothing.assign(crossed=values["crossed_low"]),
        high=nothing.assign(crossed=values["crossed_high"]),
    )


def needed_notes(repeats: pd.Series) -> list[str]:
    """Notes on the power of the repeats, and on the column of needed repeats."""
    each = ", ".join(
        f"{count} repeats {detectable_effect(count):.1f}"
        for count in sorted({int(count) for count in repeats})
    )
    return [
        f"Repeats needed: to see a true difference of this size in {POWER:.0%} of studies at "
        f"p < {ALPHA}, uncorrected, if it spreads over repeats as it does here; a spread measured "
        "on few repeats is rough. Missing: more than a thousand, or no difference. The least "
        f"difference so seen, in standard deviations over repeats: {each}.",
    ]
