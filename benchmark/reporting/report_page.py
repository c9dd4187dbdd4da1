"""The page of a report: sections, worst cases and where every number comes from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.core.files import read_json
from benchmark.evaluation.external.rows import ExternalRows
from benchmark.runs.run import Run
from results.analysis.comparison import Comparison
from results.analysis.excerpt import MOST
from results.analysis.worst import worst_cases
from results.page.content import (
    Facts,
    Page,
    PageFigure,
    PageTable,
    RunRecord,
    Section,
    SetScore,
)
from results.page.summary import summary
from results.tables.mean_table import volume_notes
from results.tables.notes_of_tests import partial_notes, power_notes, untested_notes
from results.tables.poster_table import subject_notes
from results.tables.report_tables import NamedTable, main_table
from results.wording import some_of, span

SECTIONS = {
    "dice": (
        "Dice on each test set",
        "FTN is the segmentation of the fast-thinking network, FTN+STN the one that the "
        "slow-thinking network refined.",
    ),
    "poster": ("Beside the poster", "The published numbers, and how far these are from them."),
    "statistics": (
        "Statistics",
        "The subject is the unit: repeats, frames, structures and draws are averaged within it.",
    ),
    "robustness": (
        "Robustness",
        "What is left of the score under corruptions, and how much each kind takes.",
    ),
    "structures": ("By structure", "Left ventricle, myocardium and right ventricle by themselves."),
    "distances": (
        "Distances",
        "The surfaces' Hausdorff distance, its 95th percentile and their average distance, and the "
        "share of them within 2 mm.",
    ),
    "clinical": (
        "Clinical measures",
        "Volumes, ejection fraction and myocardial mass, as predicted against those of the labels.",
    ),
    "examples": (
        "Examples",
        "What masking does to an image, and what the methods make of the test images.",
    ),
    "training": ("Training", "How the runs came to their checkpoints."),
}
"""Sections of the page, in order: title and first sentence."""


@dataclass(frozen=True)
class ScoreSource:
    """A score file, and its number of rows in the joined scores."""

    path: Path
    rows: int
    title: str = ""
    """Title of its test set, if it has only one."""


@dataclass(frozen=True)
class Picture:
    """A saved figure."""

    stem: str
    section: str
    caption: str
    alt: str
    png: Path


def make_page(
    comparison: Comparison,
    tables: Sequence[NamedTable],
    pictures: Sequence[Picture],
    *,
    runs: Sequence[Run],
    external: ExternalRows,
    sources: Sequence[ScoreSource],
    cautions: Iterable[str],
) -> Page:
    """Compose the page; all its numbers come from the tables."""
    sections = []
    if unknown := {table.section for table in tables} - set(SECTIONS):
        raise ValueError(f"tables of sections that are not in SECTIONS: {sorted(unknown)}")
    for key, (title, intro) in SECTIONS.items():
        own = tuple(
            PageTable(table.stem, table.caption, table.table, table.notes, comparison.excerpt)
            for table in tables
            if table.section == key and not table.long
        )
        drawn = tuple(
            PageFigure(one.stem, one.caption, one.alt, one.png.read_bytes())
            for one in pictures
            if one.section == key
        )
        if own or drawn:
            sections.append(Section(key, title, intro, own, drawn))
    worst = worst_cases(comparison.scores)
    shown = comparison.shown
    return Page(
        title=f"Robustness report: {comparison.name}",
        phantom=comparison.phantom,
        summary=tuple(summary(comparison)),
        facts=_facts(comparison, runs),
        cautions=(*cautions, *comparison.excerpt.notes, *_weak_points(comparison)),
        sections=tuple(sections),
        worst=worst.assign(
            method=worst["method"].astype(str).map(shown), source=_lines(worst.index, sources)
        ),
        runs=(*_run_records(comparison, runs, sources), *_external_records(external, sources)),
    )


def _facts(comparison: Comparison, runs: Sequence[Run]) -> Facts:
    counts = comparison.subjects.groupby("test_set")["subject"].nunique()
    each = some_of([f"{name} {count}" for name, count in counts.items()], "test sets", MOST)
    facts = {
        "Methods": str(len(comparison.methods)),
        "Repeats": span(comparison.repeats.values()),
        "Test subjects": each if len(counts) <= MOST else f"{span(counts)} on {each}",
        "Reference": comparison.shown[comparison.reference],
    }
    if runs:
        config = runs[0].config
        facts |= {
            "Trained on": f"{config.data.name}, {len(config.data.train)} subjects",
            "Preset": config.preset,
        }
    return tuple(facts.items())


def _weak_points(comparison: Comparison) -> list[str]:
    """Lines on the limits of the numbers."""
    missing = main_table(comparison, comparison.outputs[0]).missing_sets
    gaps = [f"No scores for {', '.join(missing)}: the averages are not the poster's."]
    unpaired = [
        line
        for found in comparison.untested.values()
        for line in untested_notes(found, comparison.shown, comparison.reference)
    ]
    return [
        *(gaps if missing else []),
        *([] if comparison.phantom else subject_notes(comparison.of_sets)),
        *dict.fromkeys(unpaired),
        *volume_notes(comparison.of_sets.scored_volumes, comparison.shown),
        *(
            f"{output}: {line}"
            for output, rows in comparison.tests.groupby("output")
            for line in partial_notes(rows, comparison.shown)
        ),
        *power_notes(comparison.tests, comparison.shown),
    ]


def _lines(index: Iterable[int], sources: Sequence[ScoreSource]) -> list[str]:
    """The file and line of rows of the joined scores; a file's first row is its line 2."""
    starts = pd.Series([0, *(source.rows for source in sources)]).cumsum().to_numpy()
    places = starts.searchsorted(list(index), side="right") - 1
    return [
        f"{sources[place].path}:{row - starts[place] + 2}"
        for row, place in zip(index, places, strict=True)
    ]


def _run_records(
    comparison: Comparison, runs: Sequence[Run], sources: Sequence[ScoreSource]
) -> list[RunRecord]:
    keys = ["method", "repeat", "test_set", "output"]
    scores = comparison.scores.groupby(keys, observed=True)["dice"].agg(["mean", "size"])
    files: dict[Path, dict[str, Path]] = {}
    for source in sources:
        files.setdefault(source.path.parent.parent, {})[source.title] = source.path
    records = []
    for run in runs:
        config = run.config
        found = scores.loc[[config.name]].xs(config.repeat, level="repeat")
        titles = files.get(run.folder, {})
        own = tuple(
            SetScore(str(name), str(output), float(mean), int(size), str(titles.get(str(name), "")))
            for (_, name, output), mean, size in found.itertuples()
        )
        title = f"{comparison.shown[config.name]}, repeat {config.repeat}"
        settings = {**config.training.model_dump(), **config.settings}
        records.append(RunRecord(title, str(run.folder), _run_facts(run), _flat(settings), own))
    return records


def _run_facts(run: Run) -> Facts:
    record, done = read_json(run.folder / "environment.json"), run.summary()
    packages = record["packages"]
    return (
        ("Method", run.config.method),
        ("Seed", str(run.config.seed)),
        ("Steps", f"{done.steps}, best at {done.best_step}"),
        ("Validation IoU", f"{done.best_validation_iou:.4f}"),
        ("Time", f"{done.seconds / 3600:.2f} h ({done.seconds_per_step:.3f} s per step)"),
        ("Hardware", f"{record['device_name']}, {record['threads']} thread(s)"),
        ("Precision", str(record["precision"])),
        ("Python", str(record["python"])),
        *((name, str(version)) for name, version in packages.items()),
        ("Commit", str(record["commit"] or "unknown")),
        ("Data", run.config.data.fingerprint),
    )


def _flat(settings: Mapping[str, object], prefix: str = "") -> Facts:
    facts: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            facts += _flat(value, f"{prefix}{name}.")
        else:
            facts.append((f"{prefix}{name}", str(value)))
    return tuple(facts)


def _external_records(external: ExternalRows, sources: Sequence[ScoreSource]) -> list[RunRecord]:
    rows = {source.path: source.rows for source in sources}
    return [
        RunRecord(
            f"External: {path.stem}",
            str(path),
            (("Rows", str(rows[path])),),
            (),
            (),
        )
        for path in external.files
    ]
