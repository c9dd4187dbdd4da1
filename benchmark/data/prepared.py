"""A frame of a prepared set, as the slices that networks and metrics work on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.data.dataset import Case, Dataset
from benchmark.data.nifti import read_volume
from benchmark.errors import CoopbenchError


@dataclass(frozen=True)
class PreparedFrame:
    """One frame of a case.

    Attributes:
        image: float32 (slices, H, W) in [0, 1].
        label: uint8 (slices, H, W): 0 background, 1 LV, 2 MYO, 3 RV.
        affine: of the file, whose axes are (W, H, slices).
        spacing: mm along (slices, H, W).
    """

    image: NDArray[np.float32]
    label: NDArray[np.uint8]
    affine: NDArray[np.float64]
    spacing: tuple[float, float, float]


def read_frame(dataset: Dataset, case: Case, frame: str) -> PreparedFrame:
    """Read image and label of one frame.

    Raises:
        CoopbenchError: a file is missing or broken, or the two differ in shape.
    """
    folder = dataset.root / case.folder
    mend = "run the command again that made this set; it mends what is broken"
    try:
        image = read_volume(folder / f"{frame}_img.nii.gz")
        label = read_volume(folder / f"{frame}_seg.nii.gz")
    except CoopbenchError as error:
        raise CoopbenchError(f"{error}; {mend}") from error
    if image.data.shape != label.data.shape:
        raise CoopbenchError(
            f"{folder / f'{frame}_seg.nii.gz'}: has the shape {label.data.shape}, but its image "
            f"has {image.data.shape}; {mend}"
        )
    return PreparedFrame(
        np.ascontiguousarray(image.data.T, dtype=np.float32),
        np.ascontiguousarray(label.data.T, dtype=np.uint8),
        image.affine,
        image.spacing[::-1],
    )
