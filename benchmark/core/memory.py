"""The memory at hand, and what is said where it does not suffice."""

import resource
from pathlib import Path

import psutil

from benchmark.core.errors import CoopbenchError

_SIGNS = (
    "DefaultCPUAllocator",
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "std::bad_alloc",
    "ALLOC_FAILED",  # cuDNN's and cuBLAS's
)
"""In the messages of PyTorch's exceptions, most of which are plain RuntimeErrors."""

_CGROUPS = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
"""Limit and use of a container, in version 2 and in version 1."""

_CGROUP_PLACES = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory"))


class NotEnoughMemoryError(CoopbenchError):
    """Something does not fit into memory; the line says what, and what to make smaller."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, be it Python's, NumPy's or PyTorch's."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def available_memory() -> int:
    """Bytes that this process may still take: of the machine, its container and its own limits."""
    bounds = [psutil.virtual_memory().available]
    for place in _CGROUP_PLACES:
        for limit, used in _CGROUPS:
            try:
                most, now = (place / limit).read_text(), (place / used).read_text()
                bounds.append(int(most) - int(now))
            except (OSError, ValueError):  # "max", or another version
                continue
    taken = psutil.Process().memory_info()
    limits = [(resource.RLIMIT_AS, taken.vms), (resource.RLIMIT_DATA, getattr(taken, "data", 0))]
    for kind, now in limits:
        most_of_kind = resource.getrlimit(kind)[0]
        if most_of_kind != resource.RLIM_INFINITY:
            bounds.append(most_of_kind - now)
    return max(0, min(bounds))


def in_words(size: float) -> str:
    """A number of bytes in MiB, GiB or TiB, as ``1.5 GiB``."""
    for unit, scale in (("TiB", 2**40), ("GiB", 2**30)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size / 2**20:.0f} MiB"
