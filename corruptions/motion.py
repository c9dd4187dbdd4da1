"""Motion: the heart moves while k-space is recorded.

Shaw et al., MRI k-Space Motion Artefact Augmentation, MIDL 2019, as in TorchIO.
"""

from typing import Any

import numpy as np
import torchio as tio
from pydantic import Field

from corruptions.corruption import Corruption, Spacing, Stack, Strength, run_torchio


class MotionStrength(Strength):
    """Size of the movements."""

    degrees: float = Field(ge=0, le=180)
    """Angle of each rotation."""
    translation: float = Field(ge=0)
    """Length of each translation, in pixels or mm."""
    calm: float = Field(gt=0, lt=0.5)
    """Share of k-space between its centre and either movement. It is not random: the damage depends
    on it more than on anything else (TorchIO, issue 765)."""


class GradedMotion(Corruption):
    """A rigid movement in the plane before the centre of k-space is recorded, and one after it.

    The movements rotate about the centre of the slices; their directions are random.
    """

    name = "motion"

    ladder = tuple(
        MotionStrength(degrees=d, translation=d, calm=c)
        for d, c in ((2, 0.4), (4, 0.3), (6, 0.22), (8, 0.15), (10, 0.1))
    )

    @staticmethod
    def draw(
        strength: MotionStrength,
        shape: tuple[int, int, int],
        spacing: Spacing,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        """Signs of the rotations, and directions of the translations (rows, columns)."""
        degrees, translation = [], []
        for _ in range(2):
            sign, direction = rng.choice([-1.0, 1.0]), rng.uniform(0, 2 * np.pi)
            degrees.append(float(sign * strength.degrees))
            along = strength.translation * np.array([np.sin(direction), np.cos(direction)])
            translation.append((along / np.array(spacing)).tolist())
        times = [0.5 - strength.calm, 0.5 + strength.calm]
        return {"degrees": degrees, "translation": translation, "times": times}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Apply TorchIO's motion with these parameters."""
        transform = tio.Motion(
            degrees=np.array([[angle, 0, 0] for angle in parameters["degrees"]]),
            translation=np.array([[0, *shift] for shift in parameters["translation"]]),
            times=np.array(parameters["times"]),
            image_interpolation="linear",
        )
        # TorchIO rotates about the world's origin, so put the origin into the centre.
        affine = np.eye(4)
        affine[:3, 3] = -(np.array(stack.shape) - 1) / 2
        return run_torchio(transform, stack, affine)
