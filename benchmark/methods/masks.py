"""Latent-space masks: which units of a code are damped, and by how much (protocol, section 3).

Chen et al., MICCAI 2021. Each function returns factors to multiply a code (N, C, h, w) by.
"""

import torch
from torch import Tensor

from benchmark.methods.method import RandomStream


def dropout_mask(code: Tensor, stream: RandomStream, probability: float = 0.5) -> Tensor:
    """Channel-wise dropout: factors (N, C, 1, 1), 0 with ``probability``, else 1/(1 − p)."""
    keep = stream.rand(*code.shape[:2], 1, 1) >= probability
    return keep / (1 - probability)


def damp_salient(saliency: Tensor, quantile: float, damping: Tensor) -> Tensor:
    """Damp the units that exceed the value at rank ⌊K·q⌋ of the descending order.

    Args:
        saliency: averaged gradients, (N, K).
        quantile: q in [0, 1), the largest share of units to damp.
        damping: factors for damped units, (N, K).

    Returns:
        Factors (N, K): ``damping`` where the saliency exceeds the threshold of its row, else 1.
    """
    rank = int(saliency.shape[1] * quantile)
    threshold = saliency.sort(dim=1, descending=True).values[:, rank : rank + 1]
    return torch.where(saliency > threshold, damping, torch.ones_like(damping))


def channel_mask(gradient: Tensor, quantile: float, damping: Tensor) -> Tensor:
    """Targeted channel-wise masking: factors (N, C, 1, 1) from ∂l/∂z (N, C, h, w)."""
    return damp_salient(gradient.mean(dim=(2, 3)), quantile, damping)[:, :, None, None]


def spatial_mask(gradient: Tensor, quantile: float, damping: Tensor) -> Tensor:
    """Targeted spatial-wise masking: factors (N, 1, h, w) from ∂l/∂z (N, C, h, w)."""
    saliency = gradient.mean(dim=1).flatten(1)
    return damp_salient(saliency, quantile, damping).unflatten(1, gradient.shape[2:])[:, None]
