"""Adversarial bias fields.

Chen et al., Realistic Adversarial Data Augmentation for MR Image Segmentation, MICCAI 2020
(protocol, section 4).
"""

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from baselines.divergence import contour_distance, kl_divergence
from baselines.unit import unit
from benchmark.methods.losses import HardBatchNorm, HardSettings, hard_losses, standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.dual import DualThinkingNetwork

Grid = Literal["centred", "covering"]


class AdvBias(Method):
    """L_standard, the hard losses on x_a = x·φ, and KL + ½·contour between p(x) and p(x_a)."""

    title = "Adv Bias"
    summary = "a smooth bias field, moved one step in the direction that changes the prediction"
    reference = "Chen et al., MICCAI 2020"

    class Settings(HardSettings):
        """Settings of adversarial bias fields; the defaults are of the authors' code."""

        spacing: float = Field(0.5, gt=0, le=1)
        """Distance of the control points, as a share of the image's side."""
        grid: Grid = "centred"
        """Where the control points lie: 4 × 4 of them about the image's centre, or (covering) the
        5 × 5 that make the spline whole up to the image's edge."""
        points: Literal["normalised", "clamped", "free"] = "normalised"
        """What bounds the control points of log φ: scaled to unit L2 norm at the start and after
        the step (2021), clamped to ±``limit`` (2022), or nothing."""
        limit: float = Field(0.4, gt=0)
        """Bound of clamped control points."""
        magnitude: float = Field(0.3, ge=0, lt=1)
        """The field stays within [1 − magnitude, 1 + magnitude]."""
        step: float = Field(1.0, ge=0)
        """Length of the ascent step, along the gradient of unit L2 norm."""
        contour: float = Field(0.5, ge=0)
        """Weight of the contour distance."""
        hard_batch_norm: HardBatchNorm = "all"
        """Whose batch norm the pass of the changed image trains and traces, as the standard pass
        does."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of L_standard, the hard losses and the consistency."""
        losses, _ = standard_losses(network, batch, stn_first=self.settings.stn_first)
        image = batch.clean
        with torch.no_grad(), untraced_statistics(network):
            reference = network(image)
        points = self.search(network, image, reference, self.draw(image, stream))
        changed = image * self.field(points, image)
        hard, forward = hard_losses(
            network, changed, batch, batch_norm=self.settings.hard_batch_norm
        )
        consistency = self.objective(reference, forward.logits)
        return losses | hard | {"hard_consistency": consistency}

    def draw(self, image: Tensor, stream: RandomStream) -> Tensor:
        """Control points (N, 1, rows, columns) of log φ, from U(log 0.7, log 1.3), in bounds."""
        rows, columns = (basis.shape[1] for basis in self._bases(image))
        low, high = math.log(1 - self.settings.magnitude), math.log(1 + self.settings.magnitude)
        return self._bounded(low + (high - low) * stream.rand(image.shape[0], 1, rows, columns))

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
        return self._bounded(points.detach() + self.settings.step * unit(gradient))

    def objective(self, reference: Tensor, logits: Tensor) -> Tensor:
        """KL(p(x) ‖ p(x_a)) + ½·contour, of logits (N, 4, H, W)."""
        contour = self.settings.contour * contour_distance(reference, logits)
        return kl_divergence(reference, logits) + contour

    def _bounded(self, points: Tensor) -> Tensor:
        """The control points as `Settings.points` has them."""
        if self.settings.points == "normalised":
            return unit(points)
        if self.settings.points == "clamped":
            return points.clamp(-self.settings.limit, self.settings.limit)
        return points

    def _bases(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The spline's basis along the rows and along the columns of the images."""
        height, width = image.shape[2:]
        spacing, grid = self.settings.spacing, self.settings.grid
        return (
            spline_basis(height, spacing * height, image.device, grid),
            spline_basis(width, spacing * width, image.device, grid),
        )


def spline_basis(size: int, spacing: float, device: torch.device, grid: Grid = "centred") -> Tensor:
    """Uniform cubic B-splines at the pixels of a line: (size, points).

    Args:
        size: pixels of the line.
        spacing: distance of the control points in pixels.
        device: where to.
        grid: ``centred``: two points more than spacings in the line, about its middle; a spline
            may lack one point of its four at the ends, so that a row sums to 0.83 or more, and to
            0.979 or more where two spacings make the line. ``covering``: a point one spacing before
            the line, and as many as the splines of all pixels need; each row sums to 1.
    """
    at = torch.arange(size, dtype=torch.float64) + 0.5
    if grid == "centred":
        count = math.ceil(size / spacing) + 2
        points = size / 2 + spacing * (torch.arange(count) - (count - 1) / 2).double()
    else:
        count = math.floor(float(at[-1]) / spacing) + 4
        points = spacing * (torch.arange(count) - 1).double()
    distance = (at[:, None] - points).abs() / spacing
    near = (4 - 6 * distance**2 + 3 * distance**3) / 6
    far = (2 - distance).clamp_min(0) ** 3 / 6
    return torch.where(distance < 1, near, far).float().to(device)
