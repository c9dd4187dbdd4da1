"""The device and the precision that a run computes with."""

import ctypes
import os
from typing import TypeVar

import torch
from torch import nn

from benchmark.core.errors import UsageError
from benchmark.core.memory import available_memory

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of glibc's `mallopt` (malloc.h)."""

Network = TypeVar("Network", bound=nn.Module)


def find_device(name: str) -> torch.device:
    """Find the device for ``auto`` (CUDA if there is a GPU), ``cpu`` or ``cuda``.

    Raises:
        UsageError: the name is ``cuda``, but PyTorch finds no GPU.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: PyTorch finds no GPU here; use --device cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def make_deterministic(device: torch.device, *, asked: bool) -> bool:
    """Make PyTorch give the same bytes again if ``asked``; returns whether it does.

    On a CPU it always does. On a GPU, some sums are faster in any order; if asked, PyTorch uses
    deterministic algorithms, and refuses operations that have none.
    """
    if device.type == "cpu":
        return True
    if asked:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS requires it
        torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(asked)
    return asked


def keep_memory() -> None:
    """Make this process keep freed memory for its next tensors.

    On a CPU, glibc returns large blocks to the system and soon requests them again, which costs a
    tenth of a training step. With other C libraries, this function does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def memory_at_hand(device: torch.device) -> int:
    """Free bytes for tensors on a device."""
    if device.type != "cuda":
        return available_memory()
    free, _ = torch.cuda.mem_get_info(device)
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(free + kept)


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
    """Move a network to a device, with weights in channels-last layout, which convolutions
    prefer."""
    network.to(device)
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Autocast to ``precision``; a context that changes nothing for float32."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)
