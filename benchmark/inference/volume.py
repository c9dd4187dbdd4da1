"""Segment a user's own volume, of any spacing and size, in its own space."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.core.errors import CoopbenchError
from benchmark.data.labels import STRUCTURES
from benchmark.data.nifti import Volume, frame_count, read_frames, read_volume, write_like
from benchmark.data.orientation import turned, turned_back, upright_axes
from benchmark.data.prepare import prepare_image
from benchmark.data.resample import back_to
from benchmark.inference.prediction import in_full_image, predict_field
from benchmark.networks.dual import CLASSES, DualThinkingNetwork


@dataclass(frozen=True)
class Segmented:
    """The segmentation of a frame of a file.

    Attributes:
        frame: its number (from 0) in a 4D file; None for a 3D file.
        voxels: number of voxels of each structure.
        ml: volume of each structure.
        doubt: contradictions in the header of the file.
    """

    frame: int | None
    voxels: dict[str, int]
    ml: dict[str, float]
    doubt: str = ""


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
    advance: Callable[[], None] = lambda: None,
) -> list[Segmented]:
    """Segment a short-axis NIfTI file and write the label map under its own header's geometry.

    Args:
        image: 3D, or 4D.
        out: label map, uint8: 0 background, 1 LV, 2 MYO, 3 RV; with the voxels and affine of the
            image; all frames, or only ``frame``.
        network: the trained network.
        size: height and width of the centre it was trained on, in pixels of 1.36719 mm.
        frame: which frame (from 0) of a 4D file; None: all of them.
        output: ``FTN`` or ``FTN+STN``.
        device: where to compute.
        precision: how to compute.
        advance: called after each frame.

    Returns:
        The frames, in order.

    Raises:
        CoopbenchError: the image cannot be used; the message names it.
    """
    count = frame_count(image)
    if frame is not None or count is None:
        volumes = read_volume(image, frame)
        volumes = replace(volumes, data=volumes.data[..., None])
    else:
        volumes = read_frames(image)
    labels = np.zeros(volumes.data.shape, dtype=np.uint8)
    several = volumes.data.shape[-1] > 1
    done = []
    for index in range(volumes.data.shape[-1]):
        try:
            labels[..., index] = segment(
                replace(volumes, data=volumes.data[..., index]),
                network,
                size=size,
                output=output,
                device=device,
                precision=precision,
            )
        except ValueError as error:
            which = f", frame {index}" if several else ""
            raise CoopbenchError(f"{image}{which}: {error}") from error
        number = frame if frame is not None else index if count is not None else None
        done.append(_measured(labels[..., index], number, volumes))
        advance()
    write_like(image, out, labels if several else labels[..., 0])
    return done


def _measured(label: NDArray[np.uint8], frame: int | None, volume: Volume) -> Segmented:
    voxels = {name: int((label == value).sum()) for value, name in STRUCTURES.items()}
    ml = float(np.prod(volume.spacing)) / 1000
    volumes = {name: count * ml for name, count in voxels.items()}
    return Segmented(frame, voxels, volumes, volume.doubt)


def segment(
    volume: Volume,
    network: DualThinkingNetwork,
    *,
    size: int,
    output: str,
    device: torch.device,
    precision: torch.dtype,
) -> NDArray[np.uint8]:
    """Segment a raw volume; the label map has its shape.

    Slices are first brought into the order of `benchmark.data.orientation.upright_axes`. Only the
    centre of ``size`` pixels of 1.36719 mm, as the network was trained on, is segmented; the rest
    is background.
    """
    axes = upright_axes(volume.affine, volume.spacing)
    upright = turned(volume, axes)
    prepared = prepare_image(upright)
    slices = np.ascontiguousarray(prepared.data.T, dtype=np.float32)
    field = predict_field(network, slices, size=size, device=device, precision=precision)[output]
    label = in_full_image(field, slices.shape).T
    # Compare each class's share of a voxel; labels from the nearest voxel would be jagged.
    shares = [
        back_to((label == value).astype(np.float32), prepared, upright) for value in range(CLASSES)
    ]
    found = np.argmax(np.stack(shares), axis=0).astype(np.uint8)
    back = turned_back(found, axes).astype(np.uint8, copy=False)
    return np.ascontiguousarray(back)
