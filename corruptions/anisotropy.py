"""Anisotropy: a coarse resolution along one axis, as in thick or sparsely encoded acquisitions.

Billot et al., Partial Volume Segmentation of Brain MRI Scans of any Resolution and Contrast, MICCAI
2020, whose model TorchIO's RandomAnisotropy follows.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field

from corruptions.corruption import Corruption, Spacing, Stack, Strength


class AnisotropyStrength(Strength):
    """How coarse the axis becomes."""

    factor: float = Field(ge=1)
    """Length of a new pixel as a multiple of an old one; independent of the units of lengths."""


class GradedAnisotropy(Corruption):
    """Average and resample along one axis of the plane; the axis is random."""

    name = "anisotropy"

    ladder = tuple(AnisotropyStrength(factor=f) for f in (2, 3, 4, 5, 6))

    @staticmethod
    def draw(
        strength: AnisotropyStrength,
        shape: tuple[int, int, int],
        spacing: Spacing,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        """Whether rows (1) or columns (2) become coarse, and how many are left."""
        axis = int(rng.integers(1, 3))
        return {"axis": axis, "size": max(1, round(shape[axis] / strength.factor))}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Averages over the coarse pixels, linear in between."""
        full, size = stack.shape[1:], parameters["size"]
        coarse = (size, full[1]) if parameters["axis"] == 1 else (full[0], size)
        slices = torch.from_numpy(stack)[:, None]
        averaged = F.adaptive_avg_pool2d(slices, coarse)
        resampled = F.interpolate(averaged, full, mode="bilinear", align_corners=False)
        return resampled[:, 0].numpy()
