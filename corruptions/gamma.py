"""Gamma: another contrast, as between sequences and vendors."""

from typing import Any

import numpy as np
from pydantic import Field

from corruptions.corruption import Corruption, Spacing, Stack, Strength


class GammaStrength(Strength):
    """How much the contrast changes."""

    log_gamma: float = Field(ge=0)
    """Magnitude of the exponent's logarithm."""


class GradedGamma(Corruption):
    """Raise intensities to the power exp(±s); the sign is random."""

    name = "gamma"

    ladder = tuple(GammaStrength(log_gamma=s) for s in (0.2, 0.4, 0.6, 0.8, 1.0))

    @staticmethod
    def draw(
        strength: GammaStrength,
        shape: tuple[int, int, int],
        spacing: Spacing,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        """The exponent: over 1 darkens the middle tones, under 1 brightens them."""
        return {"gamma": float(np.exp(rng.choice([-1.0, 1.0]) * strength.log_gamma))}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Apply the power to the intensities; negative ones become 0 first."""
        return np.power(stack.clip(min=0), np.float32(parameters["gamma"]))
