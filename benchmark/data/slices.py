"""Training slices, held in memory on the device that trains on them."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmark.core.errors import CoopbenchError
from benchmark.core.memory import NotEnoughMemoryError, available_memory, in_words
from benchmark.core.seeding import derive_seed
from benchmark.data.dataset import Case, Dataset
from benchmark.data.field import centre_field
from benchmark.data.prepared import read_frame

BYTES_PER_PIXEL = 5
"""Bytes of a pixel: an image in float32 and its label in uint8."""


class TrainingSlices:
    """Every slice with a label of the given cases, on one common canvas.

    Args:
        dataset: the prepared set.
        cases: the cases to take slices from.
        crop: height and width of a training slice; smaller slices are padded to it.
        pad: side to pad a slice to with its minimum; 0: pad with 0.
        partial: whether an epoch's last batch may be smaller.
        device: the device for training.

    Attributes:
        images: float32 (M, 1, S, S), each in its volume's [0, 1]; S holds the largest slice.
        labels: uint8 (M, 1, S, S).
        sides: int64 (M, 2), height and width of each padded slice in the middle of its canvas.
    """

    def __init__(
        self,
        dataset: Dataset,
        cases: Sequence[Case],
        *,
        crop: int,
        pad: int = 0,
        partial: bool = True,
        device: torch.device,
    ) -> None:
        frames = [read_frame(dataset, case, name) for case in cases for name in case.frames]
        canvas = max(crop, pad, *(size for frame in frames for size in frame.image.shape[1:]))
        _check_room(sum(len(frame.image) for frame in frames), canvas)
        images, labels, sides = [], [], []
        for frame in frames:
            size = frame.image.shape[1:]
            image, inside = centre_field(frame.image, canvas), np.ones(size, dtype=bool)
            if pad:
                least = frame.image.min(axis=(1, 2))[:, None, None]
                image = np.where(centre_field(inside, canvas), image, least)
            images.append(image)
            labels.append(centre_field(frame.label, canvas))
            sides += [[max(crop, pad, side) for side in size]] * len(image)
        label = np.concatenate(labels)
        drawn = label.any(axis=(1, 2))
        if not drawn.any():
            raise CoopbenchError(f"{dataset.root}: no training slice has a label")
        self.images = _place(torch.from_numpy(np.concatenate(images)[drawn])[:, None], device)
        self.labels = _place(torch.from_numpy(label[drawn])[:, None], device)
        self.sides = torch.tensor(sides)[torch.from_numpy(drawn)].to(device)
        self.device, self.partial = device, partial

    def __len__(self) -> int:
        return self.images.shape[0]

    def steps_per_epoch(self, count: int) -> int:
        """Batches of ``count`` slices in one pass, the last one perhaps smaller."""
        rounded = math.ceil if self.partial else math.floor
        return max(1, rounded(len(self) / count))

    def draw(self, count: int, step: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """The slices of a step (from 0): images (N, 1, S, S), labels and sides, on the device.

        Each epoch has its own random order of slices, drawn from ``seed``. N is ``count``, or fewer
        for the last batch of an epoch.
        """
        epoch, batch = divmod(step, self.steps_per_epoch(count))
        generator = torch.Generator().manual_seed(derive_seed(seed, "order", epoch))
        order = torch.randperm(len(self), generator=generator)
        if len(self) < count:  # a set this small repeats its slices
            chosen = order[torch.arange(count) % len(self)]
        else:
            chosen = order[batch * count : (batch + 1) * count]
        chosen = chosen.to(self.images.device)
        return (
            self.images[chosen].to(self.device, non_blocking=True),
            self.labels[chosen].to(self.device, non_blocking=True),
            self.sides[chosen.to(self.device)],
        )


def _check_room(count: int, canvas: int) -> None:
    """Refuse slices that do not fit into memory, before they are made.

    Raises:
        NotEnoughMemoryError: they need more than the free memory.
    """
    needed = count * canvas**2 * BYTES_PER_PIXEL
    free = available_memory()
    if needed > free:
        raise NotEnoughMemoryError(
            f"{count} training slices of {canvas} × {canvas} pixels need {in_words(needed)} of "
            f"memory, and {in_words(free)} are free; take a smaller --set crop=…, or end other "
            "programs"
        )


def _place(tensor: Tensor, device: torch.device) -> Tensor:
    """Move a tensor to the device if it has enough memory; else keep it on the host, pinned."""
    if device.type != "cuda":
        return tensor.to(device)
    free, _ = torch.cuda.mem_get_info(device)
    roomy = tensor.numel() * tensor.element_size() < free // 4
    return tensor.to(device) if roomy else tensor.pin_memory()
