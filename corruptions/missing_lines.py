"""Missing lines: parts of k-space are lost, by dropped readouts or aggressive undersampling."""

from typing import Any

import numpy as np
import torch
from pydantic import Field

from corruptions.corruption import Corruption, Spacing, Stack, Strength, from_k_space, k_space

KEPT = 0.04
"""Share of the lines around the centre that is never lost, as in undersampled acquisitions."""


class MissingLinesStrength(Strength):
    """How much is lost."""

    share: float = Field(ge=0, le=1)
    """Share of the lines outside the centre that is lost."""


class GradedMissingLines(Corruption):
    """Set lines of k-space to zero; the axis and the order of lost lines are random."""

    name = "missing-lines"

    ladder = tuple(MissingLinesStrength(share=s) for s in (0.1, 0.2, 0.35, 0.5, 0.7))

    @staticmethod
    def draw(
        strength: MissingLinesStrength,
        shape: tuple[int, int, int],
        spacing: Spacing,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        """The axis (1 rows, 2 columns) and the lost lines; weaker strengths lose a part of them."""
        axis = int(rng.integers(1, 3))
        size = shape[axis]
        half = max(1, round(KEPT * size / 2))
        outer = [line for line in range(size) if abs(line - size // 2) > half]
        order = rng.permutation(outer)
        lost = order[: round(strength.share * len(outer))]
        return {"axis": axis, "lines": sorted(int(line) for line in lost)}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Set these lines of k-space to zero."""
        lines = torch.tensor(parameters["lines"], dtype=torch.long)
        spectrum = k_space(stack)
        spectrum.index_fill_(parameters["axis"], lines, 0)
        return from_k_space(spectrum)
