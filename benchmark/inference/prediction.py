"""Predict label maps of prepared volumes, from FTN and FTN+STN."""

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.core.device import autocast, find_precision, memory_at_hand, on_device
from benchmark.core.errors import CoopbenchError
from benchmark.core.memory import NotEnoughMemoryError, in_words, is_out_of_memory
from benchmark.data.field import FIELD, centre_field, put_back, scale_slices
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.runs.checkpoint import load_weights
from benchmark.runs.run import Run

BYTES_PER_PIXEL = 600
"""Bytes of memory per pixel during segmentation; 443 were measured on a CPU in float32."""

SHARE = 0.5
"""Largest share of the free memory that a prediction uses."""

OUTPUTS = ("FTN", "FTN+STN")


def trained_network(run: Run, device: torch.device) -> tuple[DualThinkingNetwork, torch.dtype]:
    """Load the network of a run with its best checkpoint, and the precision that it computes in.

    Raises:
        CoopbenchError: the weights are missing or broken.
    """
    if run.exported.is_file() and not run.weights.is_file():
        raise CoopbenchError(
            f"{run.folder}: was exported without its weights; train it again to get them"
        )
    network = DualThinkingNetwork(seed=None)
    load_weights(run.weights, network)
    precision = find_precision(run.config.training.precision, device)
    return on_device(network, device), precision


@torch.no_grad()
def predict_field(
    network: DualThinkingNetwork,
    slices: NDArray[np.float32],
    *,
    size: int,
    device: torch.device,
    precision: torch.dtype,
) -> dict[str, NDArray[np.uint8]]:
    """Label maps (slices, 192, 192) of the centre of slices (slices, H, W), for each output.

    The network sees the centre of ``size`` × ``size``, scaled to [0, 1] slice by slice. ``size`` is
    the size that it was trained on, since it has learnt nothing about the area farther out (a
    network for 128 × 128 finds hearts in the chest wall of 192 × 192). Pixels outside become
    background. The FTN's logits pass through the STN once.

    All slices are computed at once if the free memory allows, else in parts.

    Raises:
        NotEnoughMemoryError: not even one slice fits.
    """
    network.eval()
    needed = size * size * BYTES_PER_PIXEL
    count = max(1, min(len(slices), int(memory_at_hand(device) * SHARE / needed)))
    found: dict[str, list[NDArray[np.uint8]]] = {output: [] for output in OUTPUTS}
    place = 0
    while place < len(slices):
        chunk = slices[place : place + count]
        try:
            maps = _predict_chunk(network, chunk, size, device, precision)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if count == 1:
                raise NotEnoughMemoryError(
                    f"a slice of {size} × {size} pixels needs about {in_words(needed)} for "
                    f"segmentation, and {in_words(memory_at_hand(device))} are free ({device}); "
                    f"end "
                    "other programs, or take another --device or a network of a smaller crop"
                ) from error
            count = max(1, count // 2)
            continue
        for output, labels in maps.items():
            found[output].append(labels)
        place += len(chunk)
    return {output: np.concatenate(labels) for output, labels in found.items()}


def _predict_chunk(
    network: DualThinkingNetwork,
    slices: NDArray[np.float32],
    size: int,
    device: torch.device,
    precision: torch.dtype,
) -> dict[str, NDArray[np.uint8]]:
    seen = scale_slices(centre_field(slices, size))
    images = torch.from_numpy(seen)[:, None].to(device, memory_format=torch.channels_last)
    with autocast(device, precision):
        logits = network(images)
        refined = network.refine(logits)
    return {
        output: centre_field(scores.argmax(dim=1).to(torch.uint8).cpu().numpy(), FIELD)
        for output, scores in zip(OUTPUTS, (logits, refined), strict=True)
    }


def in_full_image(field: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Put a field's label map back into slices of ``shape``; background outside the field."""
    return put_back(field, np.zeros(shape, dtype=np.uint8))
