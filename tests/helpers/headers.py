"""NIfTI files whose headers say in many ways where their voxels lie."""

from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff
from numpy.typing import NDArray

HEADERS = (
    *("both", "sform", "qform", "unit sform", "unit sform, no qform"),
    *("pixdim 1", "pixdim and qform 1", "singular sform"),
)
"""What a header has; each stands for the same affine by the rule of `benchmark.data.headers`."""

ORIENTATIONS = tuple(
    np.column_stack([axes, signs]).astype(float)
    for axes in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    for signs in np.array(list(np.ndindex(2, 2, 2))) * 2 - 1
)
"""All 48, as nibabel has them."""


def write_with_header(
    path: Path, data: NDArray[np.generic], affine: NDArray[np.float64], header: str = "both"
) -> Path:
    """Write a volume under one of `HEADERS`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    unit = affine.copy()
    unit[:3, :3] /= lengths
    image = nib.Nifti1Image(data, affine)
    image.set_qform(affine, 0 if header in ("sform", "pixdim 1") else 1)
    image.set_sform(affine, 0 if header == "qform" else 2)
    if header == "unit sform":
        unit[:3, 3] = 0  # as ACDC's
        image.set_sform(unit, 1)
    elif header == "unit sform, no qform":
        image.set_qform(affine, 0)
        image.set_sform(unit, 1)
    elif header.endswith(" 1"):
        image.set_qform(unit, int(header == "pixdim and qform 1"))
        image.header["pixdim"][1:4] = 1
    elif header == "singular sform":
        image.set_sform(np.diag([0.0, 0.0, 0.0, 1.0]), 1)
    raw = image.header.copy()
    image.to_filename(path)
    _put_header(path, raw)
    return path


def _put_header(path: Path, header: nib.Nifti1Header) -> None:
    """Nibabel mends some headers on the way to the disk; put back what was asked for."""
    import gzip

    content = gzip.decompress(path.read_bytes())
    header["vox_offset"], header["magic"] = 352, b"n+1"
    path.write_bytes(gzip.compress(header.binaryblock + content[348:], mtime=0))


def reordered(
    data: NDArray[np.generic], affine: NDArray[np.float64], orientation: NDArray[np.float64]
) -> tuple[NDArray[np.generic], NDArray[np.float64]]:
    """The same voxels at the same places, stored in another order."""
    return apply_orientation(data, orientation), affine @ inv_ornt_aff(orientation, data.shape)
