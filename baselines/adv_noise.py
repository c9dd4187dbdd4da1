"""Adversarial noise: virtual adversarial training (VAT).

Miyato et al., Virtual Adversarial Training, IEEE TPAMI 41(8), 2019 (protocol, section 4).
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.autograd import forward_ad

from baselines.divergence import kl_divergence
from baselines.unit import unit
from benchmark.methods.losses import HardSettings, hard_losses, standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.training.augmentation import scale_to_unit


class AdvNoise(Method):
    """L_standard, the hard losses on x_a = x + ε·d, and the consistency KL(p(x) ‖ p(x_a))."""

    title = "Adv Noise"
    summary = "noise of a given norm in the direction that changes the prediction most"
    reference = "Miyato et al., IEEE TPAMI 2019 (VAT)"

    class Settings(HardSettings):
        """Settings of adversarial noise; the defaults are the protocol's."""

        epsilon: float = Field(1.0, ge=0)
        """L2 norm of an image's noise, ε; 0.1 in the code of Chen et al., MICCAI 2022."""
        power_iterations: int = Field(1, ge=1)
        """Power iterations that find the direction d."""
        fit: Literal["rescale", "clip"] = "rescale"
        """How x + ε·d comes back into the image's range: scaled by its minimum and maximum, or
        clipped."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of L_standard, the hard losses and the consistency."""
        losses, _ = standard_losses(network, batch, stn_first=self.settings.stn_first)
        direction, reference = self.search(network, batch.clean, stream)
        image = self.add_noise(batch.clean, direction)
        hard, forward = hard_losses(network, image, batch, batch_norm=self.settings.hard_batch_norm)
        consistency = kl_divergence(reference, forward.logits)
        return losses | hard | {"hard_consistency": consistency}

    def search(
        self, network: DualThinkingNetwork, image: Tensor, stream: RandomStream
    ) -> tuple[Tensor, Tensor]:
        """The direction d of each image (N, 1, H, W), of unit L2 norm, and the logits of p(x)."""
        direction = unit(stream.randn(*image.shape))
        for _ in range(self.settings.power_iterations):
            curvature, reference = curvature_along(network, image, direction)
            direction = unit(curvature)
        return direction, reference

    def add_noise(self, image: Tensor, direction: Tensor) -> Tensor:
        """x + ε·d of images (N, 1, H, W), brought back into each image's own range."""
        low, high = image.amin((1, 2, 3), keepdim=True), image.amax((1, 2, 3), keepdim=True)
        noisy = image + self.settings.epsilon * direction
        if self.settings.fit == "clip":
            return noisy.clamp(low, high)
        return low + (high - low) * scale_to_unit(noisy)


def curvature_along(
    network: DualThinkingNetwork, image: Tensor, direction: Tensor
) -> tuple[Tensor, Tensor]:
    """The gradient of KL(p(x) ‖ p(x + ξd)) by the perturbation, over ξ, for ξ → 0.

    The divergence is least at ξ = 0, so that its gradient there is ξ·Hd, where H = JᵀFJ with the
    network's Jacobian J and F = diag(p) − ppᵀ at each pixel. A step of ξ = 1e-6 changes a pixel by
    less than float32 resolves, and a difference of two passes would be noise; so Hd is computed
    as such, by a product with J and one with Jᵀ.

    Args:
        network: batch normalisation uses the batch's statistics; nothing in it is changed.
        image: x, (N, 1, H, W).
        direction: d, alike.

    Returns:
        Hd, (N, 1, H, W), up to a common factor, and the logits of p(x), detached. In float32, since
        PyTorch's forward derivative of batch normalisation does not keep to bfloat16.
    """
    image = image.detach().requires_grad_()
    with (
        untraced_statistics(network),
        torch.autocast(image.device.type, enabled=False),
        torch.enable_grad(),
    ):
        with forward_ad.dual_level():
            logits, change = forward_ad.unpack_dual(network(forward_ad.make_dual(image, direction)))
            change = change.detach().clone()
        p = logits.detach().softmax(1)
        weighted = p * (change - (p * change).sum(1, keepdim=True))  # F·(Jd)
        weighted = weighted.contiguous(memory_format=torch.channels_last)
        (curvature,) = torch.autograd.grad(logits, image, weighted)
    return curvature, logits.detach()
