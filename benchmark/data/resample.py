"""In-plane resampling; the spacing through the plane is kept."""

import numpy as np
from nibabel import aff2axcodes
from numpy.typing import NDArray
from scipy import ndimage

from benchmark.data.nifti import MAX_VOXELS, Volume

IN_PLANE_SPACING = 1.36719
"""In-plane spacing of every prepared volume, in mm (protocol, section 1)."""


def resample_in_plane(volume: Volume, *, order: int, spacing: float = IN_PLANE_SPACING) -> Volume:
    """Resample (x, y, slices) to ``spacing`` mm in x and y, linear (``order=1``) or nearest (0).

    As in SimpleITK's resampling, the centre of the first voxel stays in place, and an axis of n
    voxels of s mm becomes round(n · s / spacing) voxels. On an axis that runs to the patient's
    right, front or head, the last voxel stays in place instead: so the same image gives the same
    samples in any order of its voxels. (In scanners' files, axes run to the left, back or feet.)

    Raises:
        ValueError: the result would have more voxels than any acquisition.
    """
    step = np.array([spacing / volume.spacing[0], spacing / volume.spacing[1], 1.0])
    shape = tuple(max(1, round(n / s)) for n, s in zip(volume.data.shape, step, strict=True))
    if np.prod(shape, dtype=float) > MAX_VOXELS:
        raise ValueError(f"with voxels of {volume.spacing[:2]} mm it would be resampled to {shape}")
    ends = _from_the_end(volume.affine)
    data = np.flip(sample(np.flip(volume.data, ends), step, shape, order=order), ends)
    affine = volume.affine @ np.diag([*step, 1.0])
    for axis in ends:
        gap = (volume.data.shape[axis] - 1) - (shape[axis] - 1) * step[axis]
        affine[:3, 3] += volume.affine[:3, axis] * gap
    zooms = (spacing, spacing, volume.spacing[2])
    return Volume(data, affine, zooms, volume.doubt)


def back_to(data: NDArray[np.generic], resampled: Volume, original: Volume) -> NDArray[np.float32]:
    """Resample values from the grid of `resample_in_plane` to the original's voxels, linearly."""
    step = np.divide(original.spacing, resampled.spacing)
    ends = _from_the_end(original.affine)
    sampled = sample(np.flip(data, ends), step, original.data.shape, order=1)
    return np.flip(sampled, ends).astype(np.float32, copy=False)


def _from_the_end(affine: NDArray[np.float64]) -> tuple[int, ...]:
    """The in-plane axes that run to the patient's right, front or head."""
    codes = aff2axcodes(affine)
    return tuple(axis for axis in (0, 1) if codes[axis] in ("R", "A", "S"))


def sample(
    data: NDArray[np.generic], step: NDArray[np.float64], shape: tuple[int, ...], *, order: int
) -> NDArray[np.generic]:
    """``data`` at the index positions ``i * step``, for i below ``shape``; edges are extended."""
    if order == 0:
        # Index instead of a spline: exact for labels, and ties always round the same way.
        grids = [
            np.clip(np.floor(np.arange(n) * s + 0.5).astype(int), 0, have - 1)
            for n, s, have in zip(shape, step, data.shape, strict=True)
        ]
        return data[np.ix_(*grids)]
    return ndimage.affine_transform(
        data.astype(np.float32), step, output_shape=shape, order=order, mode="nearest"
    )
