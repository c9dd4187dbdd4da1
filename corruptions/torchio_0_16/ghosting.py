"""Ghosting of the published set: periodic movement repeats the image along one axis.

As in TorchIO 0.16.22 (Pérez-García et al., Computer Methods and Programs in Biomedicine 2021).
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft

from corruptions.torchio_0_16.corruption import (
    PublishedCorruption,
    Shape,
    Stack,
    magnitude,
    uniform,
)

GHOSTS = (4, 10)
INTENSITY = (0.5, 1.0)
SPARED = 0.025
"""Rows closer to the centre than this share of the size of axis 0 are not damped."""


class PublishedGhosting(PublishedCorruption):
    """|F⁻¹(m · F(v))|, m = 1 − s on every n-th row of k-space; n from 4 to 10, s from U(0.5, 1).

    Row j of the shifted spectrum along the drawn axis a is damped where j is a multiple of n,
    except where |j / N₀ − 0.5| < 0.025. N₀ is the size of axis 0 for every a. This is an error in
    TorchIO 0.16.22: the middle row is damped where the rows are along axis 1 or 2. Today's TorchIO
    never damps the middle row, and takes the real part instead of the magnitude.

    TorchIO 0.16.22 transforms plane by plane, in two dimensions. Since m depends on j alone, the
    transform along the other axis cancels out, and one transform along a is enough.

    An axis of 1 voxel is never drawn, since its only row is the whole image; TorchIO also leaves
    out the flat axis of a 2D image.
    """

    @staticmethod
    def draw(shape: Shape, generator: torch.Generator) -> dict[str, Any]:
        """The number of ghosts n, the axis a, and the intensity s."""
        least, most = GHOSTS
        ghosts = int(torch.randint(least, most + 1, (1,), generator=generator))
        axes = [axis for axis, size in enumerate(shape) if size > 1] or [0, 1, 2]
        axis = axes[int(torch.randint(0, len(axes), (1,), generator=generator))]
        return {
            "axis": axis,
            "num_ghosts": ghosts,
            "intensity": uniform(*INTENSITY, generator),
        }

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """The image of the damped spectrum."""
        axis, size = parameters["axis"], stack.shape[parameters["axis"]]
        factors = _factors(size, stack.shape[0], parameters["num_ghosts"], parameters["intensity"])
        # m = even + odd part about the lowest frequency. The even part of a real image's spectrum
        # gives a real image, and the odd part an imaginary one: each half a spectrum.
        mirrored = np.roll(factors[::-1], 1)
        half = size // 2 + 1
        along = [1, 1, 1]
        along[axis] = half
        even = ((factors + mirrored) / 2)[:half].reshape(along)
        odd = ((factors - mirrored) / 2)[:half].reshape(along)
        spectrum = fft.rfft(stack, axis=axis)
        real = fft.irfft(spectrum * even.astype(np.float32), size, axis=axis)
        imaginary = fft.irfft(spectrum * (-1j * odd).astype(np.complex64), size, axis=axis)
        return magnitude(real, imaginary)


def _factors(size: int, first_size: int, ghosts: int, intensity: float) -> NDArray[np.float64]:
    """The factors of the rows, starting at the lowest frequency (not shifted)."""
    rows = np.arange(size)
    damped = (rows % ghosts == 0) & (np.abs(rows / first_size - 0.5) >= SPARED)
    return np.asarray(np.fft.ifftshift(np.where(damped, 1 - intensity, 1.0)))
