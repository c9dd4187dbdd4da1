"""Where a run computes, and in which precision."""

from typing import TypeVar

import torch
from torch import nn

from benchmark.errors import UsageError

Network = TypeVar("Network", bound=nn.Module)


def find_device(name: str) -> torch.device:
    """``auto`` (CUDA where there is a GPU), ``cpu`` or ``cuda``.

    Raises:
        UsageError: ``cuda`` is asked for where PyTorch finds no GPU.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: PyTorch finds no GPU here; use --device cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def find_precision(wanted: str, device: torch.device) -> torch.dtype:
    """The networks' data type: ``auto`` is bfloat16 where the hardware multiplies it natively."""
    if wanted == "auto":
        if device.type == "cuda":
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        else:
            native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        wanted = "bfloat16" if native else "float32"
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[wanted]


def on_device(network: Network, device: torch.device) -> Network:
    """Move a network to a device, its weights laid out channels-last, which convolutions prefer."""
    network.to(device)
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Autocast to ``precision``; a context that changes nothing for float32."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)
