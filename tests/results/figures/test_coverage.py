"""The simulation of docs/statistics.md: its intervals, and that the page quotes its numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from results.figures.coverage_simulation import (
    OVER_SUBJECTS,
    coverage_figure,
    over_both,
    percentile_bootstrap,
)

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return pd.read_csv(DOCS / "images" / "coverage.csv")


def test_percentile_bootstrap_is_scipys() -> None:
    sample = np.random.default_rng(0).normal(size=30)
    low, high = percentile_bootstrap(sample[None], np.random.default_rng(1))
    expected = bootstrap((sample,), np.mean, method="percentile", rng=2).confidence_interval
    width = expected.high - expected.low
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=0.1 * width)


def test_intervals_of_few_draws_hold_as_they_should() -> None:
    generator = np.random.default_rng(0)
    samples = generator.normal(size=(400, 6))
    held = {}
    for name, interval in OVER_SUBJECTS.items():
        low, high = interval(samples, generator)
        held[name] = ((low <= 0) & (high >= 0)).mean()
    # 0.95 within three standard errors; the percentile bootstrap of six is far too narrow.
    assert held["Student's t (used)"] == pytest.approx(0.95, abs=3 * np.sqrt(0.0475 / 400))
    assert held["percentile bootstrap"] < 0.9 < held["studentised bootstrap"]


def test_repeats_are_left_out_by_subjects_alone() -> None:
    """The same shift of all subjects in each repeat: an interval over subjects sees nothing."""
    shifts = np.array([-0.1, 0.0, 0.2])
    ends = over_both(np.tile(shifts, (20, 1)), np.random.default_rng(0))
    low, high = ends["subjects alone"]
    assert high - low == pytest.approx(0) and low == pytest.approx(shifts.mean())
    widths = {name: high - low for name, (low, high) in ends.items()}
    assert widths["mixed model, t (used)"] > widths["two-way bootstrap"] > 0.1


def test_the_page_quotes_its_numbers(found: pd.DataFrame) -> None:
    page = (DOCS / "statistics.md").read_text("utf-8")
    by_name = found.set_index(["population", "count", "interval"])["coverage"]
    for population, count, interval, quoted in (
        ("measured differences", 20, "percentile bootstrap", "92 % instead"),
        ("measured differences", 5, "percentile bootstrap", "80 %"),
        ("measured differences", 20, "Student's t (used)", "94 % and 93 %"),
        ("skewed (exponential)", 20, "studentised bootstrap", "95 % against"),
        ("repeats vary more", 3, "subjects alone", "42 to 44 %"),
        ("both vary", 3, "two-way bootstrap", "80 to 89 %"),
    ):
        share = f"{by_name[population, count, interval]:.0%}".replace("%", "")
        assert share in quoted and quoted in page, (population, count, interval, share)


def test_every_population_has_its_panel(found: pd.DataFrame) -> None:
    figure = coverage_figure(found)
    titles = {axes.get_title() for part in figure.subfigs for axes in part.axes}
    assert titles == set(found["population"])
