"""Segmenting a user's own volume, of any spacing and size, in its own space."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.core.errors import CoopbenchError
from benchmark.data.nifti import Volume, read_volume, write_volume
from benchmark.data.prepare import prepare_image
from benchmark.data.resample import sample
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
    write_volume(out, label, volume.affine)
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

    The axis of the largest spacing, of equal ones the last, is taken for the slices'. Only the
    centre of ``size`` pixels of 1.36719 mm, as the network was trained on, is segmented; the rest
    is background.
    """
    through = max(range(3), key=lambda axis: (volume.spacing[axis], axis))
    order = [axis for axis in range(3) if axis != through] + [through]
    upright = Volume(
        volume.data.transpose(order),
        volume.affine[:, [*order, 3]],
        (volume.spacing[order[0]], volume.spacing[order[1]], volume.spacing[order[2]]),
    )
    prepared = prepare_image(upright)
    slices = np.ascontiguousarray(prepared.data.T, dtype=np.float32)
    field = predict_field(network, slices, size=size, device=device, precision=precision)[output]
    label = in_full_image(field, slices.shape).T
    step = np.divide(upright.spacing, prepared.spacing)
    # Each class's share of a voxel decides; labels picked by nearest voxel would be jagged.
    shares = [
        sample((label == value).astype(np.float32), step, upright.data.shape, order=1)
        for value in range(CLASSES)
    ]
    found = np.argmax(np.stack(shares), axis=0).astype(np.uint8)
    return found.transpose(np.argsort(order))
