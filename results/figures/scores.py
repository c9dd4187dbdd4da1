"""Figure of Dice per test set and method: a point for every subject, and a slim box."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from benchmark.core.errors import ScoreFileError
from results.figures.panels import BOX_LEGEND, draw_box, row_panels
from results.figures.style import colours, styled
from results.figures.words import least_and_most
from results.scores.order import ordered_sets, ordered_titles, remark_notes
from results.scores.published import AVERAGES, POSTER_SETS
from results.scores.score_table import subject_scores


def score_figure(
    scores: pd.DataFrame,
    *,
    titles: Mapping[str, str] | None = None,
    remarks: Mapping[str, str] | None = None,
    phantom: bool = False,
    notes: Sequence[str] = (),
) -> Figure:
    """Draw a score table (see `read_scores`), FTN above FTN+STN.

    Test sets are side by side, methods are labelled rows, both in the table's order; all panels
    share one Dice axis. A point is a subject: the mean Dice of its frames, structures, draws and
    repeats, undefined scores left out. Boxes: median and quartiles over subjects, whiskers to the
    furthest subject within 1.5 interquartile ranges; diamond: mean.

    The figure is not registered with pyplot. `remarks` on methods and `notes` are printed below it;
    `phantom` marks it as made from synthetic hearts. A method without scores for a set is marked
    "missing" there.

    Raises `ScoreFileError` where no score is defined.
    """
    subjects = subject_scores(scores)
    found = set(subjects["test_set"])
    if subjects.empty:
        raise ScoreFileError("scores: every Dice is empty, nothing to draw; check the evaluation")
    sets = ordered_sets(found)
    shown = ordered_titles(subjects["method"].unique(), titles, remarks)
    notes = [*remark_notes(shown, remarks), *notes]
    outputs = [output for output in AVERAGES if (subjects["output"] == output).any()]
    points = dict(iter(subjects.groupby(["output", "test_set", "method"])["dice"]))
    lowest = min(np.floor(subjects["dice"].min() * 10) / 10, 0.8)

    with styled():
        axes = row_panels(
            list(shown.values()),
            sets,
            outputs,
            quantity="Dice",
            footer=_footer(subjects, notes),
            phantom=phantom,
        )
        for output, row in zip(outputs, axes, strict=True):
            for test_set, panel in zip(sets, row, strict=True):
                for place, (method, colour) in enumerate(colours(list(shown)).items()):
                    dice = points.get((output, test_set, method))
                    draw_box(panel, place, colour, dice)
        # All panels share the axis.
        axes[0][0].set_xlim(lowest - 0.03, 1.03)
        axes[0][0].xaxis.set_major_locator(MultipleLocator(0.2 if lowest < 0.55 else 0.1))
        axes[0][0].xaxis.set_major_formatter("{x:.3g}")
        figure = axes[0][0].get_figure()
        assert isinstance(figure, Figure)
        return figure


def _footer(subjects: pd.DataFrame, notes: Sequence[str]) -> list[str]:
    counts = subjects.groupby("test_set")["subject"].nunique()
    missing = [name for name in POSTER_SETS if name not in counts.index]
    legend = "Point: a subject, the mean of its frames, structures, draws and repeats."
    gaps = [f"No scores for {', '.join(missing)}."] if missing else []
    return [f"{legend} {BOX_LEGEND}", *gaps, *notes]


def score_alt(scores: pd.DataFrame, *, titles: Mapping[str, str] | None = None) -> str:
    """A description of the figure: the highest and the lowest mean of a method on a set."""
    subjects = subject_scores(scores)
    shown = ordered_titles(subjects["method"].unique(), titles)
    means = subjects.groupby(["output", "test_set", "method"])["dice"].mean().reset_index()
    lowest, highest = least_and_most(
        means,
        "dice",
        lambda row: (
            f"{row['dice']:.4f} ({shown[row['method']]}, {row['output']}, {row['test_set']})"
        ),
    )
    return (
        f"Box plots of the Dice of {subjects['subject'].nunique()} subjects for {len(shown)} "
        f"methods on {subjects['test_set'].nunique()} test sets. Means over subjects lie between "
        f"{lowest} and {highest}."
    )
