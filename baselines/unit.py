"""Scale directions to unit length, one for each image."""

import torch
from torch import Tensor


def unit(direction: Tensor) -> Tensor:
    """Scale each image of (N, …) to unit L2 norm; all zeros stay so."""
    # First divide by the maximum: the squares of tiny gradients would vanish in float32.
    axes = tuple(range(1, direction.dim()))
    smallest = torch.finfo(direction.dtype).tiny
    scaled = direction / direction.abs().amax(axes, keepdim=True).clamp_min(smallest)
    return scaled / scaled.square().sum(axes, keepdim=True).sqrt().clamp_min(smallest)
