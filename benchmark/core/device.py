"""Where a run computes, and in which precision."""

import ctypes
import os
from typing import TypeVar

import torch
from torch import nn

from benchmark.core.errors import UsageError
from benchmark.core.memory import available_memory

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""glibc's names for what `mallopt` sets (malloc.h)."""

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


def make_deterministic(device: torch.device, *, asked: bool) -> bool:
    """Have PyTorch compute the same bytes again, where it does not anyway; whether it does then.

    On a CPU it does. On a GPU some sums are faster in any order; asked for, PyTorch
    takes other ways, or refuses an operation that has none.
    """
    if device.type == "cpu":
        return True
    if asked:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
        torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(asked)
    return asked


def keep_memory() -> None:
    """Have this process keep the memory that it has freed, for its next tensors.

    On a CPU, glibc gives large blocks back to the system at once and asks for them again a moment
    later; a tenth of a training step goes into that. Elsewhere this does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def memory_at_hand(device: torch.device) -> int:
    """Bytes that tensors on a device may still take."""
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
    """Move a network to a device, its weights laid out channels-last, which convolutions prefer."""
    network.to(device)
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Autocast to ``precision``; a context that changes nothing for float32."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)
