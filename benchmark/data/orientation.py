"""The order of voxels: of two files that belong together, and of slices as scanners show them."""

import numpy as np
from nibabel.affines import apply_affine
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from numpy.typing import NDArray

from benchmark.data.nifti import Volume

TOLERANCE = 0.1
"""By how much the position of a voxel may differ between two files, in voxels along each axis."""

THICKER = 1.5
"""How many times as far apart as pixels slices are at least, where their axis is not the last."""


def rigid(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """An affine (4 × 4) with the nearest orthonormal directions, of the same lengths and origin.

    As libraries that cannot hold a shear write it: the polar decomposition of the directions.
    """
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / lengths)
    nearest = affine.copy()
    nearest[:3, :3] = left @ right * lengths
    return nearest


def in_order_of(
    volume: Volume, affine: NDArray[np.float64], shape: tuple[int, ...], other: str
) -> Volume:
    """A volume with its voxels in the order of another file's, which lies at the same place.

    Axes that are only turned round or swapped are brought into the other's order; nothing is
    resampled. Positions are compared as they are and with orthonormal directions, since some
    libraries write only these; either has to agree.

    Args:
        volume: to be brought into order.
        affine, shape: of the other file.
        other: what that is to the volume, for the message, such as "label".

    Raises:
        ValueError: the two are not of the same voxels: another shape, or the position of a voxel
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
    """The greatest distance between voxels of equal index: in voxels along an axis, and in mm."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(shape) - 1)  # affine: nowhere more
    voxels = np.abs(apply_affine(np.linalg.inv(two) @ one, corners) - corners).max()
    mm = np.linalg.norm(apply_affine(one, corners) - apply_affine(two, corners), axis=1).max()
    return float(voxels), float(mm)


def upright_axes(
    affine: NDArray[np.float64], spacing: tuple[float, float, float]
) -> NDArray[np.float64]:
    """How to turn a short-axis stack so that slices come last and lie as scanners show them.

    The axis of slices is the one with the largest spacing. In plane, what scanners write is kept:
    seen from the apex, with the patient's left within `SHOWN` of the right of the image (five
    subjects of M&Ms' vendors lie between -62° and 26°). What no scanner writes, but tools do that
    sort axes by R, A and S, is turned round or mirrored to the middle of that.

    Returns:
        Of each axis, the axis that it becomes and 1, or -1 where it runs the other way: as
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
"""Degrees from the right of the image, downward positive, at which the patient's left is shown."""

CLEAR = 0.2
"""Below this a direction says nothing: such a stack is no short axis, and stays as it is."""


def _angle_of_left(right: NDArray[np.float64], down: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arctan2(down[0], right[0])))


def _is_from_apex(right: NDArray[np.float64], down: NDArray[np.float64]) -> bool:
    """Whether what is seen is seen from the apex, which lies to the left, front and feet."""
    return float(np.cross(right, down) @ (1, -1, -1)) < -CLEAR


def _is_shown(right: NDArray[np.float64], down: NDArray[np.float64]) -> bool:
    """Whether scanners show slices so, or nobody can say how they lie."""
    says_side = abs(np.cross(right, down) @ (1, -1, -1)) > CLEAR
    says_left = np.hypot(right[0], down[0]) > CLEAR
    if not (says_side and says_left):
        return True
    low, high = SHOWN
    return _is_from_apex(right, down) and low <= _angle_of_left(right, down) <= high


def turned(volume: Volume, axes: NDArray[np.float64]) -> Volume:
    """A volume with its axes as `upright_axes` has them."""
    order = np.argsort(axes[:, 0])
    x, y, z = (volume.spacing[axis] for axis in order)
    affine = volume.affine @ inv_ornt_aff(axes, volume.data.shape)
    return Volume(apply_orientation(volume.data, axes), affine, (x, y, z), volume.doubt)


def turned_back(data: NDArray[np.generic], axes: NDArray[np.float64]) -> NDArray[np.generic]:
    """Voxels of a `turned` volume in the order that they had before."""
    back = np.empty((3, 2))
    for axis, (to, sign) in enumerate(axes):
        back[int(to)] = axis, sign
    turned_again: NDArray[np.generic] = apply_orientation(data, back)
    return turned_again
