"""Slices for the pictures of a report: hard examples, and predictions for test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.core.parallel import default_workers, results_or_raise, run_parallel
from benchmark.data.dataset import Case, Dataset, evaluated_cases
from benchmark.data.field import FIELD, centre_field, scale_slices
from benchmark.data.prepared import read_frame
from benchmark.inference.prediction import predict_field, trained_network
from benchmark.methods.method import Batch, RandomStream
from benchmark.methods.registry import method_origin
from benchmark.methods.watched import WatchedMethod
from benchmark.runs.run import Run, open_run
from results.figures.hard_examples import HardSlice
from results.figures.qualitative import CHOICES, CaseSlice
from results.scores.order import further_sets
from results.scores.published import POSTER_SETS

EXAMPLES = 3
"""Number of slices in the picture of hard examples."""

MOST_METHODS, MOST_SETS = 12, 8
"""Most columns and rows in the picture of cases; more would be too small, and slow to predict."""


def hard_slices(run: Run, dataset: Dataset, *, device: torch.device) -> list[HardSlice]:
    """The examples that a run's method generates from slices of its validation subjects.

    The network is in training mode, as when training makes such examples; batch norm uses the batch
    of all validation subjects' largest slices. Empty for a method that generates no examples. The
    run does not change.
    """
    method = WatchedMethod(run.config.build_method(), method_origin(run.config.method))
    names, images, labels = [], [], []
    for case in dataset.of_subjects(run.config.data.validation):
        for frame in case.frames:
            volume = read_frame(dataset, case, frame)
            place = largest_slice(volume.label)
            size = run.config.training.crop
            images.append(scale_slices(centre_field(volume.image[place], size)))
            labels.append(centre_field(volume.label[place], size))
            names.append(f"{case.subject} {frame}")
    network, _ = trained_network(run, device)
    clean = torch.from_numpy(np.stack(images))[:, None].to(device)
    batch = Batch(clean, clean, torch.from_numpy(np.stack(labels)).long().to(device))
    stream = RandomStream.named(device, "hard examples", run.config.seed)
    found = method.hard_examples(network.train(), batch, stream)
    return [
        HardSlice(
            name=names[place],
            image=images[place],
            label=labels[place],
            images={
                kind: made.image[place, 0].cpu().numpy()
                for kind, made in found.items()
                if made.image is not None
            },
            corrupted=_label_maps({kind: made.logits for kind, made in found.items()}, place),
            refined=_label_maps({kind: made.refined for kind, made in found.items()}, place),
        )
        for place in range(0, len(names), max(1, len(names) // EXAMPLES))[:EXAMPLES]
        if found
    ]


def _label_maps(logits: Mapping[str, Tensor | None], place: int) -> dict[str, NDArray[np.int64]]:
    return {
        kind: found[place].argmax(dim=0).cpu().numpy()
        for kind, found in logits.items()
        if found is not None
    }


def largest_slice(label: NDArray[np.integer]) -> int:
    """The slice of a label map (slices, H, W) with the most labelled pixels."""
    return int((label > 0).sum(axis=(1, 2)).argmax())


@dataclass(frozen=True)
class Volume:
    """A volume of a test set, chosen by the scores."""

    choice: str
    test_set: str
    subject: str
    draw: int
    frame: str


def one_repeat(runs: Sequence[Run]) -> dict[str, Run]:
    """One run of each method, of the first repeat that all have; else of each method's first
    repeat."""
    by_method: dict[str, dict[int, Run]] = {}
    for run in runs:
        by_method.setdefault(run.config.name, {})[run.config.repeat] = run
    common = set.intersection(*(set(own) for own in by_method.values()))
    return {name: own[min(common or own)] for name, own in by_method.items()}


def choose_volumes(scores: pd.DataFrame, repeats: Mapping[str, int], output: str) -> list[Volume]:
    """The best, median and worst volume of each test set by mean Dice over methods.

    The mean is over the methods in ``repeats``, each with the given repeat, for volumes that all of
    them have. Undefined scores are left out; of two medians, the upper one is taken.
    """
    used = scores[scores["output"] == output]
    wanted = used["repeat"].to_numpy() == used["method"].astype(str).map(repeats).to_numpy()
    key = ["test_set", "subject", "draw", "frame"]
    means = used[wanted].groupby([*key, "method"], observed=True)["dice"].mean().unstack("method")
    means = means.reindex(columns=list(repeats))
    order = means.dropna().mean(axis=1).rename("dice").reset_index()
    order = order.sort_values(["dice", *key[1:]], ascending=[False, True, True, True])
    volumes = []
    for test_set, rows in order.groupby("test_set", observed=True):
        places = (0, (len(rows) - 1) // 2, len(rows) - 1)
        for choice, place in zip(CHOICES, places, strict=True):
            row = rows.iloc[place]
            volumes.append(
                Volume(choice, str(test_set), row["subject"], int(row["draw"]), row["frame"])
            )
    return volumes


@dataclass(frozen=True)
class _Job:
    run: Run
    volumes: tuple[tuple[Dataset, Case, str], ...]


def case_slices(
    runs: Sequence[Run],
    datasets: Sequence[Dataset],
    scores: pd.DataFrame,
    *,
    output: str,
    device: torch.device,
    workers: int | None = None,
) -> dict[str, list[CaseSlice]]:
    """For each choice (best, median, worst), a slice of each set's case with all predictions.

    ``runs`` has one run per method; they predict exactly as for the scores. Sets that are not among
    ``datasets`` (scored elsewhere) are left out. Only the first `MOST_METHODS` methods and
    `MOST_SETS` sets, in the order of the tables, are shown.
    """
    drawn = {run.config.name: run for run in runs[:MOST_METHODS]}
    repeats = {name: run.config.repeat for name, run in drawn.items()}
    places = {
        (dataset.title, case.subject, case.draw): (dataset, case)
        for dataset in datasets
        for case in evaluated_cases(dataset)
    }
    volumes = [
        volume
        for volume in choose_volumes(scores, repeats, output)
        if (volume.test_set, volume.subject, volume.draw) in places
    ]
    sets = {volume.test_set for volume in volumes}
    kept = [*(name for name in POSTER_SETS if name in sets), *further_sets(sets)][:MOST_SETS]
    volumes = [volume for volume in volumes if volume.test_set in kept]
    found = tuple((*places[v.test_set, v.subject, v.draw], v.frame) for v in volumes)
    if workers is None:
        workers = default_workers() if device.type == "cpu" else 1
    predictions: dict[str, list[NDArray[np.uint8]]] = {}
    with run_parallel(
        partial(_predict, output=output, device=device),
        [_Job(run, found) for run in drawn.values() if found],
        title="pictures",
        workers=workers,
        preload=[__name__],
    ) as work:
        for job, result in results_or_raise(work):
            predictions[job.run.config.name] = result
    shown: dict[str, list[CaseSlice]] = {choice: [] for choice in CHOICES}
    for number, (volume, (dataset, case, frame)) in enumerate(zip(volumes, found, strict=True)):
        whole = read_frame(dataset, case, frame)
        label = centre_field(whole.label, FIELD)
        place = largest_slice(label)
        draw = f" draw {volume.draw}" if volume.draw else ""
        shown[volume.choice].append(
            CaseSlice(
                test_set=volume.test_set,
                name=f"{volume.subject} {frame}{draw}",
                image=scale_slices(centre_field(whole.image[place], FIELD)),
                label=label[place],
                predictions={name: predictions[name][number][place] for name in drawn},
                dice=_volume_dice(scores, volume, repeats, output),
            )
        )
    return shown


def _predict(job: _Job, *, output: str, device: torch.device) -> list[NDArray[np.uint8]]:
    torch.set_num_threads(1)
    run = open_run(job.run.folder)
    network, precision = trained_network(run, device)
    return [
        predict_field(
            network,
            read_frame(dataset, case, frame).image,
            size=run.config.training.crop,
            device=device,
            precision=precision,
        )[output]
        for dataset, case, frame in job.volumes
    ]


def _volume_dice(
    scores: pd.DataFrame, volume: Volume, repeats: Mapping[str, int], output: str
) -> dict[str, float]:
    rows = scores[
        (scores["output"] == output)
        & (scores["test_set"] == volume.test_set)
        & (scores["subject"] == volume.subject)
        & (scores["draw"] == volume.draw)
        & (scores["frame"] == volume.frame)
    ]
    means = rows.groupby(["method", "repeat"], observed=True)["dice"].mean()
    return {name: float(means[name, repeat]) for name, repeat in repeats.items()}
