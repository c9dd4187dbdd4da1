"""Bias field of the published set: the smooth shading that a receiver coil leaves.

Van Leemput et al., Automated Model-Based Bias Field Correction of MR Images of the Brain, IEEE TMI
18(10), 1999: the exponential of a polynomial, as in TorchIO 0.16.22.
"""

from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from corruptions.torchio_0_16.corruption import PublishedCorruption, Shape, Stack, uniform

ORDER = 3
COEFFICIENT = 0.5
LARGEST_EXPONENT = 60.0
"""Largest exponent; larger ones are cut off, so that no voxel overflows single precision. Drawn
coefficients reach it only where one axis has 3 voxels, and the others hardly more."""

TERMS = tuple((i, j, k) for i, j, k in product(range(ORDER + 1), repeat=3) if i + j + k <= ORDER)
"""Powers of x, y and z, in the order of the coefficients."""


class PublishedBias(PublishedCorruption):
    """v · exp(Σ c·xⁱ·yʲ·zᵏ), i + j + k ≤ 3, with 20 coefficients c from U(−0.5, 0.5).

    x, y and z are the positions along axes 0, 1 and 2: (−n/2, …, n/2 − 1), divided by its maximum,
    on an axis of n voxels. So the grid ends at 1 on one side, and at −n/(n − 2) on the other: in a
    stack of 10 slices, the first slice lies at −1.25. Today's TorchIO has a symmetric grid, from −1
    to 1.

    On an axis of 1 voxel, the formula gives the position 1: a single slice is shaded like the last
    slice of a longer stack. On an axis of 2 voxels the formula divides by 0; the grid is then (−1,
    0).
    """

    @staticmethod
    def draw(shape: Shape, generator: torch.Generator) -> dict[str, Any]:
        """Coefficients, one for each (i, j, k), in the order of three nested loops."""
        return {"coefficients": [uniform(-COEFFICIENT, COEFFICIENT, generator) for _ in TERMS]}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Multiply the stack by the field."""
        x, y, z = (_positions(n) for n in stack.shape)
        # in_plane[k, x, y] is the coefficient of zᵏ, the polynomial's inner part.
        in_plane = np.zeros((ORDER + 1, len(x), len(y)))
        for (i, j, k), coefficient in zip(TERMS, parameters["coefficients"], strict=True):
            in_plane[k] += coefficient * np.multiply.outer(x**i, y**j)
        shaded = np.empty_like(stack)
        for index, voxels in enumerate(stack):
            exponent = np.multiply.outer(in_plane[ORDER, index], z)
            for k in reversed(range(1, ORDER)):
                exponent += in_plane[k, index, :, None]
                exponent *= z
            exponent += in_plane[0, index, :, None]
            np.clip(exponent, -LARGEST_EXPONENT, LARGEST_EXPONENT, out=exponent)
            np.exp(exponent, out=shaded[index], dtype=np.float32, casting="same_kind")
            shaded[index] *= voxels
        return shaded


def _positions(size: int) -> NDArray[np.float64]:
    """Positions of the voxels along an axis."""
    positions = np.arange(size, dtype=np.float64) - size / 2
    largest = float(positions.max())
    return positions / largest if largest else positions
