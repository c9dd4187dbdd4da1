"""The centre field: the part of a slice that a network sees, and the way back to the full image."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

FIELD = 192
"""Height and width, in pixels, of the centre that is scored (protocol, section 6)."""


def _overlap(have: int, want: int) -> tuple[slice, slice]:
    """The range of the centre among ``have`` samples, and its range in a field of ``want``
    samples."""
    if have >= want:
        start = (have - want) // 2
        return slice(start, start + want), slice(0, want)
    start = (want - have) // 2
    return slice(0, have), slice(start, start + have)


def centre_field(slices: NDArray[T], size: int) -> NDArray[T]:
    """Centre-crop or zero-pad slices (..., H, W) to (..., size, size)."""
    rows, to_rows = _overlap(slices.shape[-2], size)
    columns, to_columns = _overlap(slices.shape[-1], size)
    field = np.zeros((*slices.shape[:-2], size, size), dtype=slices.dtype)
    field[..., to_rows, to_columns] = slices[..., rows, columns]
    return field


def inside_field(slices: NDArray[T], size: int) -> NDArray[T]:
    """A view of the part of slices (..., H, W) inside the centre field of ``size``, not padded."""
    rows, _ = _overlap(slices.shape[-2], size)
    columns, _ = _overlap(slices.shape[-1], size)
    return slices[..., rows, columns]


def put_back(field: NDArray[T], into: NDArray[T]) -> NDArray[T]:
    """A copy of ``into`` (..., H, W) with ``field`` in its centre; the inverse of
    `centre_field`."""
    rows, to_rows = _overlap(into.shape[-2], field.shape[-2])
    columns, to_columns = _overlap(into.shape[-1], field.shape[-1])
    whole = into.copy()
    whole[..., rows, columns] = field[..., to_rows, to_columns]
    return whole


def scale_slices(slices: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scale each slice of (..., H, W) to [0, 1] by its own minimum and maximum; a flat one to 0."""
    low = slices.min(axis=(-2, -1), keepdims=True)
    span = slices.max(axis=(-2, -1), keepdims=True) - low
    scaled = (slices - low) / np.where(span > 0, span, 1)
    return scaled.astype(np.float32)
