"""Spike of the published set: a point of k-space is wrong, which lays a wave over the image.

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

INTENSITY = (0.1, 1.0)


class PublishedSpike(PublishedCorruption):
    """|F⁻¹(S)|, where S is F(v) with the coefficient at one place **set** to r times its maximum.

    The place is ⌊u · N⌋ in the flattened shifted spectrum (C order) of N voxels, u from U(0, 1); r
    is from U(0.1, 1). The maximum is NumPy's for complex numbers, by real part and then by
    imaginary part; for an image without negative voxels, it is the sum of the voxels. Today's
    TorchIO **adds** r times the largest magnitude, with r from U(1, 3), at a place drawn for each
    axis separately, and takes the real part.

    A coefficient that changes by d adds d/N · exp(2πi·k·p) to the image, a plane wave with one
    factor for each axis. So only one coefficient is computed, not the whole spectrum.
    """

    @staticmethod
    def draw(shape: Shape, generator: torch.Generator) -> dict[str, Any]:
        """The intensity r, and the places u of the spikes (always one spike)."""
        spikes = int(torch.randint(1, 2, (1,), generator=generator))  # always 1, but uses a draw
        intensity = uniform(*INTENSITY, generator)
        positions = torch.rand(spikes, generator=generator)
        return {"intensity": intensity, "spikes_positions": positions.tolist()}

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """Add the wave to the image."""
        (position,) = parameters["spikes_positions"]
        place = min(int(position * stack.size), stack.size - 1)
        waves = _waves(place, stack.shape)
        change = parameters["intensity"] * _largest(stack) - _coefficient(stack, waves)
        first = np.multiply.outer(waves[0], waves[1]) * (change / stack.size)
        # The wave is first · last; in real numbers, which need half the memory.
        real, imaginary = np.empty_like(stack), np.empty_like(stack)
        cosine, sine = waves[2].real.astype(np.float32), waves[2].imag.astype(np.float32)
        for index, voxels in enumerate(stack):
            across = first[index].astype(np.complex64)[:, None]
            np.multiply(across.real, cosine, out=real[index])
            real[index] -= across.imag * sine
            real[index] += voxels
            np.multiply(across.imag, cosine, out=imaginary[index])
            imaginary[index] += across.real * sine
        return magnitude(real, imaginary)


def _waves(place: int, shape: tuple[int, ...]) -> list[NDArray[np.complex128]]:
    """exp(2πi·k·p / n) along each axis, for the frequency k at a place of the shifted spectrum."""
    waves = []
    for index, size in zip(np.unravel_index(place, shape), shape, strict=True):
        # Remove whole turns in integers, which are not rounded.
        turns = (int(index) - size // 2) * np.arange(size) % size / size
        waves.append(np.exp(2j * np.pi * turns))
    return waves


def _coefficient(stack: Stack, waves: list[NDArray[np.complex128]]) -> complex:
    """Σ v(p) · exp(−2πi·k·p), the coefficient of these waves."""
    conjugate = [wave.conj() for wave in waves]
    columns = np.stack([conjugate[2].real, conjugate[2].imag], axis=1).astype(np.float32)
    rows = stack @ columns  # (slices, H, 2)
    return complex(conjugate[0] @ (rows[..., 0] + 1j * rows[..., 1]) @ conjugate[1])


def _largest(stack: Stack) -> complex:
    """The spectrum's maximum by real part, then by imaginary part."""
    if stack.min() >= 0:
        return complex(stack.sum(dtype=np.float64))
    half = fft.rfftn(stack).ravel()
    real = half.real.max()
    # The other half holds the conjugates, so the larger imaginary part is never negative.
    return complex(real, np.abs(half.imag[half.real == real]).max())
