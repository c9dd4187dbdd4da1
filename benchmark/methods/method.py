"""The interface that every method implements: given a batch and the network, named losses."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from benchmark.core.seeding import derive_seed
from benchmark.networks.dual import DualThinkingNetwork


@dataclass(frozen=True)
class Batch:
    """Training slices on the device of the network.

    Attributes:
        noisy: x̃, the input of the network, float (N, 1, H, W) in [0, 1].
        clean: x, the target of the reconstruction, float (N, 1, H, W) in [0, 1].
        label: y, int64 (N, H, W): 0 background, 1 LV, 2 MYO, 3 RV.
    """

    noisy: Tensor
    clean: Tensor
    label: Tensor


@dataclass(frozen=True)
class RandomStream:
    """Random numbers for a method: single decisions on the host, tensors on the device."""

    host: torch.Generator
    device: torch.Generator

    @classmethod
    def named(cls, device: torch.device, *name: object) -> "RandomStream":
        """The stream called ``name``; another name draws other numbers (see `derive_seed`)."""
        host = torch.Generator().manual_seed(derive_seed(*name, "host"))
        return cls(host, torch.Generator(device).manual_seed(derive_seed(*name, "device")))

    def choose(self, count: int) -> int:
        """A whole number, uniform below ``count``."""
        return int(torch.randint(count, (), generator=self.host))

    def uniform(self, low: float, high: float) -> float:
        """A number, uniform in [low, high)."""
        return low + (high - low) * float(torch.rand((), generator=self.host))

    def permutation(self, count: int) -> Tensor:
        """The whole numbers below ``count`` in random order, on the device."""
        order = torch.randperm(count, generator=self.host)
        return order.to(self.device.device, non_blocking=True)

    def rand(self, *shape: int) -> Tensor:
        """A tensor on the device, uniform in [0, 1)."""
        return torch.rand(shape, generator=self.device, device=self.device.device)

    def randn(self, *shape: int) -> Tensor:
        """A tensor on the device, normal with mean 0 and variance 1."""
        return torch.randn(shape, generator=self.device, device=self.device.device)

    def beta(self, a: float, b: float, *shape: int) -> Tensor:
        """A tensor on the device, distributed as Beta(a, b)."""
        # With NumPy, since PyTorch's Beta takes no generator.
        seed = int(torch.randint(2**63 - 1, (), generator=self.host))
        drawn = np.random.default_rng(seed).beta(a, b, shape).astype(np.float32)
        return torch.from_numpy(drawn).to(self.device.device, non_blocking=True)


@dataclass(frozen=True)
class HardExamples:
    """The images and segmentations that a method generates from a batch to train on, to look at.

    Attributes:
        image: x̂, (N, 1, H, W); None where no image is generated.
        logits: p̂ before the softmax, (N, 4, H, W); None where no segmentation is generated.
        refined: STN(p̂) before the softmax, of the same shape; None likewise.
    """

    image: Tensor | None
    logits: Tensor | None
    refined: Tensor | None


def listed(value: Any) -> Any:
    """Split ``a,b`` from a command line into a list; the empty string gives an empty list."""
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


class Settings(BaseModel):
    """A method's own settings; each field can be given to ``coopbench train --set KEY=VALUE``."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Method(ABC):
    """A way of training the dual-thinking network.

    A subclass is registered under its name in the entry-point group ``coopbench.methods``; it
    names itself nowhere else.
    """

    title: ClassVar[str]
    """Title of the method's row in tables."""
    summary: ClassVar[str]
    """One line on what the method does."""
    reference: ClassVar[str]
    """The publication that the method comes from."""
    remark: str = ""
    """A footnote that every table prints for this row; empty: none."""
    Settings: ClassVar[type[Settings]] = Settings

    def __init__(self, **settings: Any) -> None:
        self.settings = self.Settings(**settings)

    @abstractmethod
    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The named losses of one step, scalars in float32; the harness minimises their sum."""

    def hard_examples(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, HardExamples]:
        """The examples that `losses` would generate from a batch, by kind.

        The network must not change. The report draws the examples. A method that generates none
        returns an empty dict.
        """
        return {}
