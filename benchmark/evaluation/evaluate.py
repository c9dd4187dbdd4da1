"""Scores of runs on test sets, one row per volume, structure and output."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import sha256, whole_file, write_json
from benchmark.core.lock import FOREVER, folder_lock
from benchmark.core.parallel import check_cancelled, default_workers, results_or_raise, run_parallel
from benchmark.core.parsing import parse_json
from benchmark.data.dataset import Case, Dataset, evaluated_cases
from benchmark.data.field import FIELD, centre_field
from benchmark.data.nifti import write_volume
from benchmark.data.prepared import read_frame
from benchmark.evaluation.metrics import EARLIER, IMPLEMENTATION, score_volume
from benchmark.inference.prediction import in_full_image, predict_field, trained_network
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.runs.run import Run, open_run
from results.scores.score_table import COLUMNS


@dataclass(frozen=True)
class _Job:
    run: Path
    dataset: Dataset
    made_from: dict[str, Any]


def scores_path(run: Run, dataset: Dataset) -> Path:
    """The file for a run's scores on a set."""
    return run.folder / "scores" / f"{dataset.name}.csv"


def kept_scores(run: Run, dataset: Dataset) -> Path:
    """The file that holds a run's scores on a set, perhaps under a former name of the set.

    A file under the former name counts only if it is of the same data. Scores on another version of
    a corrupted set are not touched.
    """
    own = scores_path(run, dataset)
    before = own.with_name(f"{dataset.kind}.csv")
    if before != own and _record_of(own).get("data") != dataset.fingerprint:
        return before if _record_of(before).get("data") == dataset.fingerprint else own
    return own


def evaluate(
    runs: Sequence[Run],
    datasets: Sequence[Dataset],
    *,
    device: torch.device,
    save_predictions: bool = False,
    workers: int | None = None,
) -> int:
    """Score every run on every set, where scores are missing; returns the number of new score
    files.

    Scores are kept in ``scores/<set>.csv`` in the run's folder, beside a record of the weights, the
    data and the metrics. When one of these changes, the scores are made again. Sets that are
    `out_of_reach` are skipped.

    Raises:
        CoopbenchError: a run is unfinished, or a file cannot be read.
    """
    jobs = []
    for run in runs:
        if not run.finished:
            raise CoopbenchError(
                f"{run.folder}: its training is not finished; run the same 'train' command again"
            )
        unreachable = [] if save_predictions else out_of_reach(run, datasets)
        wanted = [dataset for dataset in datasets if dataset not in unreachable]
        for dataset, made_from in unscored(run, wanted, device, predictions=save_predictions):
            if not run.weights.is_file():
                lacks = "label maps" if save_predictions else "scores"
                raise CoopbenchError(
                    f"{run.folder}: was exported without its weights, and has no {lacks} on "
                    f"this {dataset.title}; train it here, or move it away"
                )
            jobs.append(_Job(run.folder, dataset, made_from))
    if workers is None:
        # Each process computes on one core; with a GPU, a few keep it busy during the metrics.
        workers = default_workers() if device.type == "cpu" else min(4, default_workers())
    with run_parallel(
        partial(_evaluate_set, device=device, save_predictions=save_predictions),
        jobs,
        title="evaluate",
        workers=workers,
        preload=[__name__],
    ) as work:
        for _ in results_or_raise(work):
            pass
    return len(jobs)


def _made_from(run: Run, dataset: Dataset) -> dict[str, Any]:
    """The record of a run's scores on a set; empty if the scores are missing or incomplete."""
    return _record_of(kept_scores(run, dataset))


def _record_of(path: Path) -> dict[str, Any]:
    """The record of a score file; empty if the file is incomplete."""
    try:
        record = parse_json(path.with_suffix(".json").read_bytes())
        made_from: dict[str, Any] = record["made_from"]
        return made_from if record["sha256"] == sha256(path) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def out_of_reach(run: Run, datasets: Sequence[Dataset]) -> list[Dataset]:
    """The sets that a run without weights has no scores on, except its training set."""
    if run.weights.is_file():
        return []
    further = [one for one in datasets if one.fingerprint != run.config.data.fingerprint]
    return [one for one in further if _made_from(run, one).get("data") != one.fingerprint]


def unscored(
    run: Run, datasets: Sequence[Dataset], device: torch.device, *, predictions: bool = False
) -> list[tuple[Dataset, dict[str, Any]]]:
    """The sets that a finished run still has to be scored on, with the record for the scores."""
    weights = run.weights_checksum()
    found = []
    for dataset in datasets:
        there = _made_from(run, dataset)
        made_from = {
            "weights": weights,
            "data": dataset.fingerprint,
            "cases": [case.folder for case in evaluated_cases(dataset)],
            "metrics": IMPLEMENTATION,
            "device": device.type,
            "predictions": predictions,
        }
        if not run.weights.is_file():  # exported without weights: cannot be scored again
            made_from["device"] = there.get("device", device.type)
            if there.get("metrics") in EARLIER:
                made_from["metrics"] = there["metrics"]
        if not _is_up_to_date(there, made_from):
            found.append((dataset, made_from))
    return found


def _is_up_to_date(there: dict[str, Any], made_from: dict[str, Any]) -> bool:
    """Whether scores with the record ``there`` are valid for ``made_from``."""
    # Scores with saved predictions are also valid where no predictions are needed.
    same = {**there, "predictions": None} == {**made_from, "predictions": None}
    return same and (there["predictions"] or not made_from["predictions"])


def _evaluate_set(job: _Job, *, device: torch.device, save_predictions: bool) -> None:
    run = open_run(job.run)
    with folder_lock(run.folder / "scores", "scoring", patience=FOREVER, of=job.dataset.name):
        # Another process may have scored the set in the meantime.
        if not _is_up_to_date(_made_from(run, job.dataset), job.made_from):
            _write_scores(run, job, device, save_predictions)


def _write_scores(run: Run, job: _Job, device: torch.device, save_predictions: bool) -> None:
    torch.set_num_threads(1)
    network, precision = trained_network(run, device)
    rows: list[dict[str, Any]] = []
    for case in evaluated_cases(job.dataset):
        for frame in case.frames:
            check_cancelled()
            rows += _evaluate_frame(
                run, network, job.dataset, case, frame, device, precision, save_predictions
            )
    path = scores_path(run, job.dataset)
    with whole_file(path) as partial_path:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(
            partial_path, index=False, float_format="%.6f"
        )
    record = {"made_from": job.made_from, "sha256": sha256(path)}
    if (corruption := job.dataset.corruption) is not None:
        made_by = corruption.made_by
        record["corruption"] = {"recipe": made_by.recipe, "version": made_by.version} | {
            "clean": made_by.clean
        }
    write_json(path.with_suffix(".json"), record)


def _evaluate_frame(
    run: Run,
    network: DualThinkingNetwork,
    dataset: Dataset,
    case: Case,
    frame: str,
    device: torch.device,
    precision: torch.dtype,
    save_predictions: bool,
) -> list[dict[str, Any]]:
    """The score rows of one volume: both outputs, each structure."""
    config = run.config
    volume = read_frame(dataset, case, frame)
    label = centre_field(volume.label, FIELD)
    predictions = predict_field(
        network, volume.image, size=config.training.crop, device=device, precision=precision
    )
    rows = []
    for output, field in predictions.items():
        if save_predictions:
            whole = in_full_image(field, volume.image.shape)
            name = f"{frame}_{output.replace('+', '-')}.nii.gz"
            write_volume(
                run.folder / "predictions" / dataset.name / case.folder / name,
                whole.T,
                volume.affine,
            )
        rows += [
            {
                "method": config.name,
                "repeat": config.repeat,
                "seed": config.seed,
                "test_set": dataset.title,
                "subject": case.subject,
                "draw": case.draw,
                "frame": frame,
                "output": output,
                **asdict(score),
            }
            for score in score_volume(field, label, volume.spacing)
        ]
    return rows


@dataclass(frozen=True)
class ScorePart:
    """One of the files that are joined: its path, number of rows, and test set's title."""

    path: Path
    rows: int
    title: str


def gather_scores(runs: Sequence[Run], datasets: Sequence[Dataset], out: Path) -> list[ScorePart]:
    """Write the scores of all runs on all sets into one ``scores.csv``.

    Returns:
        The joined files, in the order of their rows.
    """
    parts = []
    with whole_file(out) as partial_path, partial_path.open("w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for run in runs:
            unreachable = out_of_reach(run, datasets)
            for dataset in datasets:
                if dataset in unreachable:
                    continue
                path = kept_scores(run, dataset)
                rows = _rows_of(path, dataset)
                file.write(rows)
                parts.append(ScorePart(path, rows.count("\n"), dataset.title))
    return parts


def _rows_of(path: Path, dataset: Dataset) -> str:
    """The rows of a score file with the columns `COLUMNS`, under the set's current title.

    Columns that an earlier file lacks are empty.
    """
    header, _, rows = path.read_text("utf-8").partition("\n")
    names = header.split(",")
    parsed = list(csv.reader(rows.splitlines()))
    title = names.index("test_set")
    if names == list(COLUMNS) and all(row[title] == dataset.title for row in parsed):
        return rows
    place = {name: number for number, name in enumerate(names)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in parsed:
        row[title] = dataset.title
        writer.writerow([row[place[name]] if name in place else "" for name in COLUMNS])
    return text.getvalue()


def gather_groups(runs: Sequence[Run], datasets: Sequence[Dataset]) -> list[tuple[Path, int]]:
    """Gather the scores of each group that one of ``runs`` belongs to, in the group's folder.

    Returns:
        The files written, each with its number of runs: all runs of the group with scores on every
        set.
    """
    written = []
    for folder in sorted({run.folder.parent for run in runs}):
        group = [open_run(path.parent) for path in sorted(folder.glob("*/config.json"))]
        scored = [
            run
            for run in group
            if all(_made_from(run, one).get("data") == one.fingerprint for one in datasets)
        ]
        out = folder / "scores.csv"
        with folder_lock(folder, "gathering the scores of", patience=FOREVER, of=out.stem):
            gather_scores(scored, datasets, out)
        written.append((out, len(scored)))
    return written
