"""The STN's batch norm, its running statistics estimated anew on predictions alone.

In training the STN sees label maps and predictions by turns, and its running statistics are of
both. At test time it sees predictions only.
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
    """A run of its own beside a finished ``run``, with the same weights but for these statistics.

    Args:
        run: finished, with weights.
        dataset: the set that it was trained on.
        name: of the new run, and of its row in tables.
        batches: training batches, as the run drew them, whose predictions are averaged over.
        device: where to.

    Raises:
        UsageError: the name could not be one, or is a method's.
        CoopbenchError: the run is unfinished or without weights, or was trained on other data; or
            the new run exists.
    """
    if check_name(name) in method_names() or name == run.config.name:
        raise UsageError(f"--name {name}: is taken; choose a name of your own")
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
    """What the STN sees of the FTN's predictions, made as at test time, of training batches."""
    for step in range(batches):
        batch = draw_batch(slices, run.config.training, run.config.seed, step)
        yield network.soften(network(batch.noisy))
