"""Label maps of prepared volumes, by FTN and FTN+STN."""

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.data.field import centre_field, put_back, scale_slices
from benchmark.device import autocast
from benchmark.networks.dual import DualThinkingNetwork

FIELD = 192
"""Height and width, in pixels, of the centre that is segmented and scored (protocol, section 6)."""

OUTPUTS = ("FTN", "FTN+STN")


@torch.no_grad()
def predict_field(
    network: DualThinkingNetwork,
    slices: NDArray[np.float32],
    *,
    device: torch.device,
    precision: torch.dtype,
) -> dict[str, NDArray[np.uint8]]:
    """Label maps (slices, 192, 192) of the centre of slices (slices, H, W), for each output.

    Each slice's centre is scaled to [0, 1]. The FTN's logits pass through the STN once.
    """
    field = scale_slices(centre_field(slices, FIELD))
    images = torch.from_numpy(field)[:, None].to(device, memory_format=torch.channels_last)
    network.eval()
    with autocast(device, precision):
        logits = network(images)
        refined = network.refine(logits)
    return {
        output: scores.argmax(dim=1).to(torch.uint8).cpu().numpy()
        for output, scores in zip(OUTPUTS, (logits, refined), strict=True)
    }


def in_full_image(field: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A field's label map put back into slices of ``shape``; background outside the field."""
    return put_back(field, np.zeros(shape, dtype=np.uint8))
