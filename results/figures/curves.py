"""Training curves: the segmentation loss and the validation score over the steps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from benchmark.core.errors import ScoreFileError
from results.figures.panels import line_panels
from results.figures.style import styled
from results.scores.order import ordered_titles, remark_notes

SMOOTHED = 11
"""Most logged steps in the running median of the drawn loss; for a short run, a quarter of its
steps."""


def read_histories(paths: Mapping[tuple[str, int], Path]) -> pd.DataFrame:
    """Read the ``history.csv`` of each run: method, repeat, step, loss, validation_iou.

    ``paths`` are by method and repeat. ``loss`` is the segmentation loss of the FTN on the original
    images, which every method has; ``validation_iou`` (of FTN+STN) is NaN at most steps.

    Raises `ScoreFileError` if a file is not such a table.
    """
    parts = []
    for (method, repeat), path in paths.items():
        try:
            history = pd.read_csv(path)
            part = history[["step", "validation_iou", "segmentation"]].astype("float64")
            part = part.rename(columns={"segmentation": "loss"})
        except (OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise ScoreFileError(
                f"{path}: is not a history of a training run ({reason}); move it away, or train "
                f"again"
            ) from error
        part.insert(0, "method", method)
        part.insert(1, "repeat", repeat)
        parts.append(part)
    columns = ["method", "repeat", "step", "loss", "validation_iou"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def training_figure(
    history: pd.DataFrame,
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    notes: Sequence[str] = (),
) -> Figure | None:
    """Draw `read_histories`, a thin line for each repeat; None if there is nothing to draw."""
    if history.empty:
        return None
    shown = ordered_titles(history["method"].unique(), titles, remarks)
    footer = [
        "Loss: cross-entropy of the FTN on images without masks, corruptions or attacks, running "
        f"median of up to {SMOOTHED} logged steps. IoU of FTN+STN on the validation subjects; "
        "ring: the checkpoint that is scored. A line is a repeat.",
        *remark_notes(shown, remarks),
        *notes,
    ]
    with styled():
        (loss, score), lines = line_panels(
            ["Training", "Validation"],
            shown,
            quantities=["Loss", "IoU"],
            along="Step",
            footer=footer,
            phantom=phantom,
            across=2,
            share=False,
        )
        for (method, _), rows in history.groupby(["method", "repeat"]):
            line = {key: value for key, value in lines[str(method)].items() if key != "marker"}
            window = max(1, min(SMOOTHED, len(rows) // 4))
            smooth = rows["loss"].rolling(window, center=True, min_periods=1).median()
            loss.plot(rows["step"], smooth, linewidth=0.8, **line)
            validated = rows.dropna(subset="validation_iou")
            score.plot(validated["step"], validated["validation_iou"], linewidth=0.9, **line)
            if len(validated):
                best = validated.iloc[int(validated["validation_iou"].to_numpy().argmax())]
                score.plot(
                    best["step"], best["validation_iou"], marker=lines[str(method)]["marker"],
                    markersize=5, markerfacecolor="none", color=line["color"],
                )  # fmt: skip
        if (history["loss"] > 0).all():
            loss.set_yscale("log")
            loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            loss.yaxis.set_major_formatter("{x:g}")
            loss.yaxis.set_minor_formatter(NullFormatter())
        figure = loss.get_figure()
        assert isinstance(figure, Figure)
        return figure


def training_alt(history: pd.DataFrame, *, titles: Mapping[str, str] | None = None) -> str:
    """A description of the figure, for readers who cannot see it."""
    shown = ordered_titles(history["method"].unique(), titles)
    best = history.groupby("method")["validation_iou"].max().sort_values(kind="stable").dropna()
    if best.empty:
        return f"Training curves of {len(shown)} methods; none was validated."
    return (
        f"Training curves of {len(shown)} methods. The best validation IoU lies between "
        f"{best.iloc[0]:.4f} ({shown[str(best.index[0])]}) and {best.iloc[-1]:.4f} "
        f"({shown[str(best.index[-1])]})."
    )
