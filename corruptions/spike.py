"""Spike: a point of k-space is wrong, which lays a wave over the image (herringbone)."""

from typing import Any

import numpy as np
import torchio as tio
from pydantic import Field

from corruptions.corruption import Corruption, Spacing, Stack, Strength, run_torchio

CLOSEST, FARTHEST = 0.05, 0.45
"""Distance of the point from the centre, as a share of k-space: waves of 20 down to 2.2 pixels."""


class SpikeStrength(Strength):
    """How high the spike is."""

    intensity: float = Field(ge=0)
    """Multiple of k-space's largest magnitude: the wave's amplitude in units of the stack's
    mean."""


class GradedSpike(Corruption):
    """Raise one point of k-space; its place is random."""

    name = "spike"

    ladder = tuple(SpikeStrength(intensity=s) for s in (0.2, 0.4, 0.7, 1.2, 2.0))

    @staticmethod
    def draw(
        strength: SpikeStrength,
        shape: tuple[int, int, int],
        spacing: Spacing,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        """The place in the plane, as shares of rows and columns; no frequency across slices."""
        radius, angle = rng.uniform(CLOSEST, FARTHEST), rng.uniform(0, 2 * np.pi)
        place = 0.5 + radius * np.array([np.sin(angle), np.cos(angle)])
        return {"position": place.tolist(), "intensity": strength.intensity}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Apply TorchIO's spike with these parameters."""
        position = np.array([[0.5, *parameters["position"]]])
        transform = tio.Spike(spikes_positions=position, intensity=parameters["intensity"])
        return run_torchio(transform, stack, np.eye(4))
