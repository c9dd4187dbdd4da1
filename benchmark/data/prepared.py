"""A frame of a prepared set, as the slices that networks and metrics work on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import sha256
from benchmark.data.dataset import Case, Dataset
from benchmark.data.labels import STRUCTURES, remap
from benchmark.data.nifti import finite_float32, read_volume

MEND = "give the command that made this set once more; it replaces broken files"
"""What to do where a file of a prepared set is missing or has changed."""


@dataclass(frozen=True)
class PreparedFrame:
    """One frame of a case.

    Attributes:
        image: float32 (slices, H, W) in [0, 1].
        label: uint8 (slices, H, W): 0 background, 1 LV, 2 MYO, 3 RV.
        affine: affine of the file, whose axes are (W, H, slices).
        spacing: mm along (slices, H, W).
    """

    image: NDArray[np.float32]
    label: NDArray[np.uint8]
    affine: NDArray[np.float64]
    spacing: tuple[float, float, float]


def read_frame(dataset: Dataset, case: Case, frame: str) -> PreparedFrame:
    """Read image and label of one frame.

    Raises:
        CoopbenchError: a file is missing or has changed, image and label differ in shape, an
            intensity is not finite, or a label value is not that of a prepared set.
    """
    folder = dataset.root / case.folder
    volumes = []
    for name in (f"{frame}_img.nii.gz", f"{frame}_seg.nii.gz"):
        path = folder / name
        if not path.is_file():
            raise CoopbenchError(f"{path}: no such file; {MEND}")
        if sha256(path) != case.files[name]:
            raise CoopbenchError(f"{path}: differs from its recorded checksum; {MEND}")
        volumes.append(read_volume(path))
    image, label = volumes
    if image.data.shape != label.data.shape:
        raise CoopbenchError(
            f"{folder / f'{frame}_seg.nii.gz'}: has the shape {label.data.shape}, but its image "
            f"has {image.data.shape}; {MEND}"
        )
    try:
        intensities = finite_float32(image.data)
    except ValueError as error:
        raise CoopbenchError(f"{folder / f'{frame}_img.nii.gz'}: {error}; {MEND}") from error
    try:
        structures = remap(label.data, {value: value for value in (0, *STRUCTURES)})
    except ValueError as error:
        raise CoopbenchError(f"{folder / f'{frame}_seg.nii.gz'}: {error}; {MEND}") from error
    return PreparedFrame(
        np.ascontiguousarray(intensities.T),
        np.ascontiguousarray(structures.T),
        image.affine,
        image.spacing[::-1],
    )
