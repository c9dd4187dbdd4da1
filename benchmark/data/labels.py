"""The structures, and the numbers that each challenge gives them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

STRUCTURES = {1: "LV", 2: "MYO", 3: "RV"}
"""Prepared label values; 0 is background. LV is the blood pool."""

ACDC_LABELS = {0: 0, 1: 3, 2: 2, 3: 1}
MNMS_LABELS = {0: 0, 1: 1, 2: 2, 3: 3}
MSCMR_LABELS = {0: 0, 200: 2, 500: 1, 600: 3}

REST = -(2**31)
"""Key of a numbering for all raw values that it does not name."""

WHOLE = 1e-3
"""Largest distance of a label value from a whole number, as left by resampling or scaled
storage."""


def remap(label: NDArray[np.generic], numbering: Mapping[int, int]) -> NDArray[np.uint8]:
    """Raw label values to prepared ones; values within `WHOLE` of a whole number are rounded.

    Raises:
        ValueError: ``numbering`` lacks a value; the message lists such values with their numbers of
            voxels.
    """
    remapped = np.zeros(label.shape, dtype=np.uint8)
    unknown: list[tuple[float, int]] = []
    whole = label
    if label.dtype.kind == "f":
        values = label.astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinity less infinity
            stray = ~(np.abs(values - np.rint(values)) <= WHOLE)
        unknown += _counted(label[stray])
        whole = np.where(stray, 0, np.rint(values))
    for value, count in _counted(whole):
        structure = numbering.get(int(value), numbering.get(REST))
        if structure is None:
            unknown.append((value, count))
        elif structure:
            remapped[whole == value] = structure
    if unknown:
        shown = ", ".join(
            f"{value:g} ({count} {'voxel' if count == 1 else 'voxels'})"
            for value, count in unknown[:5]
        )
        known = ", ".join(str(value) for value in sorted(numbering) if value != REST)
        more = ", …" if len(unknown) > 5 else ""
        raise ValueError(f"holds the label value {shown}{more}, but only {known} are known")
    return remapped


def _counted(values: NDArray[np.generic]) -> list[tuple[float, int]]:
    """The values that occur, and how often."""
    found, counts = np.unique(values, return_counts=True)
    return [(one.item(), int(count)) for one, count in zip(found, counts, strict=True)]


def implausible(label: NDArray[np.uint8]) -> str | None:
    """Why a prepared label map (x, y, slices) looks wrongly numbered, or None if it does not.

    The LV blood pool lies inside the myocardium: most of what touches it must be MYO.
    """
    cavity, wall = label == 1, label == 2
    if not cavity.any() or not wall.any():
        return "LV or MYO is missing"
    in_plane = ndimage.generate_binary_structure(2, 1)[..., None]
    rim = ndimage.binary_dilation(cavity, in_plane) & ~cavity
    if (rim & wall).sum() < 0.5 * rim.sum():
        return "MYO does not border LV"
    return None
