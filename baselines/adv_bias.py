"""Adversarial bias fields.

Chen et al., Realistic Adversarial Data Augmentation for MR Image Segmentation, MICCAI 2020
(protocol, section 4).
"""

import math

import torch
from pydantic import Field
from torch import Tensor

from baselines.divergence import contour_distance, kl_divergence
from baselines.unit import unit
from benchmark.methods import method
from benchmark.methods.losses import hard_losses, standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.dual import DualThinkingNetwork


class AdvBias(Method):
    """L_standard, the hard losses on x_a = x·φ, and KL + ½·contour between p(x) and p(x_a)."""

    title = "Adv Bias"
    summary = "a smooth bias field, moved one step in the direction that changes the prediction"
    reference = "Chen et al., MICCAI 2020"

    class Settings(method.Settings):
        """Settings of adversarial bias fields; the defaults are the protocol's."""

        spacing: float = Field(0.5, gt=0, le=1)
        """Distance of the control points, as a share of the image's side."""
        magnitude: float = Field(0.3, ge=0, lt=1)
        """The field stays within [1 − magnitude, 1 + magnitude]."""
        step: float = Field(1.0, ge=0)
        """Length of the ascent step, along the gradient of unit L2 norm."""
        contour: float = Field(0.5, ge=0)
        """Weight of the contour distance."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of L_standard, the hard losses and the consistency."""
        losses, _ = standard_losses(network, batch)
        image = batch.clean
        with torch.no_grad(), untraced_statistics(network):
            reference = network(image)
        points = self.search(network, image, reference, self.draw(image, stream))
        hard, forward = hard_losses(network, image * self.field(points, image), batch)
        consistency = self.objective(reference, forward.logits)
        return losses | hard | {"hard_consistency": consistency}

    def draw(self, image: Tensor, stream: RandomStream) -> Tensor:
        """Control points (N, 1, rows, columns) of log φ, from U(log 0.7, log 1.3)."""
        rows, columns = (basis.shape[1] for basis in self._bases(image))
        low, high = math.log(1 - self.settings.magnitude), math.log(1 + self.settings.magnitude)
        return low + (high - low) * stream.rand(image.shape[0], 1, rows, columns)

    def field(self, points: Tensor, image: Tensor) -> Tensor:
        """φ (N, 1, H, W): exp of a cubic B-spline over the control points, clipped."""
        rows, columns = self._bases(image)
        with torch.autocast(image.device.type, enabled=False):
            log_field = rows @ points @ columns.T
        magnitude = self.settings.magnitude
        return log_field.exp().clamp(1 - magnitude, 1 + magnitude)

    def search(
        self, network: DualThinkingNetwork, image: Tensor, reference: Tensor, points: Tensor
    ) -> Tensor:
        """The control points after one ascent step of the objective; the network is unchanged."""
        points = points.detach().requires_grad_()
        with untraced_statistics(network), torch.enable_grad():
            logits = network(image * self.field(points, image))
            objective = self.objective(reference, logits)
            (gradient,) = torch.autograd.grad(objective, points)
        return points.detach() + self.settings.step * unit(gradient)

    def objective(self, reference: Tensor, logits: Tensor) -> Tensor:
        """KL(p(x) ‖ p(x_a)) + ½·contour, of logits (N, 4, H, W)."""
        contour = self.settings.contour * contour_distance(reference, logits)
        return kl_divergence(reference, logits) + contour

    def _bases(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The spline's basis along the rows and along the columns of the images."""
        height, width = image.shape[2:]
        spacing = self.settings.spacing
        return (
            spline_basis(height, spacing * height, image.device),
            spline_basis(width, spacing * width, image.device),
        )


def spline_basis(size: int, spacing: float, device: torch.device) -> Tensor:
    """Uniform cubic B-splines at the pixels of a line: (size, points); each row sums to 1.

    Args:
        size: pixels of the line.
        spacing: distance of the control points in pixels; one lies before the first pixel, and
            as many beyond the last as its spline needs.
        device: where to.
    """
    at = (torch.arange(size, dtype=torch.float64) + 0.5) / spacing
    first = at.floor()
    u = (at - first)[:, None]
    powers = torch.cat([torch.ones_like(u), u, u**2, u**3], dim=1)
    # The four pieces of the cubic B-spline, rows by power of u.
    pieces = torch.tensor(
        [[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]], dtype=torch.float64
    )
    columns = first.long()[:, None] + torch.arange(4)
    basis = torch.zeros(size, int(columns.max()) + 1, dtype=torch.float64)
    return basis.scatter_(1, columns, powers @ pieces / 6).float().to(device)
