"""What a command trains, on which data and where: looked up once, and handed on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmark.cli.options import locate_data, say
from benchmark.core.device import find_device
from benchmark.data.dataset import Dataset, read_dataset
from benchmark.methods.registry import find_method
from benchmark.runs.config import RunConfig, resolve


@dataclass(frozen=True)
class Request:
    """What a command was asked to train.

    Attributes:
        data: the folder of prepared sets.
        dataset: the one that is trained on.
        preset: of the runs.
        device: where networks compute.
        configs: of the runs, a repeat's methods beside each other.
    """

    data: Path
    dataset: Dataset
    preset: str
    device: torch.device
    configs: list[RunConfig]


def read_request(
    methods: Sequence[str],
    *,
    data: Path | None,
    preset: str | None,
    device: str,
    overrides: Sequence[str],
    repeats: Sequence[int] = (0,),
    seed: int | None = None,
    name: str | None = None,
    elsewhere: bool = False,
) -> Request:
    """Look up what a command's options mean; where the data are, and a preset that was not given,
    are said in one line each.

    Args:
        methods: their registered names.
        data: the folder given, if any.
        preset: the one given, if any; else the one that fits data and device.
        device: as given.
        overrides: ``KEY=VALUE``.
        repeats: of each method.
        seed: of the runs; None: each repeat's own.
        name: of the runs; None: their method's.
        elsewhere: other machines compute, which may have the GPU that this one has not.

    Raises:
        UsageError: a method, device, setting or repeat does not exist.
        CoopbenchError: there are no such data, or they are broken.
    """
    for method in methods:  # a misspelt name is said before anything long begins
        find_method(method)
    where = torch.device(device) if elsewhere else find_device(device)
    folder = locate_data(data)
    dataset = read_training_set(folder, overrides)
    chosen = preset or _choose_preset(dataset, where)
    configs = [
        resolve(
            method,
            dataset,
            preset=chosen,
            repeat=repeat,
            seed=seed,
            name=name,
            overrides=overrides,
        )
        for repeat in repeats
        for method in methods
    ]
    return Request(folder, dataset, chosen, where, configs)


def read_training_set(data: Path, overrides: Sequence[str]) -> Dataset:
    """The prepared set that is trained on: ``acdc`` unless ``--set train_set=…`` says otherwise."""
    chosen = [o.partition("=")[2] for o in overrides if o.startswith("train_set=")]
    return read_dataset(data / (chosen[-1].strip("\"'") if chosen else "acdc"))


def _choose_preset(dataset: Dataset, device: torch.device) -> str:
    if dataset.phantom:
        preset, why = "demo", "the data are the phantom"
    elif device.type == "cuda":
        preset, why = "paper", "there is a GPU"
    else:
        preset, why = "compact", "there is no GPU"
    say(f"preset: {preset}, since {why}; choose by --preset")
    return preset
