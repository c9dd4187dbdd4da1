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
    "coopbench metrics 3 (3D Dice, Jaccard; surface: a structure's voxels that touch, through a "
    "face, what is not of it; HD = larger directed maximum, HD95 = larger directed 95th "
    "percentile, ASSD = mean of the two directed means; NSD = share of surface voxels within 2 mm)"
)

EARLIER = (
    "coopbench metrics 2 (3D Dice; HD95 = larger directed 95th percentile, surface voxels; "
    "NSD = share of surface voxels within 2 mm)",
)
"""Earlier implementations, which measured less, but gave the same numbers."""

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
    """The voxels of a 3D mask with a face to a voxel outside the mask, or to the field's edge."""
    padded = np.pad(mask, 1)
    middle = slice(1, -1)
    inner = mask.copy()
    for axis in range(mask.ndim):
        for side in (slice(None, -2), slice(2, None)):
            inner &= padded[(middle,) * axis + (side,) + (middle,) * (mask.ndim - axis - 1)]
    return mask & ~inner


def _distances(points: Mask, target: Mask, spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Distance in mm of each of the ``points`` to the nearest voxel of ``target``."""
    # From the nearest voxels' positions: computing the distances of all voxels in the box first
    # takes a third longer, and gives the same digits.
    nearest = ndimage.distance_transform_edt(
        ~target, sampling=spacing, return_distances=False, return_indices=True
    )
    at = np.nonzero(points)
    steps = (nearest[(slice(None), *at)] - np.asarray(at)) * np.asarray(spacing)[:, None]
    distances: NDArray[np.float64] = np.sqrt((steps * steps).sum(axis=0))
    return distances


def surface_distances(
    prediction: Mask, label: Mask, spacing: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances in mm of the prediction's surface voxels to the label's surface, and vice versa.

    Args:
        prediction: not empty.
        label: of the same shape, not empty.
        spacing: mm along each of their axes.
    """
    # Compute only in the box around the masks. This changes nothing: neither mask has voxels
    # outside the box, as none has voxels outside the field.
    box = ndimage.find_objects((prediction | label).view(np.uint8))[0]
    ours, theirs = surface(prediction[box]), surface(label[box])
    return _distances(ours, theirs, spacing), _distances(theirs, ours, spacing)


@dataclass(frozen=True)
class SurfaceScores:
    """Distances between two surfaces.

    All values are NaN if both masks are empty. If only one mask is empty, the distances are the
    diagonal of the field, and NSD is 0.
    """

    hd95_mm: float
    """The larger of both directions' 95th percentiles."""
    nsd_2mm: float
    """Normalised surface Dice at 2 mm: the share of both surfaces' voxels that lie within
    `TOLERANCE` of the other (Nikolov et al., J. Med. Internet Res. 2021, by voxels)."""
    hd_mm: float
    """Hausdorff distance: the larger of both directions' maxima."""
    assd_mm: float
    """Average symmetric surface distance: the mean of both directions' means, as defined by the
    organisers of M&Ms. Others take the mean over all voxels of both surfaces, which differs a
    little."""


def surface_scores(prediction: Mask, label: Mask, spacing: tuple[float, ...]) -> SurfaceScores:
    """Measure two masks of the same shape by their surfaces.

    Args:
        prediction: may be empty.
        label: of the same shape; may be empty.
        spacing: mm along each of their axes.
    """
    if not prediction.any() or not label.any():
        if not prediction.any() and not label.any():
            return SurfaceScores(*[float("nan")] * 4)
        diagonal = float(np.linalg.norm(np.multiply(label.shape, spacing)))
        return SurfaceScores(hd95_mm=diagonal, nsd_2mm=0.0, hd_mm=diagonal, assd_mm=diagonal)
    both = surface_distances(prediction, label, spacing)
    near = sum(int((distances <= TOLERANCE).sum()) for distances in both)
    return SurfaceScores(
        hd95_mm=float(max(np.percentile(distances, 95) for distances in both)),
        nsd_2mm=near / sum(len(distances) for distances in both),
        hd_mm=float(max(distances.max() for distances in both)),
        assd_mm=float(np.mean([distances.mean() for distances in both])),
    )


def absent(prediction: Mask, label: Mask) -> Absent:
    """Which of the two masks lacks the structure."""
    if prediction.any():
        return "" if label.any() else "label"
    return "prediction" if label.any() else "both"


@dataclass(frozen=True)
class StructureScore(SurfaceScores):
    """The scores of one structure of one volume, and its volumes."""

    structure: str
    dice: float
    jaccard: float
    label_ml: float
    """Volume in ml of the label's structure; 0 where it is absent."""
    prediction_ml: float
    absent: Absent


def score_volume(
    prediction: NDArray[np.uint8], label: NDArray[np.uint8], spacing: tuple[float, ...]
) -> list[StructureScore]:
    """Score LV, MYO and RV of a predicted label map against a reference of the same shape."""
    voxel_ml = float(np.prod(spacing)) / 1000
    scores = []
    for value, structure in STRUCTURES.items():
        ours, theirs = prediction == value, label == value
        surfaces = surface_scores(ours, theirs, spacing)
        scores.append(
            StructureScore(
                **vars(surfaces),
                structure=structure,
                dice=dice(ours, theirs),
                jaccard=iou(ours, theirs),
                label_ml=int(theirs.sum()) * voxel_ml,
                prediction_ml=int(ours.sum()) * voxel_ml,
                absent=absent(ours, theirs),
            )
        )
    return scores


def mean_iou(prediction: NDArray[np.uint8], label: NDArray[np.uint8]) -> float:
    """Mean IoU of the structures of one volume that are in the label or the prediction."""
    values = [iou(prediction == value, label == value) for value in STRUCTURES]
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
