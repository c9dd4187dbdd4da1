"""The structures, and each challenge's own numbering of them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

STRUCTURES = {1: "LV", 2: "MYO", 3: "RV"}
"""Prepared label values; 0 is background. LV is the blood pool."""

ACDC_LABELS = {0: 0, 1: 3, 2: 2, 3: 1}
MNMS_LABELS = {0: 0, 1: 1, 2: 2, 3: 3}
MSCMR_LABELS = {0: 0, 200: 2, 500: 1, 600: 3}


def remap(label: NDArray[np.generic], numbering: Mapping[int, int]) -> NDArray[np.uint8]:
    """Raw label values to prepared ones.

    Raises:
        ValueError: a value that ``numbering`` does not hold; the message lists such values.
    """
    values = np.unique(label)
    unknown = [value.item() for value in values if value.item() not in numbering]
    if unknown:
        shown = ", ".join(f"{value:g}" for value in unknown[:5])
        known = ", ".join(str(value) for value in sorted(numbering))
        raise ValueError(f"holds the label value {shown}, but only {known} are known")
    remapped = np.zeros(label.shape, dtype=np.uint8)
    for value in values:
        remapped[label == value] = numbering[int(value.item())]
    return remapped


def implausible(label: NDArray[np.uint8]) -> str | None:
    """Why a prepared label map (x, y, slices) looks wrongly numbered, or None if it does not.

    The LV blood pool lies inside the myocardium: most of what touches it must be MYO.
    """
    cavity, wall = label == 1, label == 2
    if not cavity.any() or not wall.any():
        return "LV or MYO is missing altogether"
    in_plane = ndimage.generate_binary_structure(2, 1)[..., None]
    rim = ndimage.binary_dilation(cavity, in_plane) & ~cavity
    if (rim & wall).sum() < 0.5 * rim.sum():
        return "MYO does not border LV"
    return None
