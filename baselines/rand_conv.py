"""Random convolutions (Rand Conv).

Xu et al., Robust and Generalizable Visual Representation Learning via Random Convolutions, ICLR
2021; the mixing variant with the consistency loss (protocol, section 4).
"""

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import AfterValidator, BeforeValidator, Field
from torch import Tensor

from baselines.divergence import divergence_from_mean
from benchmark.methods import method
from benchmark.methods.losses import (
    HardBatchNorm,
    HardSettings,
    hard_pass,
    standard_losses,
    think_fast,
)
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.training.augmentation import scale_to_unit


def _odd(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if not sizes or any(size < 1 or size % 2 == 0 for size in sizes):
        raise ValueError("give one or more odd numbers")
    return sizes


KernelSides = Annotated[tuple[int, ...], BeforeValidator(method.listed), AfterValidator(_odd)]


class RandConv(Method):
    """L_standard, and agreement of the predictions under three random convolutions."""

    title = "Rand Conv"
    summary = "predictions have to agree under three random convolutions of the image"
    reference = "Xu et al., ICLR 2021"

    class Settings(HardSettings):
        """Settings of random convolutions; the defaults are the paper's."""

        kernels: KernelSides = (1, 3, 5, 7)
        """Side lengths that a kernel's is drawn from."""
        views: int = Field(3, ge=2)
        """Random convolutions per batch."""
        consistency: float = Field(10.0, ge=0)
        """λ, the weight of the divergence from the mean prediction."""
        stn: bool = False
        """Ask the refined predictions STN(p_j) to agree, too."""
        hard_batch_norm: HardBatchNorm = "all"
        """Whose batch norm the passes of the convolved images train and trace, as the standard
        pass does."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """L_standard, and λ·mean KL(p_j ‖ p̄) and ½·MSE(x_j', x)."""
        losses, _ = standard_losses(network, batch, stn_first=self.settings.stn_first)
        fast, slow, errors = [], [], []
        with hard_pass(network, self.settings.hard_batch_norm):
            for _ in range(self.settings.views):
                forward = think_fast(network, self.convolve(batch.noisy, stream))
                fast.append(forward.logits)
                if self.settings.stn:
                    slow.append(network.refine(forward.logits))
                errors.append(0.5 * F.mse_loss(forward.image, batch.clean))
        weight = self.settings.consistency
        losses["hard_consistency"] = weight * divergence_from_mean(fast)
        if slow:
            losses["hard_shape_consistency"] = weight * divergence_from_mean(slow)
        return losses | {"hard_reconstruction": torch.stack(errors).mean()}

    def convolve(self, image: Tensor, stream: RandomStream) -> Tensor:
        """Images (N, C, H, W) mixed with a random convolution of theirs, each scaled to [0, 1].

        One kernel and one share are drawn for the batch.
        """
        side = self.settings.kernels[stream.choose(len(self.settings.kernels))]
        kernel = draw_kernel(image.shape[1], side, stream)
        return scale_to_unit(mix(image, kernel, share=stream.uniform(0, 1)))


def draw_kernel(channels: int, side: int, stream: RandomStream) -> Tensor:
    """Weights (C, C, k, k) drawn from N(0, 1 / (C·k²))."""
    return stream.randn(channels, channels, side, side) / (channels * side**2) ** 0.5


def mix(image: Tensor, kernel: Tensor, share: float) -> Tensor:
    """(1 − α)·image + α·(image ∗ kernel), of the image's size; α = 0 is the identity."""
    # Full precision is cheap here; autocast would round a clean image to bfloat16.
    with torch.autocast(image.device.type, enabled=False):
        convolved = F.conv2d(image, kernel, padding=kernel.shape[-1] // 2)
    return (1 - share) * image + share * convolved
