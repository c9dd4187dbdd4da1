"""Overlap and distance of two label maps, with stated rules for absent structures.

The rules (protocol, section 6): a structure absent from label and prediction has no score; absent
from one of them only, its Dice is 0 and its distance the diagonal of the evaluated field.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmark.data.labels import STRUCTURES

IMPLEMENTATION = (
    "coopbench metrics 2 (3D Dice; HD95 = larger directed 95th percentile, surface voxels; "
    "NSD = share of surface voxels within 2 mm)"
)

TOLERANCE = 2.0
"""Distance in mm within which a surface counts as found (normalised surface Dice)."""

Mask = NDArray[np.bool_]
Absent = Literal["", "label", "prediction", "both"]


def dice(prediction: Mask, label: Mask) -> float:
    """2·|P ∩ L| / (|P| + |L|), in [0, 1]; NaN where both are empty."""
    size = int(prediction.sum()) + int(label.sum())
    return 2 * int((prediction & label).sum()) / size if size else float("nan")


def iou(prediction: Mask, label: Mask) -> float:
    """|P ∩ L| / |P ∪ L|, in [0, 1]; NaN where both are empty."""
    union = int((prediction | label).sum())
    return int((prediction & label).sum()) / union if union else float("nan")


def surface(mask: Mask) -> Mask:
    """The voxels of a mask that touch, through a face, what is not of it or the field's edge."""
    return mask & ~ndimage.binary_erosion(mask)


def surface_distances(
    prediction: Mask, label: Mask, spacing: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances in mm of the prediction's surface voxels to the label's surface, and reversely.

    Args:
        prediction, label: masks of one shape, neither empty.
        spacing: mm along each of their axes.
    """
    # All is done where the masks are, with nothing lost: what lies outside the box is of neither,
    # and so are the voxels beyond an edge, the box's as the field's.
    box = ndimage.find_objects((prediction | label).astype(np.uint8))[0]
    ours, theirs = surface(prediction[box]), surface(label[box])
    to_label = ndimage.distance_transform_edt(~theirs, sampling=spacing)[ours]
    to_prediction = ndimage.distance_transform_edt(~ours, sampling=spacing)[theirs]
    return to_label, to_prediction


def surface_scores(
    prediction: Mask, label: Mask, spacing: tuple[float, ...]
) -> tuple[float, float]:
    """HD95 in mm, and the normalised surface Dice at 2 mm, in [0, 1].

    HD95 is the larger of both directions' 95th percentiles; the normalised surface Dice the share
    of both surfaces' voxels that lie within `TOLERANCE` of the other (Nikolov et al., J. Med.
    Internet Res. 2021, by voxels).

    Args:
        prediction, label: masks of one shape.
        spacing: mm along each of their axes.

    Returns:
        Both NaN where both masks are empty; the diagonal of the field and 0 where one is.
    """
    if not prediction.any() or not label.any():
        if not prediction.any() and not label.any():
            return float("nan"), float("nan")
        return float(np.linalg.norm(np.multiply(label.shape, spacing))), 0.0
    both = surface_distances(prediction, label, spacing)
    hd95 = max(np.percentile(distances, 95) for distances in both)
    near = sum(int((distances <= TOLERANCE).sum()) for distances in both)
    return float(hd95), near / sum(len(distances) for distances in both)


def absent(prediction: Mask, label: Mask) -> Absent:
    """Which of the two does not hold the structure."""
    if prediction.any():
        return "" if label.any() else "label"
    return "prediction" if label.any() else "both"


@dataclass(frozen=True)
class StructureScore:
    """How well one structure of one volume was found."""

    structure: str
    dice: float
    hd95_mm: float
    nsd_2mm: float
    absent: Absent


def score_volume(
    prediction: NDArray[np.uint8], label: NDArray[np.uint8], spacing: tuple[float, ...]
) -> list[StructureScore]:
    """Score LV, MYO and RV of a predicted label map against the reference, of one shape."""
    scores = []
    for value, structure in STRUCTURES.items():
        ours, theirs = prediction == value, label == value
        hd95, nsd = surface_scores(ours, theirs, spacing)
        overlap = dice(ours, theirs)
        scores.append(StructureScore(structure, overlap, hd95, nsd, absent(ours, theirs)))
    return scores


def mean_iou(prediction: NDArray[np.uint8], label: NDArray[np.uint8]) -> float:
    """Mean IoU of the structures of one volume that are in the label or the prediction."""
    values = [iou(prediction == value, label == value) for value in STRUCTURES]
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
