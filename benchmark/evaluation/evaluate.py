"""Score runs on test sets: one row per volume, structure and output."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from benchmark.core.files import remove_leftovers, sha256, whole_file, write_json
from benchmark.core.lock import FOREVER, folder_lock
from benchmark.core.parallel import check_cancelled, default_workers, results_or_raise, run_parallel
from benchmark.data.dataset import Case, Dataset, evaluated_cases
from benchmark.data.field import FIELD, centre_field
from benchmark.data.nifti import write_volume
from benchmark.data.prepared import read_frame
from benchmark.evaluation.kept_scores import (
    MissingScores,
    is_up_to_date,
    made_from,
    missing_scores,
    scores_path,
)
from benchmark.evaluation.metrics import score_volume
from benchmark.inference.prediction import in_full_image, predict_field, trained_network
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.runs.run import Run, open_run
from results.scores.score_table import COLUMNS


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
    jobs = missing_scores(runs, datasets, device.type, predictions=save_predictions)
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


def _evaluate_set(job: MissingScores, *, device: torch.device, save_predictions: bool) -> None:
    run = open_run(job.run)
    with folder_lock(run.folder / "scores", "scoring", patience=FOREVER, of=job.dataset.name):
        # Another process may have scored the set in the meantime.
        if not is_up_to_date(made_from(run, job.dataset), job.made_from):
            remove_leftovers(_predictions_folder(run, job.dataset))
            _write_scores(run, job, device, save_predictions)


@lru_cache(maxsize=1)
def _network_of(
    folder: Path, weights: str, device: torch.device
) -> tuple[DualThinkingNetwork, torch.dtype]:
    """The network of a run, kept for its next set; ``weights`` tells it from a later one's."""
    return trained_network(open_run(folder), device)


def _predictions_folder(run: Run, dataset: Dataset) -> Path:
    return run.folder / "predictions" / dataset.name


def _write_scores(
    run: Run, job: MissingScores, device: torch.device, save_predictions: bool
) -> None:
    torch.set_num_threads(1)
    network, precision = _network_of(run.folder, job.made_from["weights"], device)
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
            path = _predictions_folder(run, dataset) / case.folder / name
            write_volume(path, whole.T, volume.affine)
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
