"""From runs to the table and the figure: which runs belong together, and what is said of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.config import RunConfig
from benchmark.data.dataset import Dataset, find_datasets, read_splits
from benchmark.environment import commit
from benchmark.errors import CoopbenchError, UsageError
from benchmark.evaluation import COLUMNS, gather_scores
from benchmark.external_rows import ExternalRows
from benchmark.files import read_json, whole_file, write_text
from benchmark.metrics import IMPLEMENTATION
from benchmark.run import Run, find_runs
from results.errors import ScoreFileError
from results.figures.scores import score_figure
from results.figures.style import save_figure
from results.mean_table import MeanTable
from results.render import csv_table, latex_table, markdown_table, text_table
from results.robustness import CorruptedSets, Corruption, degradation_curves
from results.robustness_table import robustness_table
from results.scores import read_scores
from results.table import poster_table

REFERENCE = "standard"
"""The method that corruption errors are relative to, where it is in the table."""

CLEAN, CLEAN_TITLE = "acdc", "ACDC"
"""The name of the set that the recipes were applied to, and its title where it is not there."""


@dataclass(frozen=True)
class Selection:
    """The runs of one table, and lines on those left out."""

    runs: list[Run]
    left_out: list[str]

    @property
    def group(self) -> str:
        """What the table is called after."""
        return self.runs[0].config.group if self.runs else "external"


def finished_runs(
    runs: Path,
    datasets: Sequence[Dataset],
    preset: str | None = None,
    *,
    may_be_empty: bool = False,
) -> Selection:
    """The finished runs, of one preset or of all, that were trained on one of these sets.

    Raises:
        CoopbenchError: there is none, unless it ``may_be_empty``.
    """
    fingerprints = {dataset.fingerprint for dataset in datasets}
    chosen, left_out = [], []
    for run in find_runs(runs):
        if preset is not None and run.config.preset != preset:
            continue
        if run.config.data.fingerprint not in fingerprints:
            left_out.append(f"{run.folder}: left out, trained on other data")
        elif not run.finished:
            left_out.append(f"{run.folder}: left out, its training is not finished")
        else:
            chosen.append(run)
    if not chosen and not may_be_empty:
        raise CoopbenchError(
            "\n".join(
                [f"{runs}: holds no finished run on these data; see 'coopbench train'", *left_out]
            )
        )
    return Selection(chosen, left_out)


def select_runs(
    runs: Path, datasets: Sequence[Dataset], preset: str | None, *, may_be_empty: bool = False
) -> Selection:
    """The finished runs of one table: trained on these data, all of one preset.

    Raises:
        CoopbenchError: there is none, unless it ``may_be_empty``, or two would fill one cell.
        UsageError: there are several presets, which do not belong in one table.
    """
    selection = finished_runs(runs, datasets, preset, may_be_empty=may_be_empty)
    chosen = selection.runs
    groups = sorted({run.config.group for run in chosen})
    if len(groups) > 1:
        found = sorted({run.config.preset for run in chosen})
        raise UsageError(
            f"{runs}: runs of {', '.join(groups)} do not belong in one table; "
            f"choose by --preset {'|'.join(found)}"
        )
    _check_alike(chosen)
    return selection


def _check_alike(runs: Sequence[Run]) -> None:
    """The repeats of one row must differ in nothing but the repeat and its seed."""
    first: dict[str, Run] = {}
    cells: dict[tuple[str, int], Run] = {}
    for run in runs:
        twin = cells.setdefault((run.config.name, run.config.repeat), run)
        if twin is not run:
            raise CoopbenchError(
                f"{run.folder}: is repeat {run.config.repeat} of {run.config.name}, as is "
                f"{twin.folder}; a table takes one seed per repeat, so move one of them away"
            )
        other = first.setdefault(run.config.name, run)
        varied = {"repeat", "seed", "data"}
        if run.config.model_dump(exclude=varied) != other.config.model_dump(exclude=varied):
            raise CoopbenchError(
                f"{run.folder}: has other settings than {other.folder}, which is the same row; "
                "train one of them under another --name"
            )


def describe(config: RunConfig) -> str:
    """What the runs of a table rest on, in one sentence."""
    training = config.training
    length = f"{training.steps} steps" if training.steps else f"{training.epochs} epochs"
    return (
        f"Trained on {config.data.name} ({len(config.data.train)} subjects), preset "
        f"{config.preset}: {training.crop} × {training.crop}, batch {training.batch}, {length}; "
        "the checkpoint with the best validation IoU (FTN+STN) is scored."
    )


def _provenance(runs: Sequence[Run], datasets: Sequence[Dataset]) -> list[str]:
    """With what, and on what, the runs were trained, the sets corrupted, and the scores made."""
    made = set()
    for run in runs:
        record = read_json(run.folder / "environment.json")
        packages = record["packages"]
        made.add(
            f"Trained by coopbench {packages['coopbench']} (commit {record['commit'] or 'unknown'})"
            f" with torch {packages['torch']} in {record['precision']} on {record['device_name']}, "
            f"{record['threads']} thread(s)."
        )
    corrupted = {
        f"Corrupted with TorchIO {dataset.software['torchio']}, recipe "
        f"{dataset.preparation['recipe']} version {dataset.preparation['recipe_version']}."
        for dataset in datasets
        if "recipe" in dataset.preparation and "torchio" in dataset.software
    }
    now = f"Evaluated by coopbench at commit {commit() or 'unknown'}."
    return [*sorted(made), *sorted(corrupted), now]


def _incomplete(datasets: Sequence[Dataset]) -> list[str]:
    """Test subjects that the splits name and a set does not hold."""
    lines = []
    for dataset in datasets:
        if (dataset.root / "splits.json").is_file():
            test = set(read_splits(dataset).test)
            missing = sorted(test - {case.subject for case in dataset.cases})
            if missing:
                lines.append(
                    f"{dataset.title}: {len(missing)} of {len(test)} test subjects are not there "
                    f"({' '.join(missing)})."
                )
    return lines


def _departures(runs: Sequence[Run]) -> list[str]:
    """Rows that were trained under other settings of the harness than the first one."""
    return sorted(
        {
            f"{run.config.title} was trained under other settings of the harness than "
            f"{runs[0].config.title}: see its config.json."
            for run in runs
            if run.config.training != runs[0].config.training
        }
    )


def corrupted_sets(datasets: Sequence[Dataset]) -> dict[str, CorruptedSets]:
    """By recipe, which of the sets it corrupted, and how severely.

    A recipe is a benchmark of its own: a mean over the kinds of two would count those that both
    have twice, and change with every recipe that is added.

    Raises:
        ScoreFileError: two sets of a recipe are of one kind and severity, or a severity is not one.
    """
    found: dict[str, dict[str, Corruption]] = {}
    for dataset in datasets:
        made_by = dataset.preparation
        if "recipe" in made_by:
            corruption = Corruption(made_by["kind"], made_by.get("severity"))
            found.setdefault(made_by["recipe"], {})[dataset.title] = corruption
    clean = {dataset.name: dataset.title for dataset in datasets}.get(CLEAN, CLEAN_TITLE)
    return {recipe: CorruptedSets(found[recipe], clean=clean) for recipe in sorted(found)}


def _renderings(stem: str, table: MeanTable, caption: str, notes: Sequence[str]) -> dict[str, str]:
    """A table in every form, by file name."""
    return {
        f"{stem}.md": markdown_table(table, caption=caption, notes=notes),
        f"{stem}.tex": latex_table(table, caption=caption, notes=notes),
        f"{stem}.csv": csv_table(table, caption=caption, notes=notes),
        f"{stem}.txt": text_table(table, caption=caption, notes=notes),
    }


def _joined_scores(
    runs: Sequence[Run], datasets: Sequence[Dataset], external: ExternalRows, out: Path
) -> pd.DataFrame:
    """Write the scores of all rows of a table into ``out``; returns them.

    Raises:
        CoopbenchError: a score file is broken, or a score is given twice.
    """
    try:
        if runs:
            gather_scores(runs, datasets, out)
        scores = read_scores([*([out] if runs else []), *external.files])
    except ScoreFileError as error:
        raise CoopbenchError(str(error)) from error
    if external.files:
        with whole_file(out) as partial:
            scores.to_csv(partial, columns=list(COLUMNS), index=False, float_format="%.6f")
    return scores


def _reference(runs: Sequence[Run], rows: Iterable[str]) -> str:
    """The row that corruption errors are relative to: ``standard``, else a run's, else any."""
    own = {run.config.name for run in runs}
    return min(rows, key=lambda name: (name != REFERENCE, name not in own))


def _without_graded(
    scores: pd.DataFrame, datasets: Sequence[Dataset]
) -> tuple[pd.DataFrame, list[str]]:
    """The scores on sets that are not graded by severity, and a note on those that are."""
    graded = scores["test_set"].isin(
        [dataset.title for dataset in datasets if "severity" in dataset.preparation]
    )
    if not graded.any() or graded.all():
        return scores, []
    sets = sorted(set(scores.loc[graded, "test_set"]))
    return scores[~graded], [
        f"Graded by severity, and so in the tables of robustness alone: {', '.join(sets)}."
    ]


def write_report(
    selection: Selection,
    datasets: Sequence[Dataset],
    out: Path,
    *,
    average_all: bool,
    ansi: bool,
    external: ExternalRows | None = None,
) -> tuple[str, list[Path]]:
    """Write scores, tables and figure into ``out``; returns the main table as text, and the files.

    The rows are the runs selected and those of ``external`` models. Robustness measures beside mean
    Dice are a table of their own for each recipe of corruptions: ``robustness.*`` of the only one,
    ``robustness-<recipe>.*`` where there are several.
    """
    runs = selection.runs
    external = external or ExternalRows()
    out.mkdir(parents=True, exist_ok=True)
    scores = _joined_scores(runs, datasets, external, out / "scores.csv")
    titles = {run.config.name: run.config.title for run in runs}
    remarks = {run.config.name: run.config.remark for run in runs} | external.remarks
    scored = [dataset for dataset in datasets if (scores["test_set"] == dataset.title).any()]
    phantom = external.phantom or any(run.config.data.phantom for run in runs)
    ungraded, graded = _without_graded(scores, datasets)
    table = poster_table(
        ungraded, titles=titles, remarks=remarks, average_all=average_all, phantom=phantom
    )
    notes = [
        *(describe(run.config) for run in runs[:1]),
        f"Metrics: {IMPLEMENTATION}.",
        *_departures(runs),
        *_incomplete(scored),
        *_provenance(runs, scored),
        *(f"{line}." for line in selection.left_out),
    ]
    caption = f"Dice on each test set ({selection.group})"
    texts = _renderings("table", table, caption, [*graded, *notes])
    curves = []
    try:
        corrupted = corrupted_sets(datasets)
        for recipe, sets in corrupted.items():
            if not scores["test_set"].isin(list(sets.corruptions)).any():
                continue  # of external models only
            curve = degradation_curves(scores, sets)
            curves.append(curve.assign(recipe=recipe, phantom=phantom))
            robustness = robustness_table(
                scores,
                sets,
                reference=_reference(runs, table.titles),
                titles=titles,
                remarks=remarks,
                phantom=phantom,
            )
            texts |= _renderings(
                "robustness" if len(corrupted) == 1 else f"robustness-{recipe}",
                robustness,
                f"Robustness to the corruptions of recipe {recipe} ({selection.group})",
                notes,
            )
    except ScoreFileError as error:
        raise CoopbenchError(str(error)) from error
    if curves:
        texts["degradation.csv"] = pd.concat(curves).to_csv(index=False, float_format="%.6f")
    for name, text in texts.items():
        write_text(out / name, text if text.endswith("\n") else f"{text}\n")
    figure = score_figure(
        ungraded, titles=titles, remarks=remarks, phantom=phantom, notes=notes[: len(runs[:1])]
    )
    figures = save_figure(figure, out / "scores")
    files = [*(out / name for name in texts), *figures, out / "scores.csv"]
    return text_table(table, caption=caption, notes=[*graded, *notes], ansi=ansi), files


def all_datasets(data: Path) -> list[Dataset]:
    """Every prepared set under ``data``.

    Raises:
        CoopbenchError: two of them have one name, so that their scores would mix.
    """
    found = list(find_datasets(data))
    for names in ([dataset.title for dataset in found], [dataset.name for dataset in found]):
        for name in names:
            if names.count(name) > 1:
                raise CoopbenchError(f"{data}: two prepared sets are called {name}; rename one")
    return found
