"""The options of a training command, looked up once: what to train, on which data and device."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from benchmark.cli.options import locate_data
from benchmark.core.device import find_device
from benchmark.core.errors import join_errors
from benchmark.core.plugins import PluginError
from benchmark.core.streams import say
from benchmark.data.dataset import Dataset, read_dataset
from benchmark.methods.registry import find_method
from benchmark.runs.config import RunConfig, resolve, training_set


@dataclass(frozen=True)
class Request:
    """What a command has to train.

    Attributes:
        data: the folder of prepared sets.
        dataset: the set to train on.
        preset: the preset of the runs.
        device: where networks compute.
        configs: configurations of the runs, ordered by repeat, then by method.
        broken: methods that cannot be used, and were left out.
    """

    data: Path
    dataset: Dataset
    preset: str
    device: torch.device
    configs: list[RunConfig]
    broken: list[PluginError] = field(default_factory=list)


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
    title: str | None = None,
    elsewhere: bool = False,
    without_broken: bool = False,
) -> Request:
    """Look up what a command's options mean; print the data folder, and a preset chosen by default.

    Args:
        methods: their registered names.
        data: the folder given, or None.
        preset: the one given; None: the one that fits data and device.
        device: as given.
        overrides: ``KEY=VALUE``.
        repeats: of each method.
        seed: the seed of the runs; None: each repeat's own.
        name: the runs' name; None: their method's.
        title: the runs' title in tables; None: their method's.
        elsewhere: other machines compute; they may have a GPU where this one has none.
        without_broken: leave out plug-ins that cannot be used, and say so; at least one other must
            remain.

    Raises:
        UsageError: a method, device, setting or repeat does not exist.
        CoopbenchError: the data do not exist, or are broken.
        PluginError: a method cannot be used.
    """
    broken: dict[str, PluginError] = {}
    for method in methods:  # report a misspelt name before anything long begins
        with _collected(broken, method):
            find_method(method)
    where = torch.device(device) if elsewhere else find_device(device)
    folder = locate_data(data)
    dataset = read_dataset(folder / training_set(overrides))
    chosen = preset or _choose_preset(dataset, where)
    configs = []
    for repeat in repeats:
        for method in methods:
            if method in broken:
                continue
            with _collected(broken, method):
                config = resolve(
                    method,
                    dataset,
                    preset=chosen,
                    repeat=repeat,
                    seed=seed,
                    name=name,
                    title=title,
                    overrides=overrides,
                )
                configs.append(config)
    if broken and (not configs or not without_broken):
        raise join_errors([*broken.values()])
    for error in broken.values():
        for line in error.lines:
            say(f"left out: {line}")
    return Request(folder, dataset, chosen, where, configs, [*broken.values()])


def _choose_preset(dataset: Dataset, device: torch.device) -> str:
    if dataset.phantom:
        preset, why = "demo", "the data are the phantom"
    elif device.type == "cuda":
        preset, why = "paper", "there is a GPU"
    else:
        preset, why = "compact", "there is no GPU"
    say(f"preset: {preset}, since {why}; choose by --preset")
    return preset


@contextmanager
def _collected(broken: dict[str, PluginError], method: str) -> Iterator[None]:
    """Catch the error of a method that cannot be used, and keep it in ``broken``."""
    try:
        yield
    except PluginError as error:
        broken[method] = error
