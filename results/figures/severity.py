"""Figure of Dice against the severity of a corruption."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from results.analysis.intervals import interval_of_mean
from results.analysis.robustness import CorruptedSets
from results.figures.panels import line_panels
from results.figures.style import styled
from results.figures.words import least_and_most
from results.scores.order import ordered_titles, remark_notes
from results.scores.published import AVERAGES
from results.scores.score_table import subject_scores
from results.wording import span


def severity_curves(scores: pd.DataFrame, sets: CorruptedSets) -> pd.DataFrame:
    """Mean Dice over subjects: output, kind, method, severity, mean, low, high, subjects.

    Severity 0 is the clean set. ``low`` and ``high`` end the 95 % t interval over the ``subjects``
    that every method has at all severities of a kind and output (NaN for one subject). Kinds
    without severities, and kinds without such a subject, are left out.
    """
    used = [sets.clean, *(name for levels in sets.graded.values() for name in levels.values())]
    subjects = subject_scores(scores, used)
    rows = []
    for output in [name for name in AVERAGES if (subjects["output"] == name).any()]:
        of_output = subjects[subjects["output"] == output]
        for kind, levels in sets.graded.items():
            tests = {sets.clean: 0, **{name: severity for severity, name in levels.items()}}
            wide = of_output[of_output["test_set"].isin(list(tests))].pivot(
                index="subject", columns=["method", "test_set"], values="dice"
            )
            wide = wide.dropna()
            if wide.empty:
                continue
            low, high = interval_of_mean(wide.to_numpy())
            mean = wide.mean().to_numpy()
            methods, names = (wide.columns.get_level_values(level) for level in (0, 1))
            levels_of = [tests[str(name)] for name in names]
            rows += [
                (output, kind, str(method), *numbers, len(wide))
                for method, *numbers in zip(methods, levels_of, mean, low, high, strict=True)
            ]
    columns = ["output", "kind", "method", "severity", "mean", "low", "high", "subjects"]
    return pd.DataFrame(rows, columns=columns).sort_values(columns[:4], ignore_index=True)


def severity_figure(
    curves: pd.DataFrame,
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    notes: Sequence[str] = (),
) -> Figure | None:
    """Draw `severity_curves`, a panel for each kind and output; None if there is none."""
    if curves.empty:
        return None
    shown = ordered_titles(curves["method"].unique(), titles, remarks)
    outputs = [name for name in AVERAGES if (curves["output"] == name).any()]
    kinds = sorted(curves["kind"].unique())
    panels = [(kind, output) for output in outputs for kind in kinds]
    across = -(-len(kinds) // -(-len(kinds) // 5))  # up to five, rows alike
    banded = len(shown) <= 6  # more bands would hide each other
    band = "; band: its 95 % t interval over subjects"
    footer = [
        f"Severity 0: the clean set. Line: mean over the {span(curves['subjects'])} subjects that "
        f"every method has{band if banded else ''}.",
        *remark_notes(shown, remarks),
        *notes,
    ]
    with styled():
        axes, lines = line_panels(
            [f"{kind} · {output}" for kind, output in panels],
            shown,
            quantities=["Dice"] * len(panels),
            along="Severity",
            footer=footer,
            phantom=phantom,
            across=across,
        )
        by_panel = dict(iter(curves.groupby(["kind", "output"])))
        for panel, ax in zip(panels, axes, strict=True):
            if panel not in by_panel:
                ax.set_visible(False)
                continue
            for method, rows in by_panel[panel].groupby("method"):
                line = lines[str(method)]
                severity = rows["severity"].to_numpy()
                if banded:
                    ax.fill_between(
                        severity, rows["low"], rows["high"], color=line["color"], alpha=0.15, lw=0
                    )
                ax.plot(severity, rows["mean"], markersize=3, linewidth=1.1, **line)
            ax.set_xticks(np.unique(by_panel[panel]["severity"]))
        figure = axes[0].get_figure()
        assert isinstance(figure, Figure)
        return figure


def severity_alt(curves: pd.DataFrame, *, titles: Mapping[str, str] | None = None) -> str:
    """A description of the figure, for readers who cannot see it."""
    shown = ordered_titles(curves["method"].unique(), titles)
    ends = curves.groupby(["output", "kind", "method"])["mean"].agg(["first", "last"])
    change = (ends["last"] - ends["first"]).rename("change").reset_index()
    least, most = least_and_most(
        change,
        "change",
        lambda row: (
            f"{row['change']:+.4f} ({shown[row['method']]}, {row['output']}, {row['kind']})"
        ),
    )
    return (
        f"Lines of Dice against severity for {len(shown)} methods. From the least to the greatest "
        f"severity Dice changes by {least} to {most}."
    )
