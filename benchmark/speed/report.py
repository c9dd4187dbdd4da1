"""Measure the time and memory of a report on a study of a given size."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from results.analysis.comparison import Comparison
from results.analysis.robustness import CorruptedSets, Corruption
from results.analysis.worst import worst_cases
from results.figures.report_figures import report_figures
from results.figures.style import save_figure
from results.page.content import Page, Section
from results.page.render import write_page
from results.page.summary import summary
from results.scores.order import further_sets
from results.scores.published import POSTER_SETS
from results.scores.score_table import COLUMNS, read_scores, write_parquet
from results.scores.small_tables import small_tables
from results.tables.report_tables import report_tables

CORRUPTED = tuple(name for name in POSTER_SETS if name.startswith("Rand"))
"""Sets with the subjects of another set."""

KINDS = ("Bias", "Blur", "Gibbs", "Ghosting", "Motion")


@dataclass(frozen=True)
class StudySize:
    """The size of a study; each score also has two frames, three structures and two outputs."""

    methods: int = 30
    repeats: int = 5
    sets: int = 30
    subjects: int = 150

    def __str__(self) -> str:
        return f"{self.methods},{self.repeats},{self.sets},{self.subjects}"

    @property
    def rows(self) -> int:
        """Number of rows of the scores."""
        return self.methods * self.repeats * self.sets * self.subjects * 12

    @property
    def titles(self) -> list[str]:
        """The test sets: the poster's first, then five kinds by severity, then others."""
        graded = [f"{kind}-{severity}" for kind in KINDS for severity in range(1, 6)]
        return [*POSTER_SETS, *graded, *(f"Set {n}" for n in range(self.sets))][: self.sets]


def write_study(folder: Path, size: StudySize, *, seed: int = 0) -> list[Path]:
    """Write random scores of a study: a file for each run and test set, as from an evaluation."""
    generator = np.random.default_rng(seed)
    key = pd.MultiIndex.from_product(
        [
            [f"{number:03d}" for number in range(size.subjects)],
            ["ED", "ES"],
            ["FTN", "FTN+STN"],
            ["LV", "MYO", "RV"],
        ],
        names=["subject", "frame", "output", "structure"],
    ).to_frame(index=False)
    hardness = {name: generator.uniform(0, 0.4) for name in size.titles}
    step = min(0.003, 0.3 / size.methods)  # keeps every Dice above 0
    paths = []
    for method in range(size.methods):
        for repeat in range(size.repeats):
            for test_set in size.titles:
                dice = generator.beta(8, 2, len(key)) * (1 - hardness[test_set] - step * method)
                hd = generator.gamma(2, 8, len(key))
                label_ml = generator.uniform(20, 200, len(key))
                rows = key.assign(
                    method="standard" if method == 0 else f"method-{method:02d}",
                    repeat=repeat,
                    seed=40,
                    test_set=test_set,
                    draw=0,
                    dice=dice.round(6),
                    hd95_mm=(hd / 2).round(6),
                    nsd_2mm=generator.beta(5, 2, len(key)).round(6),
                    jaccard=(dice / (2 - dice)).round(6),
                    hd_mm=hd.round(6),
                    assd_mm=(hd / 8).round(6),
                    label_ml=label_ml.round(6),
                    prediction_ml=(label_ml * generator.normal(1, 0.1, len(key))).round(6),
                    absent="",
                )
                path = folder / f"method-{method:02d}-r{repeat}" / "scores" / f"{test_set}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                table = pa.Table.from_pandas(rows[list(COLUMNS)], preserve_index=False)
                options = pa.csv.WriteOptions(quoting_style="none")
                pa.csv.write_csv(table, path, options)
                paths.append(path)
    return paths


def join(paths: list[Path], out: Path) -> None:
    """Join all files into one, like a report joins the files of its runs."""
    with out.open("wb") as file:
        file.write((",".join(COLUMNS) + "\n").encode())
        for path in paths:
            file.write(path.read_bytes().partition(b"\n")[2])


@dataclass(frozen=True)
class Stage:
    """Time and memory of a part of the report."""

    name: str
    seconds: float
    gib: float
    """The largest memory of the process so far."""


def time_report(paths: list[Path], out: Path) -> Iterator[Stage]:
    """Make a report from score files, without runs; yields each stage when it is done."""
    out.mkdir(parents=True, exist_ok=True)
    done: list[Stage] = []

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds = time.perf_counter() - start
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        done.append(Stage(name, seconds, held))

    with stage("join the files"):
        join(paths, out / "scores.csv")
    yield done[-1]
    with stage("read them"):
        scores = read_scores(out / "scores.csv")
    yield done[-1]
    with stage("write Parquet"):
        write_parquet(scores, out / "scores.parquet")
    yield done[-1]
    comparison = _comparison(scores)
    with stage("tests and rankings"), small_tables():
        comparison.tests  # noqa: B018 - computed once, and kept
        comparison.rankings  # noqa: B018
    yield done[-1]
    with stage("tables"), small_tables():
        tables = list(report_tables(comparison, compare_poster=True))
        for table in tables:
            for name, text in table.renderings().items():
                (out / name).write_text(text, encoding="utf-8")
    yield done[-1]
    with stage("figures"), small_tables():
        history = pd.DataFrame(columns=["method", "repeat", "step", "loss", "validation_iou"])
        for figure in report_figures(comparison, history):
            save_figure(figure.figure, out / figure.stem)
    yield done[-1]
    with stage("page"), small_tables():
        worst = worst_cases(comparison.scores)
        write_page(
            Page(
                title="bench",
                phantom=True,
                summary=tuple(summary(comparison)),
                facts=(),
                cautions=(),
                sections=(Section("dice", "Dice", "", ()),),
                worst=worst.assign(source=[f"scores.csv:{line}" for line in worst.index]),
                runs=(),
            ),
            out / "report.html",
        )
    yield done[-1]


def _comparison(scores: pd.DataFrame) -> Comparison:
    found = set(scores["test_set"].cat.categories)
    corrupted = {
        name: Corruption(kind, int(severity))
        for name in further_sets(found)
        for kind, _, severity in [name.partition("-")]
        if kind in KINDS
    }
    recipes = {"bench": CorruptedSets(corrupted)} if corrupted else {}
    return Comparison(
        scores=scores,
        name="bench",
        reference="standard",
        recipes=recipes,
        graded=frozenset(corrupted),
        cohorts=dict.fromkeys(found & {*CORRUPTED, *corrupted}, "ACDC"),
        phantom=True,
    )
