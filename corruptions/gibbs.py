"""Gibbs ringing: k-space is recorded up to some radius only, which causes waves beside edges."""

from typing import Any

import numpy as np
import torch
from pydantic import Field

from corruptions.corruption import Corruption, Spacing, Stack, Strength, from_k_space, k_space


class GibbsStrength(Strength):
    """How much of k-space is left."""

    radius: float = Field(gt=0)
    """Radius as a share of half of k-space: 1 keeps the largest circle in it."""


class GradedGibbs(Corruption):
    """Cut off k-space beyond a radius; nothing is random."""

    name = "gibbs"

    ladder = tuple(GibbsStrength(radius=r) for r in (0.55, 0.4, 0.3, 0.22, 0.16))

    @staticmethod
    def draw(
        strength: GibbsStrength,
        shape: tuple[int, int, int],
        spacing: Spacing,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        """The radius."""
        return {"radius": strength.radius}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Set k-space to zero outside the ellipse of this radius."""
        rows, columns = (
            (torch.arange(n, dtype=torch.float64) - n // 2) / (n / 2) for n in stack.shape[1:]
        )
        kept = rows[:, None] ** 2 + columns[None] ** 2 <= parameters["radius"] ** 2
        return from_k_space(k_space(stack) * kept)
