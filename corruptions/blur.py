"""Blur: a lower resolution in the plane than the pixel size suggests."""

from typing import Any

import numpy as np
from pydantic import Field
from scipy import ndimage

from corruptions.corruption import Corruption, Spacing, Stack, Strength


class BlurStrength(Strength):
    """Width of the point spread function."""

    width: float = Field(ge=0)
    """Full width at half maximum, in pixels or mm."""


class GradedBlur(Corruption):
    """A Gaussian point spread function in the plane; nothing is random."""

    name = "blur"

    ladder = tuple(BlurStrength(width=w) for w in (2, 3, 4, 5, 6))

    @staticmethod
    def draw(
        strength: BlurStrength,
        shape: tuple[int, int, int],
        spacing: Spacing,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        """Standard deviations along rows and columns, in pixels."""
        sigma = strength.width / (2 * np.sqrt(2 * np.log(2)))
        return {"sigma": [float(sigma / size) for size in spacing]}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Apply a Gaussian filter with these standard deviations; edge pixels are repeated."""
        blurred = ndimage.gaussian_filter(stack, (0, *parameters["sigma"]), mode="nearest")
        return blurred.astype(np.float32)
