"""Fast convolutions that double the resolution."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class DoublingConv2d(nn.ConvTranspose2d):
    """A transposed 2×2 convolution of stride 2: (N, C, H, W) to (N, C, 2H, 2W)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 2, stride=2)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Double the resolution of ``input``."""
        return _transposed(input, self.weight, self.bias, padding=0)


def upsampled_conv2d(features: Tensor, conv: nn.Conv2d) -> Tensor:
    """A padded 3×3 convolution of ``features`` (N, C, H, W) upsampled ×2 by nearest neighbours.

    The upsampled features are never made. In one dimension, with upsampled u[2i] = u[2i+1] = x[i],
    w0·u[j-1] + w1·u[j] + w2·u[j+1] is w0·x[i-1] + (w1 + w2)·x[i] for j = 2i and (w0 + w1)·x[i] +
    w2·x[i+1] for j = 2i+1. This is the transposed convolution of stride 2 with (w2, w1 + w2, w0 +
    w1, w0): four taps per pixel in two dimensions instead of nine.
    """
    taps = _widen(_widen(conv.weight).mT).mT  # (out, in, 3, 3) to (out, in, 4, 4)
    return _transposed(features, taps.transpose(0, 1), conv.bias, padding=1)


def _widen(taps: Tensor) -> Tensor:
    """(…, 3, K) taps over upsampled rows to (…, 4, K) of the transposed convolution."""
    w0, w1, w2 = taps.unbind(dim=-2)
    return torch.stack([w2, w1 + w2, w0 + w1, w0], dim=-2)


def _transposed(features: Tensor, weight: Tensor, bias: Tensor | None, *, padding: int) -> Tensor:
    """`F.conv_transpose2d` of stride 2, in the precision of autocast."""
    device = features.device.type
    if torch.is_autocast_enabled(device):
        precision = torch.get_autocast_dtype(device)
        features, weight = features.to(precision), weight.to(precision)
        bias = bias if bias is None else bias.to(precision)
    return _Transposed.apply(features, weight, bias, padding)


class _Transposed(torch.autograd.Function):
    """A transposed convolution of stride 2 whose gradient of the bias is a plain sum.

    On a CPU, PyTorch's own takes longer for this than for the rest of the gradient.
    """

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor | None, padding: int
    ) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.save_for_forward(features, weight)
        ctx.padding = padding
        ctx.set_materialize_grads(False)
        return F.conv_transpose2d(features, weight, bias, stride=2, padding=padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        if gradient is None:
            return None, None, None, None
        features, weight = ctx.saved_tensors
        wants_features, wants_weight, wants_bias, _ = ctx.needs_input_grad
        padding = [ctx.padding, ctx.padding]
        by_features, by_weight, _ = torch.ops.aten.convolution_backward(
            *(gradient, features, weight, None, [2, 2], padding, [1, 1], True, [0, 0], 1),
            [wants_features, wants_weight, False],
        )
        by_bias = gradient.sum((0, 2, 3)) if wants_bias else None
        return by_features, by_weight, by_bias, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, weight: None, bias: None, padding: None) -> Tensor:
        assert weight is None and bias is None  # forward derivatives of these are not needed
        _, taps = ctx.saved_tensors
        return F.conv_transpose2d(tangent, taps, stride=2, padding=ctx.padding)
