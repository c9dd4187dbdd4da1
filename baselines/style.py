"""The style of features: mean and standard deviation of each channel of each image.

Huang and Belongie, Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization,
ICCV 2017.
"""

import torch
from torch import Tensor

EPSILON = 1e-6
"""Added to variances, so that a constant channel has a style too."""


def style(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (unbiased) over space: (N, C, H, W) to twice (N, C, 1, 1)."""
    wide = features.float()
    return wide.mean((2, 3), keepdim=True), spread(wide, (2, 3))


def spread(values: Tensor, axes: int | tuple[int, ...]) -> Tensor:
    """The standard deviation (unbiased) over ``axes``, which are kept; never zero."""
    return (values.var(axes, keepdim=True) + EPSILON).sqrt()


def restyle(
    features: Tensor, style: tuple[Tensor, Tensor], new_style: tuple[Tensor, Tensor]
) -> Tensor:
    """Change the style (mean, standard deviation) of features (N, C, H, W); keeps their type."""
    (mean, std), (new_mean, new_std) = style, new_style
    return torch.addcmul(new_mean, (features - mean) / std, new_std).to(features.dtype)
