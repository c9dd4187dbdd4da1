"""Volumes, ejection fractions and myocardial mass, as predicted against those of the labels.

They follow from the volumes in score files. A pair is one subject (and draw of a corruption):

    LV EDV, RV EDV   volume of the structure at end-diastole (frame ED), in ml
    LV ESV, RV ESV   at end-systole (frame ES), in ml
    LV EF, RV EF     ejection fraction, 100 · (EDV − ESV) / EDV, in %
    LV mass          volume of MYO at ED times 1.05 g/ml, in g

These are the measures that ACDC and M&Ms report (Bernard et al., IEEE TMI 37(11), 2018; Campello
et al., IEEE TMI 40(12), 2021), with the density of both and of SCMR (Schulz-Menger et al., J.
Cardiovasc. Magn. Reson. 22:19, 2020).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from results.scores.score_table import CHOICES, VOLUMES

DENSITY = 1.05
"""Density of the myocardium, in g/ml."""

LIMITS = 1.96
"""Standard deviations from the bias to a limit of agreement (Bland and Altman, Lancet 1986)."""

UNITS = {
    "LV EDV": "ml",
    "LV ESV": "ml",
    "LV EF": "%",
    "LV mass": "g",
    "RV EDV": "ml",
    "RV ESV": "ml",
    "RV EF": "%",
}
"""The measures, in the order of tables and figures, and their units."""

RUN = ["method", "output", "test_set", "repeat"]
_PAIR = [*RUN, "subject", "draw"]


@dataclass(frozen=True)
class ClinicalPairs:
    """Measures of label and prediction, side by side."""

    pairs: pd.DataFrame
    """One row per run (`RUN`), subject, draw and `measure`, with `label` and `prediction`."""
    undefined: pd.DataFrame
    """Rows of undefined ejection fractions: no blood pool at ED."""


def clinical_pairs(scores: pd.DataFrame) -> ClinicalPairs:
    """The measures of every subject of a score table (see `read_scores`) that has volumes.

    A measure needs its frames, ED or ES or both; without them it is left out. A structure that was
    not found counts with volume 0.
    """
    known = scores[scores["label_ml"].notna() & scores["prediction_ml"].notna()]
    known = known[known["frame"].isin(["ED", "ES"])]
    keys = known[_PAIR].astype({"method": str, "output": str, "test_set": str, "subject": str})
    cell = known["structure"].astype(str) + " " + known["frame"].astype(str)
    measures: dict[str, pd.DataFrame] = {}
    for column, of in VOLUMES.items():
        volumes = keys.assign(cell=cell, ml=known[column])
        wide = volumes.pivot(index=_PAIR, columns="cell", values="ml")
        measures[of] = (
            _measures(wide)
            .melt(var_name="measure", value_name=of, ignore_index=False)
            .set_index("measure", append=True)
        )
    both = pd.concat(measures.values(), axis=1)
    both = both.dropna()
    finite = np.isfinite(both).all(axis=1)
    return ClinicalPairs(both[finite].reset_index(), both[~finite].reset_index())


def _measures(ml: pd.DataFrame) -> pd.DataFrame:
    """Compute all measures in `UNITS` from volumes by structure and frame; NaN if a frame is
    missing.

    An ejection fraction with volume 0 at ED is infinite, to tell it from missing frames.
    """
    cells = [f"{name} {frame}" for name in CHOICES["structure"] for frame in ("ED", "ES")]
    ml = ml.reindex(columns=cells)
    found = {"LV mass": ml["MYO ED"] * DENSITY}
    for side in ("LV", "RV"):
        ed, es = ml[f"{side} ED"], ml[f"{side} ES"]
        fraction = 100 * (ed - es) / ed.where(ed > 0)
        found |= {f"{side} EDV": ed, f"{side} ESV": es}
        found[f"{side} EF"] = fraction.mask((ed == 0) & es.notna(), np.inf)
    return pd.DataFrame(found)[list(UNITS)]


def agreement(pairs: pd.DataFrame) -> pd.DataFrame:
    """Agreement of predicted measures with those of the labels, by run and measure.

    ``pairs`` are of `clinical_pairs`. Columns: `RUN`, `measure`, `pairs` (their number), `bias`
    (mean of prediction minus label), `low` and `high` (the limits of agreement: bias ∓ 1.96 sample
    standard deviations of the differences; NaN for one pair), all in the measure's unit, and
    `correlation` (Pearson's; NaN for fewer than three pairs, or where one of the two is constant).
    """
    group = [*RUN, "measure"]
    both = ["label", "prediction"]
    columns = pairs[[*group, *both]].assign(difference=pairs["prediction"] - pairs["label"])
    groups = columns.groupby(group, observed=True)
    bias, spread = groups["difference"].mean(), LIMITS * groups["difference"].std()
    count, least, most = groups.size(), groups[both].min(), groups[both].max()
    centred = columns[both] - groups[both].transform("mean")
    products = columns[group].assign(
        both=centred["label"] * centred["prediction"],
        label=centred["label"] ** 2,
        prediction=centred["prediction"] ** 2,
    )
    sums = products.groupby(group, observed=True).sum()
    varies = (count > 2) & (most > least).all(axis=1)
    correlation = sums["both"] / (sums["label"] * sums["prediction"]).where(varies) ** 0.5
    found = {
        "pairs": count,
        "bias": bias,
        "low": bias - spread,
        "high": bias + spread,
        "correlation": correlation,
    }
    return pd.DataFrame(found).reset_index()
