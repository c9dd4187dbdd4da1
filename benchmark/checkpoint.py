"""Checkpoints as safetensors: reading one executes nothing."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from benchmark.errors import CoopbenchError
from benchmark.files import whole_file


def save_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write named tensors and a JSON value about them, whole or not at all.

    The same tensors give the same bytes: ``about`` is one entry of the file's metadata, since
    safetensors does not keep the order of several.
    """
    plain = {
        name: tensor.detach().to("cpu", copy=False).contiguous()
        for name, tensor in sorted(tensors.items())
    }
    with whole_file(path) as partial:
        partial.write_bytes(save(plain, {"coopbench": json.dumps(about)}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The named tensors of a file, on the CPU, and what was said about them.

    Raises:
        CoopbenchError: the file is missing, broken, or not written by coopbench.
    """
    if not path.is_file():
        raise CoopbenchError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["coopbench"])
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CoopbenchError(f"{path}: is no checkpoint of coopbench ({error})") from error


def load_weights(path: Path, network: nn.Module) -> dict[str, Any]:
    """Load ``path`` into ``network`` and return what was said about it.

    Raises:
        CoopbenchError: the file cannot be read, is of another network, or holds NaN or infinity.
    """
    tensors, about = load_tensors(path)
    _load_into(network, tensors, path)
    return about


def _load_into(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    wanted = network.state_dict()
    if wanted.keys() != tensors.keys() or any(
        wanted[name].shape != tensor.shape for name, tensor in tensors.items()
    ):
        raise CoopbenchError(f"{path}: holds the weights of another network")
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CoopbenchError(f"{path}: {name} holds NaN or infinity")
    network.load_state_dict(tensors)


def save_state(
    path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, about: dict[str, Any]
) -> None:
    """Write what a run needs to go on: weights, the optimiser's state, and ``about``."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{key}": value for key, value in state.items()}
    save_tensors(path, tensors, about)


def load_state(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Undo `save_state`: load network and optimiser, and return ``about``.

    Raises:
        CoopbenchError: as `load_weights`.
    """
    tensors, about = load_tensors(path)
    weights = {
        name.removeprefix("network."): tensor
        for name, tensor in tensors.items()
        if name.startswith("network.")
    }
    _load_into(network, weights, path)
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".", 2)
            parameter = parameters[int(index)]
            # As the parameter lies in memory, since fused updates need them alike.
            laid_out = torch.empty_like(parameter).copy_(tensor) if tensor.dim() else tensor
            state.setdefault(int(index), {})[key] = laid_out
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    return about
