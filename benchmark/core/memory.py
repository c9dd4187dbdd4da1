"""Free memory, and the error if it is not enough."""

import resource
from collections.abc import Iterator
from pathlib import Path

from benchmark.core.errors import CoopbenchError

_SIGNS = (
    "DefaultCPUAllocator",
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "std::bad_alloc",
    "ALLOC_FAILED",  # cuDNN's and cuBLAS's
)
"""Words in PyTorch's messages for a lack of memory; most of these errors are plain
RuntimeErrors."""

_CONTAINERS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", ""),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)
"""Files with a container's memory limit and use, in versions 2 and 1 of Linux control groups."""


class NotEnoughMemoryError(CoopbenchError):
    """Something does not fit into memory; the line says what, and what to make smaller."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception from Python, NumPy or PyTorch says that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def available_memory() -> int:
    """Free bytes for this process, within the limits of machine, container and process."""
    import psutil  # imported here, since "coopbench --help" does not need it

    taken = psutil.Process().memory_info()
    bounds = [psutil.virtual_memory().available, *_left_in_containers()]
    for kind, now in (
        (resource.RLIMIT_AS, taken.vms),
        (resource.RLIMIT_DATA, getattr(taken, "data", 0)),  # Linux has it
    ):
        most, _ = resource.getrlimit(kind)
        if most != resource.RLIM_INFINITY:
            bounds.append(most - now)
    return max(0, min(bounds))


def _left_in_containers() -> Iterator[int]:
    for folder, limit, used, prefix in _CONTAINERS:
        try:
            most, now = ((folder / name).read_text() for name in (limit, used))
            lines = (folder / "memory.stat").read_text().splitlines()
            about = dict(line.split(maxsplit=1) for line in lines)
            # Cached files do not count: the system frees them on demand.
            cached = sum(int(about[f"{prefix}{kind}_file"]) for kind in ("inactive", "active"))
            yield int(most) - int(now) + cached
        except (OSError, ValueError, KeyError):  # "max": no limit; or not this version
            continue


def in_words(size: float) -> str:
    """Write a number of bytes in MiB, GiB or TiB, as ``1.5 GiB``."""
    for unit, scale in (("TiB", 2**40), ("GiB", 2**30)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size / 2**20:.0f} MiB"
