"""The floor of a computation's time: its operations divided by the machine's measured speed."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

REPEATS = 7


@dataclass(frozen=True)
class Machine:
    """The measured speed of a device.

    Attributes:
        products: floating-point operations per second of a large matrix product.
        bandwidth: bytes per second read and written by a copy.
    """

    products: float
    bandwidth: float


@dataclass(frozen=True)
class Work:
    """The operations and bytes that a computation needs.

    Attributes:
        products: floating-point operations of its convolutions and matrix products; a
            multiplication and an addition count as two.
        traffic: bytes that its operators read and write, each on its own.
    """

    products: float
    traffic: float

    def floor(self, machine: Machine) -> float:
        """The smallest possible time in seconds: the larger of the times for products and
        traffic."""
        return max(self.products / machine.products, self.traffic / machine.bandwidth)


def best_of(machines: Sequence[Machine]) -> Machine:
    """The speed of an undisturbed device: the best of several measurements."""
    return Machine(
        products=max(machine.products for machine in machines),
        bandwidth=max(machine.bandwidth for machine in machines),
    )


def measure_machine(
    device: torch.device, precision: torch.dtype, *, repeats: int | None = None
) -> Machine:
    """Measure a device's speed: the best of ``repeats`` trials, on all threads of this process.

    The default of ``repeats`` is `REPEATS`.
    """
    repeats = REPEATS if repeats is None else repeats
    size = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(size, size, device=device, dtype=precision) for _ in range(2))
    source = torch.ones(2**28 if device.type == "cuda" else 2**26, device=device)
    target = torch.empty_like(source)
    return Machine(
        products=2 * size**3 / _least_time(lambda: torch.mm(a, b), device, repeats),
        bandwidth=2 * source.nbytes / _least_time(lambda: target.copy_(source), device, repeats),
    )


def measure_work(computation: Callable[[], object]) -> Work:
    """Count a computation's operations and bytes, by running it once."""
    counter, traffic = FlopCounterMode(display=False), _Traffic()
    with counter, traffic:
        computation()
    return Work(products=counter.get_total_flops(), traffic=traffic.bytes)


class _Traffic(TorchDispatchMode):
    """Adds up the bytes that every operator reads and writes."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        if not func.is_view and "empty" not in func.__name__ and func.__name__ != "detach.default":
            moved = tree_leaves((args, kwargs, result))
            self.bytes += sum(one.nbytes for one in moved if isinstance(one, Tensor))
        return result


def _least_time(computation: Callable[[], object], device: torch.device, repeats: int) -> float:
    least = math.inf
    for _ in range(repeats + 1):
        wait_for(device)
        started = time.perf_counter()
        computation()
        wait_for(device)
        least = min(least, time.perf_counter() - started)
    return least


def wait_for(device: torch.device) -> None:
    """Wait until a device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
