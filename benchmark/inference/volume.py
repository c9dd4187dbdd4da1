"""Segmenting a user's own volume, of any spacing and size, in its own space."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.core.errors import CoopbenchError
from benchmark.data.nifti import Volume, read_volume, write_like
from benchmark.data.orientation import turned, turned_back, upright_axes
from benchmark.data.prepare import prepare_image
from benchmark.data.resample import back_to
from benchmark.inference.prediction import in_full_image, predict_field
from benchmark.networks.dual import CLASSES, DualThinkingNetwork


def segment_file(
    image: Path,
    out: Path,
    network: DualThinkingNetwork,
    *,
    size: int,
    frame: int | None,
    output: str,
    device: torch.device,
    precision: torch.dtype,
) -> NDArray[np.uint8]:
    """Segment a short-axis NIfTI volume and write the label map beside its header's geometry.

    Args:
        image: 3D, or 4D with ``frame`` given.
        out: label map, uint8: 0 background, 1 LV, 2 MYO, 3 RV; shape and affine of the image.
        network: trained.
        size: height and width of the centre it was trained on, in pixels of 1.36719 mm.
        frame: which frame (from 0) of a 4D file.
        output: ``FTN`` or ``FTN+STN``.
        device, precision: where and how to compute.

    Returns:
        The label map (x, y, slices).

    Raises:
        CoopbenchError: the image cannot be used; the message names it.
    """
    volume = read_volume(image, frame)
    try:
        label = segment(
            volume, network, size=size, output=output, device=device, precision=precision
        )
    except ValueError as error:
        raise CoopbenchError(f"{image}: {error}") from error
    write_like(image, out, label)
    return label


def segment(
    volume: Volume,
    network: DualThinkingNetwork,
    *,
    size: int,
    output: str,
    device: torch.device,
    precision: torch.dtype,
) -> NDArray[np.uint8]:
    """The label map of a raw volume, of its shape.

    Slices are turned as `benchmark.data.orientation.upright_axes` has it, whatever the order of the
    voxels. Only the centre of ``size`` pixels of 1.36719 mm, as the network was trained on, is
    segmented; the rest is background.
    """
    axes = upright_axes(volume.affine, volume.spacing)
    upright = turned(volume, axes)
    prepared = prepare_image(upright)
    slices = np.ascontiguousarray(prepared.data.T, dtype=np.float32)
    field = predict_field(network, slices, size=size, device=device, precision=precision)[output]
    label = in_full_image(field, slices.shape).T
    # Each class's share of a voxel decides; labels picked by nearest voxel would be jagged.
    shares = [
        back_to((label == value).astype(np.float32), prepared, upright) for value in range(CLASSES)
    ]
    found = np.argmax(np.stack(shares), axis=0).astype(np.uint8)
    back = turned_back(found, axes).astype(np.uint8, copy=False)
    return np.ascontiguousarray(back)
