"""Batch normalisation whose running statistics can be frozen, and that is fast on a CPU."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

ROW = 256
"""Number of channels for which PyTorch's channels-last loops are fast; fewer channels are
grouped."""


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation whose running statistics can be frozen. Inside `untraced_statistics` it
    normalises by the batch's own statistics, does not update its running ones, and treats its
    weight and bias as constants (protocol, section 3, hard pass).
    """

    untraced = False

    def forward(self, input: Tensor) -> Tensor:
        """Normalise ``input`` (N, C, H, W)."""
        if not self.untraced and not self.training:
            return super().forward(input)
        trained = not self.untraced
        weight: Tensor = self.weight if trained else self.weight.detach()
        bias: Tensor = self.bias if trained else self.bias.detach()
        if _has_short_rows(input):
            output, mean, variance = _ByRows.apply(input, weight, bias, self.eps)
            if not self.untraced:
                self._trace(mean, variance, input.numel() // input.shape[1])
            return output
        if self.untraced:
            return F.batch_norm(input, None, None, weight, bias, training=True, eps=self.eps)
        return super().forward(input)

    @torch.no_grad()
    def _trace(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Update the running statistics from a batch with ``count`` values per channel."""
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        # Without momentum, they are the mean over all batches, as in PyTorch.
        weight = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance * (count / (count - 1)), weight)


def _has_short_rows(features: Tensor) -> bool:
    return (
        features.device.type == "cpu"
        and features.is_contiguous(memory_format=torch.channels_last)
        and not features.is_contiguous()
        and features.shape[1] < ROW
    )


class _ByRows(torch.autograd.Function):
    """Normalise channels-last features by their batch's statistics.

    Gives the same values as `F.batch_norm`, which is slow for rows of 16 channels: here,
    neighbouring positions are first treated as further channels.
    """

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        channels = features.shape[1]
        group = math.gcd(features.numel() // channels, ROW // channels)

        def in_rows(those: Tensor) -> Tensor:
            return those.permute(0, 2, 3, 1).view(-1, group * channels, 1, 1)

        rows = in_rows(features)
        unused = weight.new_zeros((2, group * channels))  # they ask for statistics in float32
        means, variances = torch.batch_norm_update_stats(rows, unused[0], unused[1], 0.0)
        means, variances = means.view(group, channels), variances.view(group, channels)
        mean = means.mean(dim=0)
        variance = variances.mean(dim=0) + means.var(dim=0, correction=0)
        per_row = torch.stack([weight, bias, mean, variance]).repeat(1, group)
        scale, shift, centre, spread = per_row.unbind()
        output, unset = torch.empty_like(features), (mean.new_empty(0), mean.new_empty(0))
        # Write in place here, since the view must not be changed in place later.
        into = (in_rows(output), *unset)
        torch.native_batch_norm(rows, scale, shift, centre, spread, False, 0.0, eps, out=into)
        saved = (features, weight, mean, (variance + eps).rsqrt())
        ctx.save_for_backward(*saved)
        ctx.save_for_forward(*saved)
        ctx.eps = eps
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(mean, variance)
        return output, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor | None, *_: None) -> tuple[Tensor | None, ...]:
        if gradient is None:
            return None, None, None, None
        wanted = list(ctx.needs_input_grad[:3])
        found = _ByRows._times_jacobian(ctx, gradient, wanted)
        return (*(one if want else None for one, want in zip(found, wanted, strict=True)), None)

    @staticmethod
    def jvp(
        ctx: Any, tangent: Tensor, weight: None, bias: None, eps: None
    ) -> tuple[Tensor, None, None]:
        # With respect to the features, the Jacobian is symmetric. Other derivatives are not needed.
        assert weight is None and bias is None
        return _ByRows._times_jacobian(ctx, tangent, [True, False, False])[0], None, None

    @staticmethod
    def _times_jacobian(ctx: Any, gradient: Tensor, wanted: list[bool]) -> tuple[Tensor, ...]:
        features, weight, mean, scale = ctx.saved_tensors
        return torch.ops.aten.native_batch_norm_backward(
            gradient, features, weight, None, None, mean, scale, True, ctx.eps, wanted
        )


@contextmanager
def untraced_statistics(network: nn.Module, *, but: nn.Module | None = None) -> Iterator[None]:
    """Context in which every `BatchNorm2d` of ``network`` uses batch statistics and updates
    nothing.

    Layers in the part ``but`` work as usual.
    """
    kept = set() if but is None else set(but.modules())
    layers = [
        layer for layer in network.modules() if isinstance(layer, BatchNorm2d) and layer not in kept
    ]
    before = [layer.untraced for layer in layers]
    for layer in layers:
        layer.untraced = True
    try:
        yield
    finally:
        for layer, state in zip(layers, before, strict=True):
            layer.untraced = state
