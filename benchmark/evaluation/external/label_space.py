"""Labels, and predictions brought into the order of their voxels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nibabel.affines import apply_affine
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from numpy.typing import NDArray

from benchmark.core.errors import CoopbenchError
from benchmark.data.dataset import Dataset
from benchmark.data.labels import remap
from benchmark.data.nifti import Volume, read_volume
from benchmark.data.prepared import read_frame
from benchmark.inference.prediction import FIELD


@dataclass(frozen=True)
class Reference:
    """A label: uint8 (x, y, slices), ``affine`` to mm, ``spacing`` in mm along its axes."""

    label: NDArray[np.uint8]
    affine: NDArray[np.float64]
    spacing: tuple[float, ...]
    field: int | None
    """Height and width in pixels of the centre that is scored; None: all of it."""


@dataclass(frozen=True)
class PreparedLabel:
    """The label of a frame of a prepared set, which holds only its own case."""

    dataset: Dataset
    frame: str

    def read(self) -> Reference:
        """Read it, with its image, as our own evaluation does.

        Raises:
            CoopbenchError: a file is missing or not the recorded one.
        """
        found = read_frame(self.dataset, self.dataset.cases[0], self.frame)
        return Reference(found.label.T, found.affine, found.spacing[::-1], FIELD)


@dataclass(frozen=True)
class LabelFile:
    """A label map in a plain folder, and what its values mean."""

    path: Path
    numbering: Mapping[int, int]

    def read(self) -> Reference:
        """Read it.

        Raises:
            CoopbenchError: it cannot be read, or holds a value that nobody named.
        """
        volume = read_volume(self.path)
        try:
            label = remap(volume.data, self.numbering)
        except ValueError as error:
            raise CoopbenchError(f"{self.path}: {error}; name it by --label-map") from error
        return Reference(label, volume.affine, volume.spacing, None)


def in_label_space(prediction: Volume, reference: Reference) -> NDArray[np.generic]:
    """The prediction's voxels (x, y, slices) in the order of the label's.

    Axes that are only turned round or swapped are brought into the label's; nothing is resampled.

    Raises:
        ValueError: the two are not of the same voxels: another shape, or the position of a voxel
            differs by more than a tenth of the spacing.
    """
    to_label = np.linalg.inv(reference.affine)
    axes = io_orientation(to_label @ prediction.affine)
    data, affine = prediction.data, prediction.affine
    if not np.isnan(axes).any():
        affine = affine @ inv_ornt_aff(axes, data.shape)
        data = apply_orientation(data, axes)
    if data.shape != reference.label.shape:
        raise ValueError(
            f"has the shape {prediction.data.shape}, but its label has {reference.label.shape}"
        )
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(data.shape) - 1)
    off = np.abs(apply_affine(to_label @ affine, corners) - corners).max()
    if not off <= 0.1:
        raise ValueError(
            f"lies elsewhere than its label, by up to {off:.3g} voxels (by its affine); "
            "save it with the affine of the image that it was made from"
        )
    return data
