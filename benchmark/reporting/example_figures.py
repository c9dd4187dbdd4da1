"""Pictures of a report that need the runs' weights."""

from collections.abc import Iterator, Sequence

import torch

from benchmark.core.errors import CoopbenchError
from benchmark.data.dataset import Dataset
from benchmark.reporting.examples import MOST_METHODS, case_slices, hard_slices, one_repeat
from benchmark.runs.run import Run
from results.analysis.comparison import Comparison
from results.figures.hard_examples import HardSlice, hard_example_alt, hard_example_figure
from results.figures.qualitative import qualitative_alt, qualitative_figure
from results.figures.report_figures import NamedFigure

_SECTION = "examples"


def example_figures(
    comparison: Comparison,
    runs: Sequence[Run],
    datasets: Sequence[Dataset],
    device: torch.device,
) -> tuple[list[NamedFigure], list[str]]:
    """Draw hard examples of each method that has some, and the best, median and worst cases.

    Also returns lines on pictures that cannot be drawn.

    Raises:
        CoopbenchError: weights or images are broken.
    """
    exported = [run for run in runs if not run.weights.is_file()]
    runs = [run for run in runs if run.weights.is_file()]
    if not runs:
        return [], [
            "No pictures: the runs were exported without their weights."
        ] if exported else []
    first = one_repeat(runs)
    trained_on = {dataset.fingerprint: dataset for dataset in datasets}
    figures: list[NamedFigure] = []
    unseen = []
    for name, title in comparison.shown.items():
        if name not in first:
            continue
        run = first[name]
        try:
            slices = hard_slices(run, trained_on[run.config.data.fingerprint], device=device)
        except CoopbenchError as error:
            # A run from elsewhere may have a method that is not installed here.
            unseen.append(f"No hard examples of {title}: {error}.")
            continue
        figures += _hard_examples(name, title, slices, comparison)
    drawn = [first[name] for name in comparison.shown if name in first]
    figures += _cases(comparison, drawn, datasets, device)
    if len(drawn) > MOST_METHODS:
        names = ", ".join(comparison.shown[run.config.name] for run in drawn[MOST_METHODS:])
        unseen.append(f"Not in the pictures of cases, which have no room for more: {names}.")
    weightless = {run.config.name for run in exported} - set(first)
    elsewhere = set(comparison.methods) - set(first) - weightless
    for rows, why in ((weightless, "exported without weights"), (elsewhere, "scored elsewhere")):
        if titles := [title for name, title in comparison.shown.items() if name in rows]:
            unseen.append(f"No pictures of {', '.join(titles)}: {why}.")
    return figures, unseen


def _hard_examples(
    name: str, title: str, slices: list[HardSlice], comparison: Comparison
) -> Iterator[NamedFigure]:
    notes = [f"Validation subjects: {', '.join(one.name for one in slices)}."]
    figure = hard_example_figure(slices, phantom=comparison.phantom, notes=notes)
    if figure is not None:
        alt = hard_example_alt(slices)
        caption = f"Hard examples of {title} ({comparison.name})"
        yield NamedFigure(f"hard-examples-{name}", _SECTION, caption, alt, figure)


def _cases(
    comparison: Comparison, runs: Sequence[Run], datasets: Sequence[Dataset], device: torch.device
) -> Iterator[NamedFigure]:
    output = comparison.outputs[-1]
    repeats: dict[int, list[str]] = {}
    for run in runs[:MOST_METHODS]:
        repeats.setdefault(run.config.repeat, []).append(comparison.shown[run.config.name])
    of = "; ".join(
        f"repeat {repeat}" + (f" ({', '.join(names)})" if len(repeats) > 1 else "")
        for repeat, names in sorted(repeats.items())
    )
    found = case_slices(runs, datasets, comparison.ungraded, output=output, device=device)
    for choice, cases in found.items():
        figure = qualitative_figure(
            cases, choice, output, notes=[f"Of {of}.", *comparison.notes[:1]], **comparison.naming
        )
        if figure is not None:
            alt = qualitative_alt(cases, choice)
            caption = f"{choice.capitalize()} case of each test set, {output} ({comparison.name})"
            yield NamedFigure(f"qualitative-{choice}", _SECTION, caption, alt, figure)
