"""Bias field: the smooth shading that a receiver coil leaves.

Van Leemput et al., Automated Model-Based Bias Field Correction of MR Images of the Brain, IEEE TMI
18(10), 1999: the exponential of a polynomial, as in TorchIO.
"""

from typing import Any

import numpy as np
import torchio as tio
from pydantic import Field

from corruptions.corruption import Corruption, Spacing, Stack, Strength, run_torchio

ORDER = 3


class BiasStrength(Strength):
    """How strong the shading is."""

    coefficient: float = Field(ge=0)
    """Largest coefficient of the polynomial over [−1, 1]²."""


class GradedBias(Corruption):
    """Multiplication by exp(Σ c·xⁱ·yʲ); signs and proportions of the coefficients c are random."""

    name = "bias"

    ladder = tuple(BiasStrength(coefficient=c) for c in (0.2, 0.4, 0.6, 0.8, 1.0))

    @staticmethod
    def draw(
        strength: BiasStrength,
        shape: tuple[int, int, int],
        spacing: Spacing,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        """Coefficients of the terms within the slice; those across slices are zero."""
        drawn = []
        for across in range(ORDER + 1):
            for rows in range(ORDER + 1 - across):
                for columns in range(ORDER + 1 - across - rows):
                    within = across == 0 and rows + columns > 0  # a constant shades nothing
                    drawn.append(float(rng.uniform(-1, 1)) if within else 0.0)
        largest = max(abs(value) for value in drawn)
        return {"coefficients": [strength.coefficient * value / largest for value in drawn]}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """TorchIO's bias field with these coefficients."""
        transform = tio.BiasField(coefficients=parameters["coefficients"], order=ORDER)
        return run_torchio(transform, stack, np.eye(4))
