"""From runs to a report: the scores joined, what is known of them, and all that is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd
import torch

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import check_present, read_json, whole_file, write_json, write_text
from benchmark.core.lock import folder_lock
from benchmark.data.dataset import Dataset
from benchmark.data.set_names import CLEAN, CLEAN_TITLE, MadeBy
from benchmark.evaluation.evaluate import COLUMNS, ScorePart, gather_scores
from benchmark.evaluation.external.record import CorruptedBy
from benchmark.evaluation.external.rows import ExternalRows
from benchmark.evaluation.metrics import IMPLEMENTATION
from benchmark.evaluation.other_versions import not_shown
from benchmark.reporting.example_figures import example_figures
from benchmark.reporting.report_page import Picture, ScoreSource, make_page
from benchmark.runs.provenance import departures, describe, incomplete, provenance
from benchmark.runs.run import Run
from benchmark.runs.selection import Selection
from results.analysis.comparison import Comparison
from results.analysis.robustness import CorruptedSets, Corruption
from results.figures.curves import read_histories
from results.figures.report_figures import report_figures
from results.figures.style import save_figure
from results.page.render import write_page
from results.scores.score_table import join_scores, read_scores, rename_sets, write_parquet
from results.tables.render import text_table
from results.tables.report_tables import ranks_csv, report_tables, severity_csv

REFERENCE = "standard"
"""The method that the others are compared with, where it is in the table."""

FOLDERS = ("tables", "figures")
INDEX = "report.json"
"""Names the files of a report, so that the next one leaves none of them behind."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """What the user asked for."""

    average_all: bool = False
    compare_poster: bool = False
    pictures: bool = True
    """Whether to draw segmentations, which needs the runs' weights and some time."""
    reference: str | None = None
    """None: `REFERENCE` where it is there, else the first run, else the first row."""


def corruptions(
    datasets: Sequence[Dataset], external: Mapping[str, CorruptedBy] | None = None
) -> dict[str, CorruptedBy]:
    """What the corrupted ones among prepared and ``external`` sets were made by, by title.

    Raises:
        CoopbenchError: a prepared set does not say it, or two say different things of one title.
    """
    titles = {dataset.name: dataset.title for dataset in datasets}
    found: dict[str, CorruptedBy] = {}
    for dataset in datasets:
        corruption = dataset.corruption
        if corruption is None:
            continue
        made_by = corruption.made_by
        found[dataset.title] = CorruptedBy(
            recipe=made_by.recipe,
            version=made_by.version,
            kind=corruption.kind,
            severity=corruption.severity,
            clean=titles.get(made_by.clean, made_by.clean_title),
        )
    for title, by in (external or {}).items():
        if (other := found.setdefault(title, by)) != by:
            raise CoopbenchError(
                f"{title}: is corrupted from {other.clean} by {other.recipe}, and in the scores of "
                f"an external model from {by.clean} by {by.recipe}; the two do not mix, so make a "
                "report of each, or score under one --set what is the same"
            )
    return found


def corrupted_sets(
    made_by: Mapping[str, CorruptedBy], home: str = CLEAN_TITLE
) -> dict[str, CorruptedSets]:
    """By recipe, its version and the clean set, which sets were corrupted, and how severely.

    Each is a benchmark of its own: a mean over the kinds of two would count those that both have
    twice, and change with every recipe that is added. ``home`` is the title of ``acdc``, which a
    group's name leaves out.

    Raises:
        ScoreFileError: two sets of a group are of one kind and severity, or a severity is not one.
    """
    found: dict[str, dict[str, Corruption]] = {}
    clean: dict[str, str] = {}
    for title, by in made_by.items():
        of = CLEAN if by.clean == home else by.clean
        group = MadeBy(by.recipe, by.version, of, by.clean).group
        clean[group] = by.clean
        found.setdefault(group, {})[title] = Corruption(by.kind, by.severity)
    return {group: CorruptedSets(found[group], clean=clean[group]) for group in sorted(found)}


def _joined_scores(
    runs: Sequence[Run], datasets: Sequence[Dataset], external: ExternalRows, out: Path
) -> tuple[pd.DataFrame, list[ScoreSource]]:
    """Write the scores of all rows of a table into ``out``; returns them, and their files.

    Raises:
        ScoreFileError: a score file is broken, or a score is given twice.
    """
    parts = gather_scores(runs, datasets, out) if runs else []
    tables = [read_scores(out)] if runs else []
    for path in external.files:
        tables.append(rename_sets(read_scores(path), external.renamed.get(path, {})))
        parts.append(ScorePart(path, len(tables[-1]), ""))
    scores = join_scores(tables)
    if external.files:
        with whole_file(out) as partial:
            scores.to_csv(partial, columns=list(COLUMNS), index=False, float_format="%.6f")
    return scores, [ScoreSource(part.path, part.rows, part.title) for part in parts]


def _reference(runs: Sequence[Run], rows: Iterable[str]) -> str:
    """The row that others are compared with: ``standard``, else a run's, else any."""
    own = {run.config.name for run in runs}
    return min(rows, key=lambda name: (name != REFERENCE, name not in own, name))


def compare(
    selection: Selection,
    datasets: Sequence[Dataset],
    external: ExternalRows,
    scores: pd.DataFrame,
    options: ReportOptions,
) -> Comparison:
    """What is known of the methods and the sets behind these scores.

    Raises:
        ScoreFileError: the reference has no scores.
    """
    runs = selection.runs
    found = set(scores["test_set"])
    scored = [dataset for dataset in datasets if dataset.title in found]
    own = datasets if runs else [one for one in datasets if not external.replaces(one)]
    made_by = corruptions(own, external.corrupted)
    methods = scores["method"].astype(str).unique()
    home = {dataset.name: dataset.title for dataset in datasets}.get(CLEAN, CLEAN_TITLE)
    return Comparison(
        scores=scores,
        name=selection.group,
        reference=options.reference or _reference(runs, methods),
        titles={run.config.name: run.config.title for run in runs},
        remarks={run.config.name: run.config.remark for run in runs} | external.remarks,
        recipes={
            recipe: sets
            for recipe, sets in corrupted_sets(made_by, home).items()
            if found & set(sets.corruptions)  # not so where only others were scored on it
        },
        graded=frozenset(title for title, by in made_by.items() if by.severity is not None),
        cohorts={title: by.clean for title, by in made_by.items()},
        phantom=external.phantom or any(run.config.data.phantom for run in runs),
        average_all=options.average_all,
        notes=(
            *(describe(run.config) for run in runs[:1]),
            f"Metrics: {IMPLEMENTATION}.",
            *departures(runs),
            *incomplete(scored),
            *provenance(runs, scored),
            *not_shown(runs, datasets),
            *(f"{line}." for line in selection.left_out),
        ),
    )


@dataclass(frozen=True)
class Written:
    """What came of a report."""

    text: str
    """The main table, for the terminal."""
    files: tuple[Path, ...]
    """Everything that was written."""

    def lines(self, out: Path) -> list[str]:
        """Where things are, a line for each kind."""
        found = []
        for folder in FOLDERS:
            names: dict[str, list[str]] = {}
            for path in self.files:
                if path.parent == out / folder:
                    names.setdefault(path.stem, []).append(path.suffix)
            for endings in dict.fromkeys(map(tuple, names.values())):
                stems = [stem for stem, own in names.items() if tuple(own) == endings]
                found.append(f"wrote {out / folder}/: {', '.join(stems)} ({' '.join(endings)})")
        return [*found, *(f"wrote {path}" for path in self.files if path.parent == out)]


def write_report(
    selection: Selection,
    datasets: Sequence[Dataset],
    out: Path,
    *,
    options: ReportOptions,
    ansi: bool,
    device: torch.device,
    external: ExternalRows | None = None,
) -> Written:
    """Write scores, tables, figures and the page into ``out``.

    The rows are the runs selected and those of ``external`` models. Sets graded by severity are in
    the tables of robustness alone; these stand once for each recipe of corruptions, with its name
    in the file's where there are several.

    Raises:
        CoopbenchError: scores do not fit together, or the reference has none; or another process is
            writing a report there.
    """
    rows = external or ExternalRows()
    with folder_lock(out, "writing the report in"):
        return _write_report(selection, datasets, out, options, ansi, rows, device)


def _write_report(
    selection: Selection,
    datasets: Sequence[Dataset],
    out: Path,
    options: ReportOptions,
    ansi: bool,
    external: ExternalRows,
    device: torch.device,
) -> Written:
    scores, sources = _joined_scores(selection.runs, datasets, external, out / "scores.csv")
    comparison = compare(selection, datasets, external, scores, options)
    tables = list(report_tables(comparison, compare_poster=options.compare_poster))
    files = [out / "scores.csv", out / "scores.parquet"]
    write_parquet(scores, files[-1])
    texts = {name: text for table in tables for name, text in table.renderings().items()}
    long = {"severity.csv": severity_csv(comparison), "ranks.csv": ranks_csv(comparison)}
    for name, text in {**texts, **long}.items():
        if text is not None:
            files.append(out / "tables" / name)
            write_text(files[-1], text if text.endswith("\n") else f"{text}\n")
    history = read_histories(
        {(run.config.name, run.config.repeat): run.history for run in selection.runs}
    )
    pictures: list[Picture] = []
    unseen: list[str] = []
    figures = report_figures(comparison, history)
    if options.pictures:
        examples, unseen = example_figures(comparison, selection.runs, datasets, device)
        figures = chain(figures, examples)
    for figure in figures:
        png, pdf = save_figure(figure.figure, out / "figures" / figure.stem)
        files += [png, pdf]
        pictures.append(Picture(figure.stem, figure.section, figure.caption, figure.alt, png))
    page = make_page(
        comparison,
        tables,
        pictures,
        runs=selection.runs,
        external=external,
        sources=sources,
        cautions=[
            *(f"{line}." for line in selection.left_out),
            *incomplete([one for one in datasets if one.title in set(scores["test_set"])]),
            *departures(selection.runs),
            *not_shown(selection.runs, datasets),
            *unseen,
        ],
    )
    write_page(page, out / "report.html")
    files.append(out / "report.html")
    check_present(files)
    _forget_others(out, files)
    main = tables[0]
    text = text_table(main.table, caption=main.caption, notes=main.notes, ansi=ansi)
    return Written(text, tuple(files))


def _forget_others(out: Path, files: Sequence[Path]) -> None:
    """Delete what an earlier report wrote here and this one did not; other files stay."""
    index = out / INDEX
    names = [path.relative_to(out).as_posix() for path in files]
    try:
        earlier = read_json(index)["files"] if index.is_file() else []
    except (CoopbenchError, KeyError, TypeError):
        earlier = []
    for name in set(map(str, earlier)) - set(names):
        folder, _, file = name.partition("/")
        if folder in FOLDERS and "/" not in file:  # whatever the index says, nothing elsewhere
            (out / folder / file).unlink(missing_ok=True)
    write_json(index, {"files": names})
