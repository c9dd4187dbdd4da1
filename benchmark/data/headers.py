"""The position of a NIfTI file's voxels: one rule for headers that contradict themselves.

A header gives the spacing as ``pixdim``, and the position as ``sform`` (an affine), ``qform`` (a
rotation, which takes its scale from ``pixdim``), or both. ACDC's own files have the right
``pixdim`` and ``qform``, and an ``sform`` of unit scale, which most readers prefer.

1. The sform holds, as in nibabel and most viewers, where the lengths of its axes agree with
   ``pixdim`` within 1 %.
2. Where they disagree, ``pixdim`` holds: with the qform if there is one, else with the directions
   of the sform. But if ``pixdim`` is exactly 1 on each axis that disagrees, the sform holds:
   programs write this value where nobody set one.
3. An sform that cannot be inverted is ignored.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

LENGTH_TOLERANCE = 0.01
"""Relative tolerance; slightly non-orthonormal direction cosines change lengths by less."""

BELIEVED_QFORM = "sform disagrees with the spacing (pixdim) and the qform, which are believed"
BELIEVED_PIXDIM = "sform disagrees with the spacing (pixdim), which is believed"
BELIEVED_SFORM = "spacing (pixdim) is 1 and disagrees with the sform, which is believed"
UNUSABLE_SFORM = "sform cannot be inverted; the qform is believed"


@dataclass(frozen=True)
class Geometry:
    """Position and spacing of voxels.

    Attributes:
        affine: 4 × 4, from voxels to mm.
        spacing: mm along the three axes.
        doubt: what disagrees in the header, and which part is used; empty where nothing disagrees.
    """

    affine: NDArray[np.float64]
    spacing: tuple[float, float, float]
    doubt: str = ""


def read_geometry(header: nib.Nifti1Header) -> Geometry:
    """Read position and spacing from a header, by the rule of this module.

    Raises:
        ValueError: the header has no affine that can be inverted.
    """
    sform, qform = _usable(header.get_sform(coded=True)), _usable(_qform(header))
    pixdim = _pixdim(header, sform)
    if sform is None:
        if qform is not None:
            doubt = UNUSABLE_SFORM if int(header["sform_code"]) else ""
            return _geometry(qform, pixdim, doubt)
        if int(header["sform_code"]) or int(header["qform_code"]):
            raise ValueError("the affine cannot be inverted; correct the header")
        return _geometry(header.get_base_affine(), pixdim)
    lengths = np.linalg.norm(sform[:3, :3], axis=0)
    differs = np.abs(lengths - pixdim) > LENGTH_TOLERANCE * np.maximum(lengths, pixdim)
    if not differs.any():
        return _geometry(sform, pixdim)
    if (pixdim[differs] == 1).all():
        return _geometry(sform, lengths, BELIEVED_SFORM)
    if qform is not None:
        return _geometry(qform, pixdim, BELIEVED_QFORM)
    scaled = sform.copy()
    scaled[:3, :3] *= pixdim / lengths
    return _geometry(scaled, pixdim, BELIEVED_PIXDIM)


def _pixdim(header: nib.Nifti1Header, sform: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The spacing of three axes; for the third of a 2D image that of its sform, or 1 mm."""
    zooms = [float(zoom) for zoom in header.get_zooms()[:3]]
    third = 1.0 if sform is None else float(np.linalg.norm(sform[:3, 2]))
    return np.array([*zooms, third][:3])


def _geometry(
    affine: NDArray[np.float64], spacing: NDArray[np.float64], doubt: str = ""
) -> Geometry:
    x, y, z = (float(length) for length in spacing)
    return Geometry(np.asarray(affine, dtype=np.float64), (x, y, z), doubt)


def _qform(header: nib.Nifti1Header) -> tuple[NDArray[np.float64] | None, int]:
    try:
        affine, code = header.get_qform(coded=True)
    except (ValueError, nib.spatialimages.HeaderDataError):  # a quaternion longer than 1
        return None, 0
    return affine, code


def _usable(coded: tuple[NDArray[np.float64] | None, int]) -> NDArray[np.float64] | None:
    """An affine that is set and can be inverted, or None."""
    affine, code = coded
    if affine is None or not code or not np.isfinite(affine).all():
        return None
    return affine if abs(np.linalg.det(affine[:3, :3])) >= 1e-9 else None


def doubt_lines(doubts: Iterable[str]) -> list[str]:
    """One line for each kind of disagreement, with the number of files."""
    counts = Counter(filter(None, doubts))
    return [
        f"{count} {'file' if count == 1 else 'files'}, in the header: {doubt}"
        for doubt, count in sorted(counts.items())
    ]
