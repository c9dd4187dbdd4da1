"""Rician noise: the magnitude of a signal with Gaussian noise in both channels.

Gudbjartsson and Patz, The Rician Distribution of Noisy MRI Data, Magnetic Resonance in Medicine
34(6), 1995.
"""

from typing import Any

import numpy as np
from pydantic import Field

from corruptions.corruption import Corruption, Spacing, Stack, Strength


class NoiseStrength(Strength):
    """How strong the noise is."""

    sigma: float = Field(ge=0)
    """Standard deviation in either channel, for intensities in [0, 1]."""


class GradedNoise(Corruption):
    """|x + n₁ + i·n₂|, with normal noise n₁ and n₂."""

    name = "noise"

    ladder = tuple(NoiseStrength(sigma=s) for s in (0.03, 0.06, 0.1, 0.15, 0.2))

    @staticmethod
    def draw(
        strength: NoiseStrength,
        shape: tuple[int, int, int],
        spacing: Spacing,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        """The seed of the noise, recorded instead of the noise of each voxel."""
        return {"noise_seed": int(rng.integers(2**53)), "sigma": strength.sigma}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Add the noise of this seed (NumPy's PCG64) in both channels."""
        rng = np.random.default_rng(parameters["noise_seed"])
        real, imaginary = rng.standard_normal((2, *stack.shape), dtype=np.float32)
        sigma = np.float32(parameters["sigma"])
        return np.hypot(stack + sigma * real, sigma * imaginary)
