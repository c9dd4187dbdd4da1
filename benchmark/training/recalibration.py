"""Estimate the running statistics of the STN's batch norm again, on predictions only.

In training, the STN sees label maps and predictions in turn, and its running statistics mix both.
At test time, it sees only predictions.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.optim.swa_utils import update_bn

from benchmark.core.device import autocast
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.files import whole_folder, write_json
from benchmark.core.validation import check_name
from benchmark.data.dataset import Dataset
from benchmark.data.slices import TrainingSlices
from benchmark.inference.prediction import trained_network
from benchmark.methods.registry import method_names
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.runs.checkpoint import save_tensors
from benchmark.runs.export import copy_record
from benchmark.runs.run import WEIGHTS, Run, open_run
from benchmark.training.learner import draw_batch


def recalibrate(
    run: Run, dataset: Dataset, *, name: str, batches: int, device: torch.device
) -> Run:
    """Make a new run beside a finished ``run``, with the same weights except for these statistics.

    Args:
        run: a finished run with weights.
        dataset: the set that it was trained on.
        name: name of the new run, and of its row in tables.
        batches: number of training batches, drawn as in the run, to average over.
        device: the device to compute on.

    Raises:
        UsageError: the name is not allowed, or is a method's.
        CoopbenchError: the run is unfinished or without weights, or was trained on other data; or
            the new run exists.
    """
    if check_name(name) in method_names() or name == run.config.name:
        raise UsageError(
            f"--name {name}: is the name of a method or of this run; choose another name"
        )
    if not run.finished:
        raise CoopbenchError(f"{run.folder}: its training is not finished")
    if dataset.fingerprint != run.config.data.fingerprint:
        raise CoopbenchError(f"{run.folder}: was trained on other data than {dataset.root}")
    remark = f"{run.config.title} with the STN's batch norm re-estimated on predictions"
    about = {"name": name, "title": name, "remark": remark, "stn_statistics": "predictions"}
    config = run.config.model_copy(update=about)
    target = run.folder.parent / f"{name}-r{config.repeat}-s{config.seed}"
    if target.exists():
        raise CoopbenchError(f"{target}: already exists; choose another --name, or delete it")
    network, precision = trained_network(run, device)
    slices = TrainingSlices(
        dataset, dataset.of_subjects(config.data.train), crop=config.training.crop, device=device
    )
    network.eval()  # before `update_bn`, which sets the STN alone to training
    with autocast(device, precision):
        update_bn(_predictions(run, network, slices, batches), network.stn)
    with whole_folder(target) as partial:
        copy_record(run, partial)
        write_json(partial / "config.json", config.model_dump(mode="json"))
        weights = {"method": config.method, "stn_statistics": "predictions"}
        save_tensors(partial / WEIGHTS, network.state_dict(), weights)
    return open_run(target)


def _predictions(
    run: Run, network: DualThinkingNetwork, slices: TrainingSlices, batches: int
) -> Iterator[Tensor]:
    """The STN's input from the FTN's predictions of training batches, made as at test time."""
    for step in range(batches):
        batch = draw_batch(slices, run.config.training, run.config.seed, step)
        yield network.soften(network(batch.noisy))
