"""Ghosting: periodic movement, such as breathing or flow, repeats the image along one axis."""

from typing import Any

import numpy as np
import torchio as tio
from pydantic import Field

from corruptions.corruption import Corruption, Spacing, Stack, Strength, run_torchio

RESTORED = 0.02
"""Share of k-space lines around the centre that is kept; TorchIO 1.2 by default keeps one line."""


class GhostingStrength(Strength):
    """How strong the ghosts are."""

    intensity: float = Field(ge=0, le=1)
    """Share of a line's signal that is removed."""


class GradedGhosting(Corruption):
    """Damp every n-th line of k-space; n (4 to 10) and the axis are random."""

    name = "ghosting"

    ladder = tuple(GhostingStrength(intensity=s) for s in (0.2, 0.4, 0.6, 0.8, 1.0))

    @staticmethod
    def draw(
        strength: GhostingStrength,
        shape: tuple[int, int, int],
        spacing: Spacing,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        """The number of ghosts, and whether they lie along rows (1) or columns (2) of the stack."""
        return {
            "num_ghosts": int(rng.integers(4, 11)),
            "axis": int(rng.integers(1, 3)),
            "intensity": strength.intensity,
        }

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Apply TorchIO's ghosting with these parameters."""
        return run_torchio(tio.Ghosting(**parameters, restore=RESTORED), stack, np.eye(4))
