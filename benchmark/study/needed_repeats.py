"""Estimate the repeats that a study needs to show a given difference, and their hours."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from tabulate import tabulate

from benchmark.core.errors import CoopbenchError, ScoreFileError
from benchmark.runs.run import Run, find_runs
from benchmark.study.study import Study
from results.analysis.power import ALPHA, LIMIT, POWER, detectable_effect, repeats_needed
from results.analysis.repeat_spread import repeat_differences
from results.scores.score_table import read_scores

OUTPUT = "FTN"
"""The output whose Dice the plan is for."""


@dataclass(frozen=True)
class Need:
    """The repeats needed to tell a method from the reference.

    Attributes:
        method: a method of the study.
        measured: number of repeats behind the measured spread.
        deviation: standard deviation of their differences, in Dice.
        repeats: smallest number that shows the difference; infinite if above the limit.
        done: number of trained repeats.
        seconds: seconds of a training.
    """

    method: str
    measured: int
    deviation: float
    repeats: float
    done: int
    seconds: float

    @property
    def hours(self) -> float:
        """Hours of the remaining trainings."""
        return max(0.0, self.repeats - self.done) * self.seconds / 3600


def needed_repeats(study: Study, target: float, reference: str) -> list[Need]:
    """Estimate the needs of each method of a study from its finished and scored runs; the
    reference's last.

    Args:
        study: its runs, and others of the same preset and data beside them, give the spread.
        target: the difference in Dice to show.
        reference: the method to compare the others with.

    Raises:
        CoopbenchError: no method has two repeats in common with the reference, or a score file
            cannot be read.
    """
    runs = _scored_runs(study)
    files = [path for run in runs for path in sorted((run.folder / "scores").glob("*.csv"))]
    try:
        scores = read_scores(files) if files else None
    except ScoreFileError as error:
        raise CoopbenchError(str(error)) from error
    nothing = pd.DataFrame()
    differences = nothing if scores is None else repeat_differences(scores, reference, OUTPUT)
    needs = []
    for method in map(str, differences):
        own = differences[method].dropna()
        if len(own) > 1:
            deviation = float(own.std(ddof=1))
            needed = repeats_needed(target, deviation)
            needs.append(Need(method, len(own), deviation, needed, *_trained(runs, method)))
    if not needs:
        raise CoopbenchError(
            f"{study.runs}: no method has two finished and scored repeats in common with "
            f"{reference}, so the spread over repeats is not known; train and score two first"
        )
    most = max(need.repeats for need in needs)
    return [*needs, Need(reference, 0, math.nan, most, *_trained(runs, reference))]


def _scored_runs(study: Study) -> list[Run]:
    """The finished runs of the study's methods and preset that have scores."""
    methods = {config.name for config in study.configs}
    group = study.configs[0].group
    return [
        run
        for run in find_runs(study.runs)
        if run.finished
        and run.config.group == group
        and run.config.name in methods
        and any((run.folder / "scores").glob("*.csv"))
    ]


def _trained(runs: Sequence[Run], method: str) -> tuple[int, float]:
    """The number of trained repeats of a method, and the median seconds of a training."""
    seconds = [run.summary().seconds for run in runs if run.config.name == method]
    return len(seconds), statistics.median(seconds)


def describe_needs(needs: Sequence[Need], target: float) -> str:
    """The needs as text."""
    *methods, reference = needs
    rows = [
        (
            need.method,
            need.measured or "",
            "" if math.isnan(need.deviation) else f"{need.deviation:.4f}",
            _count(need.repeats),
            need.done,
            "" if math.isinf(need.repeats) else f"{need.hours:.1f}",
        )
        for need in needs
    ]
    headers = ["method", "measured on", "SD over repeats", "repeats needed", "done", "hours left"]
    total = sum(need.hours for need in needs if math.isfinite(need.repeats))
    fewest = min(need.measured for need in methods)
    lines = [
        f"To see a difference of {target:g} Dice ({OUTPUT}, average over test sets) from "
        f"{reference.method} in {POWER:.0%} of studies at p < {ALPHA} of one comparison:",
        "",
        tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True),
        "",
        f"{total:.1f} hours of one worker for the trainings that are left, as long as those "
        "recorded took.",
        f"A spread measured on {fewest} repeats is rough. {fewest} repeats alone see a difference "
        f"of {detectable_effect(fewest):.1f} standard deviations. Another test subject changes a "
        "difference too, which no number of repeats lessens.",
    ]
    return "\n".join(lines)


def _count(repeats: float) -> str:
    return f"more than {LIMIT}" if math.isinf(repeats) else f"{repeats:.0f}"
