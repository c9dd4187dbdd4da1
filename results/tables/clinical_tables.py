"""Tables of the agreement of volumes, ejection fractions and mass with those of the labels."""

from collections.abc import Mapping

import pandas as pd

from results.analysis.clinical import DENSITY, LIMITS, UNITS, ClinicalPairs, agreement
from results.scores.order import further_sets, ordered_titles, remark_notes
from results.scores.published import POSTER_SETS
from results.tables.mean_table import MeanTable
from results.wording import span

_HEADERS = {name: f"{name} ({unit})" for name, unit in UNITS.items()}
_ROW = ["method", "test_set"]


def clinical_tables(
    clinical: ClinicalPairs,
    *,
    output: str,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
) -> tuple[MeanTable, MeanTable] | None:
    """Bias with limits of agreement, and correlation, of an output: methods by test sets.

    ``clinical`` is from `clinical_pairs`; the columns are `UNITS`. None if no set of this output
    has volumes at ED or ES.
    """
    pairs = clinical.pairs[clinical.pairs["output"] == output]
    if pairs.empty:
        return None
    by_run = agreement(pairs)
    shown = ordered_titles(by_run["method"].unique(), titles, remarks)
    names = set(by_run["test_set"])
    sets = [*(name for name in POSTER_SETS if name in names), *further_sets(names)]
    scored = set(zip(by_run["method"], by_run["test_set"], strict=True))
    rows = pd.MultiIndex.from_tuples(
        [(method, name) for name in sets for method in shown if (method, name) in scored],
        names=["method", "test set"],
    )

    def over_repeats(column: str, how: str) -> pd.DataFrame:
        values = by_run.groupby([*_ROW, "measure"])[column].agg(how).unstack("measure")
        return values.reindex(index=rows, columns=list(_HEADERS))

    counts = dict(iter(by_run.groupby("test_set")["pairs"]))
    undefined = clinical.undefined[clinical.undefined["output"] == output]
    shared = (
        f"EDV, ESV: volume at ED and ES, voxels times their size, in the evaluated field. EF: "
        f"(EDV − ESV) / EDV. LV mass: MYO at ED times {DENSITY} g/ml (Bernard et al., IEEE TMI "
        "2018). A structure that was not found has the volume 0; where little is found at ED, "
        "a fraction can lie far below 0 and rule the bias.",
        f"Pairs: {', '.join(f'{name} {span(counts[name])}' for name in sets)}.",
        *_undefined_notes(undefined, shown),
        *remark_notes(shown, remarks),
    )
    repeats = over_repeats("bias", "count").fillna(0)
    agreeing = MeanTable(
        mean=over_repeats("bias", "mean"),
        sd=over_repeats("bias", "mean") * float("nan"),
        repeats=repeats,
        titles=shown,
        headers=_HEADERS,
        notes=(
            f"Bias ({output}): mean over pairs (subjects, and draws of a corruption) of the "
            f"predicted measure minus the label's. [ ]: limits of agreement, bias ± {LIMITS} "
            "standard deviations of these differences (Bland and Altman, Lancet 1986). Over "
            "repeats, the mean of each.",
            *shared,
        ),
        phantom=phantom,
        decimals=dict.fromkeys(_HEADERS, 1),
        unranked=frozenset(_HEADERS),
        signed=frozenset(_HEADERS),
        low=over_repeats("low", "mean"),
        high=over_repeats("high", "mean"),
    )
    correlating = MeanTable(
        mean=over_repeats("correlation", "mean"),
        sd=over_repeats("correlation", "std"),
        repeats=over_repeats("correlation", "count").fillna(0),
        titles=shown,
        headers={name: name for name in _HEADERS},
        notes=(
            f"Pearson's correlation ({output}) over pairs (subjects, and draws of a corruption) of "
            "the predicted measure with the label's; mean ± standard deviation over repeats, where "
            "there are several. It says nothing of a bias. Missing for fewer than three pairs, or "
            "where one of the two is the same throughout.",
            *shared,
        ),
        phantom=phantom,
        decimals=dict.fromkeys(_HEADERS, 3),
    )
    return agreeing, correlating


def _undefined_notes(undefined: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """A note on the number of undefined ejection fractions, by method."""
    if undefined.empty:
        return []
    counts = undefined["method"].value_counts()
    each = ", ".join(f"{title} {counts[name]}" for name, title in titles.items() if name in counts)
    return [f"Ejection fractions left out, since there is no volume at ED: {each}."]
