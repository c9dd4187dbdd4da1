"""Make a report from runs: join the scores, describe them, and write all files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.files import check_present, read_json, whole_file, write_json, write_text
from benchmark.core.garbage import rare_collection
from benchmark.core.lock import folder_lock
from benchmark.corrupted_sets.code import code_notes
from benchmark.data.dataset import Dataset
from benchmark.data.set_names import CLEAN, CLEAN_TITLE, MadeBy
from benchmark.evaluation.external.record import CorruptedBy
from benchmark.evaluation.external.rows import ExternalRows
from benchmark.evaluation.gather import ScorePart, gather_scores
from benchmark.evaluation.metrics import IMPLEMENTATION
from benchmark.evaluation.other_versions import not_shown
from benchmark.reporting.report_page import Picture, ScoreSource, make_page
from benchmark.runs.changed_settings import settings_notes
from benchmark.runs.code import code_remarks
from benchmark.runs.provenance import describe, incomplete, provenance
from benchmark.runs.run import Run
from benchmark.runs.selection import Selection
from results.analysis.comparison import Comparison
from results.analysis.robustness import CorruptedSets, Corruption
from results.analysis.verdicts import MARGIN
from results.figures.curves import read_histories
from results.figures.print import latex_figure
from results.figures.report_figures import report_figures
from results.figures.style import lacking_letters, save_figure
from results.page.render import write_page
from results.scores.order import ChosenOrder
from results.scores.score_table import (
    COLUMNS,
    join_scores,
    read_scores,
    rename_sets,
    write_parquet,
)
from results.scores.small_tables import small_tables
from results.tables.latex import DEFAULT_WIDTH
from results.tables.render import text_table
from results.tables.report_tables import NamedTable, ranks_csv, report_tables, severity_csv
from results.wording import PHANTOM_MARK

if TYPE_CHECKING:
    import torch

REFERENCE = "standard"
"""The default reference, if the table has this method."""

MOST_LETTERS = 10
"""Most letters to name that figures cannot show."""

Tell = Callable[[str], None]
"""Called with a few words on each step of the work."""


def silent(line: str) -> None:
    """Do nothing."""


FOLDERS = ("tables", "figures")
INDEX = "report.json"
"""Lists the files of a report, so that the next report can delete outdated ones."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Options of a report that the user chose."""

    average_all: bool = False
    compare_poster: bool = False
    pictures: bool = True
    """Whether to draw segmentations, which needs the runs' weights and some time."""
    reference: str | None = None
    """The reference method; None: `REFERENCE` if it exists, else the first run, else the first
    row."""
    margin: float = MARGIN
    """Margin of relevance: smaller differences in Dice are not relevant."""
    all_pairs: bool = False
    """Whether to also compare every method with every other."""
    joint: bool = False
    """Whether FTN's and FTN+STN's comparisons are corrected as one family."""
    methods: tuple[str, ...] = ()
    """The names of the rows, in their order; empty: all, in the usual order."""
    width: float = DEFAULT_WIDTH
    """Width of the LaTeX tables, in mm."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Titles to print instead of rows' own, by the row's name."""


def corruptions(
    datasets: Sequence[Dataset], external: Mapping[str, CorruptedBy] | None = None
) -> dict[str, CorruptedBy]:
    """The recipes of the corrupted sets among prepared and ``external`` sets, by title.

    Raises:
        CoopbenchError: a prepared set has no valid record of its recipe, or two sets of one title
            differ.
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
                f"an external model from {by.clean} by {by.recipe}; the two must not be mixed; "
                f"make a "
                "report of each, or give equal sets the same --test-set when scoring"
            )
    return found


def corrupted_sets(
    made_by: Mapping[str, CorruptedBy], home: str = CLEAN_TITLE
) -> dict[str, CorruptedSets]:
    """Group the corrupted sets by recipe, version and clean set.

    Each group is a benchmark of its own: a mean over the kinds of two groups would count common
    kinds twice, and change with every added recipe. ``home`` is the title of ``acdc``, which a
    group's name leaves out.

    Raises:
        ScoreFileError: two sets of a group have the same kind and severity, or a severity is not
            valid.
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
    runs: Sequence[Run],
    datasets: Sequence[Dataset],
    external: ExternalRows,
    out: Path,
    methods: Sequence[str] = (),
) -> tuple[pd.DataFrame, list[ScoreSource]]:
    """Write the scores of all rows of a table into ``out``; returns them, and their files.

    Raises:
        ScoreFileError: a score file is broken, or a score is given twice.
        UsageError: one of the ``methods`` has no scores.
    """
    parts = gather_scores(runs, datasets, out) if runs else []
    tables = [read_scores(out)] if runs else []
    for path in external.files:
        tables.append(rename_sets(read_scores(path), external.renamed.get(path, {})))
        parts.append(ScorePart(path, len(tables[-1]), ""))
    scores = _chosen(join_scores(tables), methods)
    if external.files:
        with whole_file(out) as partial:
            scores.to_csv(partial, columns=list(COLUMNS), index=False, float_format="%.6f")
    return scores, [ScoreSource(part.path, part.rows, part.title) for part in parts]


def _chosen(scores: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Select the scores of the rows given, or all.

    Raises:
        UsageError: a row has no scores.
    """
    if not methods:
        return scores
    there = sorted(scores["method"].astype(str).unique())
    if absent := [name for name in methods if name not in there]:
        raise UsageError(
            f"--methods {','.join(absent)}: no row has this name; there are {', '.join(there)}"
        )
    chosen = scores[scores["method"].isin(list(methods))]
    return chosen.assign(method=chosen["method"].astype(str).astype("category"))


def _titles(runs: Sequence[Run], rows: Iterable[str], options: ReportOptions) -> dict[str, str]:
    """The title to print for each row.

    Raises:
        UsageError: a title is given for a row that does not exist.
    """
    own = {run.config.name: run.config.title for run in runs}
    titles = {name: own.get(name, name) for name in rows} | dict(options.titles)
    if absent := sorted(set(options.titles) - set(map(str, rows))):
        raise UsageError(
            f"--title {absent[0]}=…: no row has this name; there are {', '.join(sorted(rows))}"
        )
    if options.methods:
        return ChosenOrder((name, titles[name]) for name in options.methods)
    return titles


def _reference(runs: Sequence[Run], rows: Iterable[str], chosen: Sequence[str]) -> str:
    """The row to compare the others with: ``standard``, else the first of those ``chosen``.

    If none was chosen: the row of a run, else any row.
    """
    own = {run.config.name for run in runs}
    if chosen and REFERENCE not in chosen:
        return chosen[0]
    return min(rows, key=lambda name: (name != REFERENCE, name not in own, name))


def compare(
    selection: Selection,
    datasets: Sequence[Dataset],
    external: ExternalRows,
    scores: pd.DataFrame,
    options: ReportOptions,
) -> Comparison:
    """Collect the information on the methods and sets behind these scores.

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
    code, not_compared = code_remarks(runs)
    remarks = {run.config.name: run.config.remark for run in runs} | external.remarks
    origins = (
        *not_compared,
        *incomplete(scored),
        *provenance(runs, scored),
        *not_shown(runs, datasets),
        *(f"{line}." for line in selection.left_out),
    )
    return Comparison(
        scores=scores,
        name=selection.group,
        reference=options.reference or _reference(runs, methods, options.methods),
        titles=_titles(runs, methods, options),
        remarks={
            name: "; ".join(filter(None, (remarks.get(name), code.get(name))))
            for name in (remarks | code)
        },
        recipes={
            recipe: sets
            for recipe, sets in corrupted_sets(made_by, home).items()
            if found & set(sets.corruptions)  # not if only other rows were scored on it
        },
        graded=frozenset(title for title, by in made_by.items() if by.severity is not None),
        cohorts={title: by.clean for title, by in made_by.items()},
        phantom=external.phantom or any(run.config.data.phantom for run in runs),
        average_all=options.average_all,
        margin=options.margin,
        all_pairs=options.all_pairs,
        joint=options.joint,
        notes=(
            *(describe(run.config) for run in runs[:1]),
            f"Metrics: {IMPLEMENTATION}.",
            *settings_notes(runs),
            *code_notes(scored),
            *origins,
        ),
        origins=origins,
    )


@dataclass(frozen=True)
class Written:
    """The result of `write_report`."""

    text: str
    """The main table, for the terminal."""
    files: tuple[Path, ...]
    """All files that were written."""

    def lines(self, out: Path) -> list[str]:
        """Lines on the files written, one for each kind."""
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
    device: "torch.device | None",
    external: ExternalRows | None = None,
    tell: Tell = silent,
) -> Written:
    """Write scores, tables, figures and the page into ``out``.

    The rows are the selected runs and those of ``external`` models, or the ``options.methods``
    among them. Sets graded by severity appear only in the tables of robustness. There is one such
    table for each recipe; if there are several recipes, the file has the recipe's name.

    Raises:
        CoopbenchError: scores do not fit together, or the reference has none; or another process is
            writing a report there.
    """
    rows = external or ExternalRows()
    with folder_lock(out, "writing the report in"), rare_collection():
        tell("joining the scores")
        joined = _joined_scores(selection.runs, datasets, rows, out / "scores.csv", options.methods)
        with small_tables():
            return _write_report(
                selection, datasets, joined, out, options, ansi, rows, device, tell
            )


def _write_report(
    selection: Selection,
    datasets: Sequence[Dataset],
    joined: tuple[pd.DataFrame, list[ScoreSource]],
    out: Path,
    options: ReportOptions,
    ansi: bool,
    external: ExternalRows,
    device: "torch.device | None",
    tell: Tell,
) -> Written:
    scores, sources = joined
    comparison = compare(selection, datasets, external, scores, options)
    tell(f"tables of {len(comparison.methods)} methods, with their tests")
    tables = list(report_tables(comparison, compare_poster=options.compare_poster))
    files = [out / "scores.csv", out / "scores.parquet"]
    write_parquet(scores, files[-1])
    texts = {
        name: text
        for table in tables
        for name, text in table.renderings(width=options.width, left_out=comparison.origins).items()
    }
    mark = [PHANTOM_MARK] if comparison.phantom else []
    texts["origins.txt"] = "\n".join([*mark, *comparison.origins])
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
    boxes = _without_letters(comparison)
    for line in boxes:
        tell(line)
    figures = report_figures(comparison, history)
    if options.pictures and device is not None:
        from benchmark.reporting.example_figures import example_figures

        examples, unseen = example_figures(comparison, selection.runs, datasets, device)
        figures = chain(figures, examples)
    for figure in figures:
        tell(f"figure {figure.stem}")
        png, pdf = save_figure(figure.figure, out / "figures" / figure.stem)
        tex = out / "figures" / f"{figure.stem}.tex"
        phantom = comparison.phantom
        text = latex_figure(figure.figure, figure.stem, figure.caption, phantom=phantom)
        write_text(tex, text)
        files += [png, pdf, tex]
        pictures.append(Picture(figure.stem, figure.section, figure.caption, figure.alt, png))
    tell("the page")
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
            *(settings_notes(selection.runs) if _differently_trained(selection.runs) else ()),
            *not_shown(selection.runs, datasets),
            *unseen,
            *boxes,
        ],
    )
    write_page(page, out / "report.html")
    files.append(out / "report.html")
    check_present(files)
    _forget_others(out, files)
    main = _first_shown(tables, comparison)
    text = text_table(main.shown, caption=main.caption, notes=main.shown_notes, ansi=ansi)
    return Written(text, tuple(files))


def _without_letters(comparison: Comparison) -> list[str]:
    """A note if the figures' font lacks letters of a name."""
    names = [*comparison.shown.values(), *comparison.scores["test_set"].unique()]
    lacking = lacking_letters(map(str, names))
    if not lacking:
        return []
    more = "" if len(lacking) <= MOST_LETTERS else " and others"
    return [
        f"Figures show a box for each of {' '.join(lacking[:MOST_LETTERS])}{more}, which their "
        "font, DejaVu Sans, lacks; --title gives a method another title."
    ]


def _first_shown(tables: Sequence[NamedTable], comparison: Comparison) -> NamedTable:
    """The table for the terminal; for a single method its robustness, if known."""
    robustness = [table for table in tables if table.stem.startswith("robustness")]
    return robustness[0] if robustness and len(comparison.methods) == 1 else tables[0]


def _differently_trained(runs: Sequence[Run]) -> bool:
    """Whether rows differ in settings of the harness, not only in their method."""
    return any(run.config.training != runs[0].config.training for run in runs)


def _forget_others(out: Path, files: Sequence[Path]) -> None:
    """Delete files of an earlier report that this one did not write; other files stay."""
    index = out / INDEX
    names = [path.relative_to(out).as_posix() for path in files]
    try:
        earlier = read_json(index)["files"] if index.is_file() else []
    except (CoopbenchError, KeyError, TypeError):
        earlier = []
    for name in set(map(str, earlier)) - set(names):
        folder, _, file = name.partition("/")
        if folder in FOLDERS and "/" not in file:  # never delete outside these folders
            (out / folder / file).unlink(missing_ok=True)
    write_json(index, {"files": names})
