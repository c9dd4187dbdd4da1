"""Simulate how often 95 % intervals hold the true mean, for docs/statistics.md.

    python -m results.figures.coverage_simulation SCORES docs/images/coverage

SCORES is a score file whose paired differences from `standard` serve as a population; writes a
.csv, a .png and a .pdf of the name given.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark.core.files import whole_file
from results.analysis.crossed import crossed_mean
from results.analysis.intervals import LEVEL, Numbers, interval_of_mean, t_reach
from results.analysis.pairing import score_cubes
from results.figures.style import PALETTE, save_figure, styled
from results.scores.score_table import read_scores, repeat_scores

SUBJECTS = (5, 10, 20, 40, 150)
REPEATS = (2, 3, 5, 10)
TRIALS, RESAMPLES = 2000, 999
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)

Ends = tuple[Numbers, Numbers]
Drawn = tuple[Numbers, Numbers]
"""Samples, (trials, units), and the true mean of each trial."""


def percentile_bootstrap(samples: Numbers, generator: np.random.Generator) -> Ends:
    """Intervals of the rows of ``samples``, (trials, units)."""
    low, high = np.quantile(samples @ _counts(samples.shape[1], generator).T, TAILS, axis=1)
    return low, high


def studentised_bootstrap(samples: Numbers, generator: np.random.Generator) -> Ends:
    """Intervals by the bootstrap of Student's t (Efron and Tibshirani, 1993, section 12.5)."""
    units = samples.shape[1]
    shares = _counts(units, generator)
    means, squares = samples @ shares.T, samples**2 @ shares.T
    errors = np.sqrt(np.maximum(squares - means**2, 0) / (units - 1))
    own, error = samples.mean(axis=1), samples.std(axis=1, ddof=1) / np.sqrt(units)
    apart = means - own[:, None]
    # A resample with only one unit has no deviation: its t is infinite.
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(errors > 1e-9, apart / errors, np.sign(apart) * 1e9)
    low, high = np.quantile(scores, TAILS, axis=1)
    return own - high * error, own - low * error


def student(samples: Numbers, generator: np.random.Generator) -> Ends:
    """Intervals by `results.analysis.intervals.interval_of_mean`, without random draws."""
    return interval_of_mean(samples.T)


Interval = Callable[[Numbers, np.random.Generator], Ends]
OVER_SUBJECTS: dict[str, Interval] = {
    "percentile bootstrap": percentile_bootstrap,
    "studentised bootstrap": studentised_bootstrap,
    "Student's t (used)": student,
}


def _counts(units: int, generator: np.random.Generator) -> Numbers:
    drawn = generator.multinomial(units, np.full(units, 1 / units), size=RESAMPLES)
    return drawn.astype(np.float64) / units


def measured_differences(scores: pd.DataFrame, reference: str = "standard") -> list[Numbers]:
    """For each output, set and method, the subjects' mean differences from the reference."""
    found = []
    for cube in score_cubes(repeat_scores(scores), "dice"):
        means = cube.scores.mean(axis=2)
        base = means[cube.methods.index(reference)]
        every = zip(cube.methods, means, strict=True)
        found += [one - base for name, one in every if name != reference]
    return [one[np.isfinite(one)] for one in found]


def populations(
    measured: list[Numbers],
) -> dict[str, Callable[[np.random.Generator, int], Drawn]]:
    """Functions that draw ``TRIALS`` samples of a given number of subjects."""

    def normal(generator: np.random.Generator, count: int) -> Drawn:
        return generator.normal(size=(TRIALS, count)), np.zeros(TRIALS)

    def skewed(generator: np.random.Generator, count: int) -> Drawn:
        return generator.exponential(size=(TRIALS, count)), np.ones(TRIALS)

    def few_lose_much(generator: np.random.Generator, count: int) -> Drawn:
        lost = np.where(generator.random((TRIALS, count)) < 0.1, -10.0, 0.0)
        return lost + generator.normal(size=(TRIALS, count)), np.full(TRIALS, -1.0)

    def of_measured(generator: np.random.Generator, count: int) -> Drawn:
        chosen = [measured[number] for number in generator.integers(len(measured), size=TRIALS)]
        samples = np.stack([generator.choice(one, count) for one in chosen])
        return samples, np.array([one.mean() for one in chosen])

    return {
        "normal": normal,
        "skewed (exponential)": skewed,
        "one in ten loses much": few_lose_much,
        "measured differences": of_measured,
    }


SETTINGS = {
    "repeats vary more": (0.5, 1.0, 1.0),
    "both vary": (1.0, 0.6, 1.0),
    "subjects vary alone": (1.0, 0.0, 1.0),
}
"""Standard deviations of subjects, repeats and residuals."""


def over_both(table: Numbers, generator: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Intervals of the mean of one table, (subjects, repeats), by name."""
    subjects, repeats = table.shape
    rows = generator.multinomial(subjects, np.full(subjects, 1 / subjects), size=RESAMPLES)
    columns = generator.multinomial(repeats, np.full(repeats, 1 / repeats), size=RESAMPLES)
    means = ((rows @ table) * columns).sum(axis=1) / (subjects * repeats)
    low, high = np.quantile(means, TAILS)
    crossed = crossed_mean([table])
    wald = 1.959964 * crossed.error
    alone = float(t_reach(crossed.subjects_error, subjects - 1))
    return {
        "two-way bootstrap": (float(low), float(high)),
        "mixed model, normal": (crossed.mean - wald, crossed.mean + wald),
        "mixed model, t (used)": crossed.interval,
        "subjects alone": (crossed.mean - alone, crossed.mean + alone),
    }


def simulate(measured: list[Numbers], trials: int = TRIALS) -> pd.DataFrame:
    """Columns: over, population, count (of subjects, or repeats), interval, coverage.

    ``trials`` are those over subjects and repeats; over subjects alone they are `TRIALS`.
    """
    return pd.DataFrame([*_by_subjects(measured), *_by_repeats(trials)])


def _by_subjects(measured: list[Numbers]) -> Iterator[dict[str, object]]:
    for population, draw in populations(measured).items():
        for count in SUBJECTS:
            generator = np.random.default_rng([0, count])
            samples, truth = draw(generator, count)
            for name, interval in OVER_SUBJECTS.items():
                low, high = interval(samples, generator)
                held = ((low <= truth) & (truth <= high)).mean()
                yield {
                    "over": "subjects",
                    "population": population,
                    "count": count,
                    "interval": name,
                    "coverage": float(held),
                }


def _by_repeats(trials: int) -> Iterator[dict[str, object]]:
    for population, (of_subjects, of_repeats, rest) in SETTINGS.items():
        for count in REPEATS:
            generator = np.random.default_rng([1, count])
            held: dict[str, int] = {}
            for _ in range(trials):
                table = (
                    of_subjects * generator.normal(size=(20, 1))
                    + of_repeats * generator.normal(size=(1, count))
                    + rest * generator.normal(size=(20, count))
                )
                for name, (low, high) in over_both(table, generator).items():
                    held[name] = held.get(name, 0) + (low <= 0 <= high)
            for name, times in held.items():
                yield {
                    "over": "subjects and repeats",
                    "population": population,
                    "count": count,
                    "interval": name,
                    "coverage": times / trials,
                }


def coverage_figure(found: pd.DataFrame) -> Figure:
    """A panel for each population; above over subjects, below over subjects and repeats."""
    with styled():
        figure = Figure(figsize=(7.2, 4.4), layout="constrained")
        rows: Any = figure.subfigures(2, 1)
        for row, (over, own) in zip(rows, found.groupby("over", sort=False), strict=True):
            names = list(dict.fromkeys(own["population"]))
            axes = row.subplots(1, len(names), sharey=True)
            intervals = list(dict.fromkeys(own["interval"]))
            for ax, name in zip(axes, names, strict=True):
                for interval, colour, marker in zip(intervals, PALETTE, "osD^", strict=False):
                    line = own[(own["population"] == name) & (own["interval"] == interval)]
                    places = np.arange(len(line))
                    ax.plot(
                        places, line["coverage"], color=colour, marker=marker, ms=3, lw=1,
                        label=interval,
                    )  # fmt: skip
                    ax.set_xticks(places, line["count"])
                ax.axhline(LEVEL, color="0.15", lw=0.8)
                ax.set_title(name, fontsize=7)
                ax.set_xlabel("Subjects" if over == "subjects" else "Repeats, of 20 subjects")
                ax.spines[["top", "right"]].set_visible(False)
            axes[0].set_ylabel("Holds the mean")
            axes[-1].legend(fontsize=5.5, frameon=False, loc="lower right")
        return figure


def main(scores: str, stem: str) -> None:
    """Simulate, and write the numbers and the figure."""
    found = simulate(measured_differences(read_scores(scores)))
    target = Path(stem)
    with whole_file(target.with_name(f"{target.name}.csv")) as partial:
        found.to_csv(partial, index=False, float_format="%.4f")
    save_figure(coverage_figure(found), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
