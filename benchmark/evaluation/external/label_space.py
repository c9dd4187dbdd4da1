"""Read labels in the space in which they are scored."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.core.errors import CoopbenchError
from benchmark.data.dataset import Dataset
from benchmark.data.field import FIELD
from benchmark.data.labels import remap
from benchmark.data.nifti import read_volume
from benchmark.data.prepared import read_frame


@dataclass(frozen=True)
class Reference:
    """A label: uint8 (x, y, slices), ``affine`` to mm, ``spacing`` in mm along its axes."""

    label: NDArray[np.uint8]
    affine: NDArray[np.float64]
    spacing: tuple[float, ...]
    field: int | None
    """Height and width in pixels of the centre to score; None: the whole volume."""
    doubt: str = ""
    """Contradictions in the header; see `benchmark.data.headers`."""


@dataclass(frozen=True)
class PreparedLabel:
    """The label of a frame of a prepared set; the set here holds only this case."""

    dataset: Dataset
    frame: str

    def read(self) -> Reference:
        """Read label and image as our own evaluation does.

        Raises:
            CoopbenchError: a file is missing, or differs from its record.
        """
        found = read_frame(self.dataset, self.dataset.cases[0], self.frame)
        return Reference(found.label.T, found.affine, found.spacing[::-1], FIELD)


@dataclass(frozen=True)
class LabelFile:
    """A label map in a plain folder, and what its values mean."""

    path: Path
    numbering: Mapping[int, int]

    def read(self) -> Reference:
        """Read the label map.

        Raises:
            CoopbenchError: the file cannot be read, or holds a value without a given meaning.
        """
        volume = read_volume(self.path)
        try:
            label = remap(volume.data, self.numbering)
        except ValueError as error:
            raise CoopbenchError(f"{self.path}: {error}; name it by --label-map") from error
        return Reference(label, volume.affine, volume.spacing, None, volume.doubt)
