"""Read and write checkpoints as safetensors, which cannot run code when read."""

import json
import re
from collections.abc import Set
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import whole_file
from benchmark.core.parsing import parse_json


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


PICKLES = (b"PK\x03\x04", b"\x80")
"""First bytes of files from ``torch.save``, in the new and the old format."""

CONVERT = (
    "if you trust it, convert it: python -c 'import sys, torch; from safetensors.torch import "
    "save_file; save_file(torch.load(sys.argv[1], weights_only=True), sys.argv[2])' OLD NEW"
)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the named tensors of a file, on the CPU, and the JSON value about them, if any.

    Raises:
        CoopbenchError: the file is missing, broken, or a pickle.
    """
    if not path.is_file():
        raise CoopbenchError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            about = parse_json((file.metadata() or {}).get("coopbench", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        # Check only now, since the length at a safetensors file's start may look like a pickle.
        with path.open("rb") as start:
            if start.read(4).startswith(PICKLES):
                raise CoopbenchError(
                    f"{path}: is a pickle, which can run any code; {CONVERT}"
                ) from error
        raise CoopbenchError(f"{path}: is not a checkpoint in safetensors ({error})") from error
    if not isinstance(about, dict):
        raise CoopbenchError(f"{path}: its metadata are not a record")
    return tensors, about


def load_weights(path: Path, network: nn.Module) -> dict[str, Any]:
    """Load ``path`` into ``network``; returns the JSON value stored about it.

    Raises:
        CoopbenchError: the file cannot be read, is of another network, or holds NaN or infinity.
    """
    tensors, about = load_tensors(path)
    _load_into(network, tensors, path)
    return about


def _load_into(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    wanted = network.state_dict()
    for name in sorted(wanted.keys() ^ tensors.keys()):
        verb = "lacks" if name in wanted else "also holds"
        raise CoopbenchError(f"{path}: holds the weights of another network ({verb} {name})")
    for name, tensor in tensors.items():
        here = wanted[name]
        if here.shape != tensor.shape or here.is_floating_point() != tensor.is_floating_point():
            raise CoopbenchError(
                f"{path}: holds the weights of another network ({name} is {tuple(tensor.shape)}, "
                f"{tensor.dtype}, not {tuple(here.shape)}, {here.dtype})"
            )
    _check_finite(tensors, path)
    network.load_state_dict(tensors)


def _check_finite(tensors: dict[str, Tensor], path: Path) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CoopbenchError(f"{path}: {name} holds NaN or infinity")


def save_state(
    path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, about: dict[str, Any]
) -> None:
    """Write what a run needs to resume: weights, the optimiser's state, and ``about``."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{key}": value for key, value in state.items()}
    save_tensors(path, tensors, about)


def load_state(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Load network and optimiser from a file of `save_state`; returns ``about``.

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
    _load_optimiser(
        optimiser, tensors.keys() - {f"network.{name}" for name in weights}, tensors, path
    )
    return about


def _load_optimiser(
    optimiser: torch.optim.Optimizer, names: Set[str], tensors: dict[str, Tensor], path: Path
) -> None:
    """The optimiser's state: for each parameter a step, and tensors of the parameter's shape."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name in sorted(names):
        matched = re.fullmatch(r"optimiser\.(\d{1,6})\.(\w+)", name)
        tensor = tensors[name]
        if matched is None or int(matched[1]) >= len(parameters):
            raise CoopbenchError(f"{path}: is the state of another training ({name})")
        index, parameter = int(matched[1]), parameters[int(matched[1])]
        if tensor.shape not in (parameter.shape, torch.Size()):
            raise CoopbenchError(f"{path}: is the state of another training ({name})")
        # In the parameter's memory layout, which fused updates need.
        laid_out = torch.empty_like(parameter).copy_(tensor) if tensor.dim() else tensor
        state.setdefault(index, {})[matched[2]] = laid_out
    if any(set(one) != {"step", "exp_avg", "exp_avg_sq"} for one in state.values()):
        raise CoopbenchError(f"{path}: is the state of another optimiser than Adam")
    _check_finite({name: tensors[name] for name in names}, path)
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
