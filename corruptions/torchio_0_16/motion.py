"""Motion of the published set: the heart moves while k-space is recorded.

Shaw et al., MRI k-Space Motion Artefact Augmentation, MIDL 2019, as in TorchIO 0.16.22.
"""

from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 (as everybody calls it)
import torch
from scipy import fft

from corruptions.torchio_0_16.corruption import PublishedCorruption, Shape, Stack

MOVEMENTS = 2
DEGREES = 30.0
TRANSLATION = 10.0
PERTURBATION = 0.3
"""Random shift of the times, as a share of the interval between them."""

WORLD = (0, 0, -1, 0, -1, 0, 1, 0, 0)
"""Direction cosines of the array axes (W, H, slices) in SimpleITK's world, whose first two axes
point the other way than those of an identity affine."""


class PublishedMotion(PublishedCorruption):
    """|F⁻¹(Σ Mₜ · F(vₜ))|: segments of k-space of the image at rest and after two rigid movements.

    Each Mₜ is 1 in a segment along the last axis, and 0 elsewhere. The segments are bounded by
    times near 1/3 and 2/3 of k-space; the middle segment comes from the image at rest. A movement
    is three rotations U(−30°, 30°) and three translations U(−10, 10) voxels. It rotates the stack
    about its first voxel, since TorchIO 0.16.22 sets a centre but loses it. Interpolation is
    linear; voxels from outside the image get its minimum. Today's TorchIO does the same, but takes
    the real part instead of the magnitude.

    The segments depend on the last axis alone, so the transforms along the other axes cancel out.

    Nothing moves along an axis of 1 voxel, or rotates out of the plane: a single slice moves in its
    plane, as in TorchIO for 2D images.
    """

    @staticmethod
    def draw(shape: Shape, generator: torch.Generator) -> dict[str, Any]:
        """Angles and translations of both movements, and their times, increasing, in [0, 1]."""
        degrees, translation = (
            torch.empty(MOVEMENTS, 3).uniform_(-most, most, generator=generator)
            for most in (DEGREES, TRANSLATION)
        )
        for axis, size in enumerate(shape):
            if size == 1:
                translation[:, axis] = 0
                degrees[:, [other for other in range(3) if other != axis]] = 0
        step = 1 / (MOVEMENTS + 1)
        noise = torch.empty(MOVEMENTS).uniform_(
            -step * PERTURBATION, step * PERTURBATION, generator=generator
        )
        times = torch.arange(0, 1, step)[1:] + noise
        return {
            "times": times.tolist(),
            "degrees": degrees.tolist(),
            "translation": translation.tolist(),
        }

    @staticmethod
    def apply_to(stack: Stack, parameters: dict[str, Any]) -> Stack:
        """The image of the combined spectrum."""
        times, width = np.array(parameters["times"]), stack.shape[2]
        images = [stack, *_moved(stack, parameters["degrees"], parameters["translation"])]
        later = np.flatnonzero(times > 0.5)
        middle = later[0] if len(later) else len(images) - 1
        images[0], images[middle] = images[middle], images[0]
        bounds = [0, *(width * times).astype(int), width]
        # The image that each frequency comes from, in the order of a spectrum that is not shifted.
        sources = np.fft.ifftshift(np.repeat(range(len(images)), np.diff(bounds)))
        spectrum = np.empty(stack.shape, np.complex64)
        for source, image in enumerate(images):
            np.copyto(spectrum, fft.fft(image, axis=2), where=sources == source)
        moved: Stack = np.abs(fft.ifft(spectrum, axis=2, overwrite_x=True))
        return moved


def _moved(stack: Stack, degrees: list[list[float]], translation: list[list[float]]) -> list[Stack]:
    """The stack after each movement."""
    image = sitk.GetImageFromArray(stack)
    image.SetDirection(WORLD)
    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(image)
    resampler.SetInterpolator(sitk.sitkLinear)
    resampler.SetDefaultPixelValue(float(stack.min()))
    resampler.SetNumberOfThreads(1)  # several processes already run, one for each volume
    moved = []
    for angles, shift in zip(degrees, translation, strict=True):
        movement = sitk.Euler3DTransform()
        movement.SetRotation(*np.radians(angles).tolist())
        movement.SetTranslation(shift)
        resampler.SetTransform(movement)
        moved.append(sitk.GetArrayFromImage(resampler.Execute(image)))
    return moved
