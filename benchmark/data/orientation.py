"""The order of voxels: bring two files into the same order, and slices into the scanner's order."""

import numpy as np
from nibabel.affines import apply_affine
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from numpy.typing import NDArray

from benchmark.data.nifti import Volume

TOLERANCE = 0.1
"""Largest difference of a voxel's position between two files, in voxels along each axis."""

THICKER = 1.5
"""Smallest ratio of slice distance to pixel size, to find slices that are not on the last axis."""


def rigid(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine (4 × 4) with the nearest orthonormal directions, and the same lengths and origin.

    It is the polar decomposition of the directions, as written by libraries that cannot store a
    shear.
    """
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / lengths)
    nearest = affine.copy()
    nearest[:3, :3] = left @ right * lengths
    return nearest


def in_order_of(
    volume: Volume, affine: NDArray[np.float64], shape: tuple[int, ...], other: str
) -> Volume:
    """Bring the voxels of a volume into the order of another file at the same place.

    Axes that are only reversed or swapped are reordered; nothing is resampled. Positions are
    compared with the directions as they are, and with orthonormal ones, since some libraries write
    only these; one of the two must agree.

    Args:
        volume: the volume to reorder.
        affine, shape: affine and shape of the other file.
        other: the other file's name or role, for the message, such as "label".

    Raises:
        ValueError: the two do not have the same voxels: the shapes differ, or a voxel's position
            differs by more than `TOLERANCE`.
    """
    to_other = np.linalg.inv(affine)
    axes = io_orientation(to_other @ volume.affine)
    data, own, spacing = volume.data, volume.affine, volume.spacing
    if not np.isnan(axes).any():
        own = own @ inv_ornt_aff(axes, data.shape)
        data = apply_orientation(data, axes)
        order = np.argsort(axes[:, 0])
        spacing = (spacing[order[0]], spacing[order[1]], spacing[order[2]])
    if data.shape != shape:
        raise ValueError(f"has the shape {volume.data.shape}, but its {other} has {shape}")
    off, off_mm = _apart(own, affine, shape)
    if not off <= TOLERANCE:
        rigid_off, rigid_mm = _apart(rigid(own), rigid(affine), shape)
        if not rigid_off <= TOLERANCE:
            off, off_mm = min((off, off_mm), (rigid_off, rigid_mm))
            raise ValueError(
                f"lies elsewhere than its {other}, by up to {off:.3g} voxels or {off_mm:.3g} mm "
                f"(by its affine; {TOLERANCE:g} voxels are accepted); save it with the affine of "
                "the image that it was made from"
            )
    return Volume(data, own, spacing, volume.doubt)


def _apart(
    one: NDArray[np.float64], two: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[float, float]:
    """The largest distance between voxels of equal index: in voxels along an axis, and in mm."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * (
        np.array(shape) - 1
    )  # differences peak at corners
    voxels = np.abs(apply_affine(np.linalg.inv(two) @ one, corners) - corners).max()
    mm = np.linalg.norm(apply_affine(one, corners) - apply_affine(two, corners), axis=1).max()
    return float(voxels), float(mm)


def upright_axes(
    affine: NDArray[np.float64], spacing: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Find the order of axes that puts slices last, and shows them as scanners do.

    The slice axis is the one with the largest spacing. In plane, the orientations that scanners
    write are kept: the heart is seen from the apex, and the patient's left is within `SHOWN` of the
    right of the image (five subjects of M&Ms' vendors lie between -62° and 26°). Other
    orientations, from tools that sort axes by R, A and S, are rotated or mirrored towards the
    middle of that range.

    Returns:
        For each axis, the axis that it becomes, and 1, or -1 if it is reversed: the format of
        nibabel's `io_orientation`.
    """
    by_size = np.argsort(spacing, kind="stable")
    through = int(by_size[2]) if spacing[by_size[2]] >= THICKER * spacing[by_size[1]] else 2
    first, second = (axis for axis in range(3) if axis != through)
    directions = np.diag([-1, -1, 1]) @ rigid(affine)[:3, :3] / spacing  # to left, back, head
    chosen = (first, 1, second, 1)
    if not _is_shown(directions[:, first], directions[:, second]):
        arranged = [
            (a, sa, b, sb)
            for a, b in ((first, second), (second, first))
            for sa in (1, -1)
            for sb in (1, -1)
            if _is_from_apex(sa * directions[:, a], sb * directions[:, b])
        ]
        if arranged:
            chosen = min(
                arranged,
                key=lambda one: abs(
                    _angle_of_left(one[1] * directions[:, one[0]], one[3] * directions[:, one[2]])
                    - MIDDLE
                ),
            )
    axes = np.empty((3, 2))
    a, sa, b, sb = chosen
    axes[a], axes[b], axes[through] = (0, sa), (1, sb), (2, 1)
    return axes


SHOWN, MIDDLE = (-70.0, 35.0), -18.0
"""Range of the direction of the patient's left, in degrees from the image's right, downward
positive."""

CLEAR = 0.2
"""Smallest value for a clear direction; a stack below it is not a short axis, and is not
changed."""


def _angle_of_left(right: NDArray[np.float64], down: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arctan2(down[0], right[0])))


def _is_from_apex(right: NDArray[np.float64], down: NDArray[np.float64]) -> bool:
    """Whether the view is from the apex, which lies to the left, front and feet."""
    return float(np.cross(right, down) @ (1, -1, -1)) < -CLEAR


def _is_shown(right: NDArray[np.float64], down: NDArray[np.float64]) -> bool:
    """Whether scanners show slices in this way, or the orientation is unclear."""
    says_side = abs(np.cross(right, down) @ (1, -1, -1)) > CLEAR
    says_left = np.hypot(right[0], down[0]) > CLEAR
    if not (says_side and says_left):
        return True
    low, high = SHOWN
    return _is_from_apex(right, down) and low <= _angle_of_left(right, down) <= high


def turned(volume: Volume, axes: NDArray[np.float64]) -> Volume:
    """Reorder the axes of a volume by the result of `upright_axes`."""
    order = np.argsort(axes[:, 0])
    x, y, z = (volume.spacing[axis] for axis in order)
    affine = volume.affine @ inv_ornt_aff(axes, volume.data.shape)
    return Volume(apply_orientation(volume.data, axes), affine, (x, y, z), volume.doubt)


def turned_back(data: NDArray[np.generic], axes: NDArray[np.float64]) -> NDArray[np.generic]:
    """Bring the voxels of a `turned` volume back into their former order."""
    back = np.empty((3, 2))
    for axis, (to, sign) in enumerate(axes):
        back[int(to)] = axis, sign
    turned_again: NDArray[np.generic] = apply_orientation(data, back)
    return turned_again
