"""The building blocks that encoders and decoders share."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
"""Negative slope of every LeakyReLU."""


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation that can be told to leave no trace.

    Inside `untraced_statistics` it normalises by the batch's own statistics, does not update its
    running ones, and treats its weight and bias as constants (protocol, section 3, hard pass).
    """

    untraced = False

    def forward(self, input: Tensor) -> Tensor:
        """Normalise ``input`` (N, C, H, W)."""
        if not self.untraced:
            return super().forward(input)
        weight, bias = self.weight.detach(), self.bias.detach()
        return F.batch_norm(input, None, None, weight, bias, training=True, eps=self.eps)


@contextmanager
def untraced_statistics(network: nn.Module) -> Iterator[None]:
    """Let every `BatchNorm2d` of ``network`` use batch statistics and keep no trace of them."""
    layers = [layer for layer in network.modules() if isinstance(layer, BatchNorm2d)]
    before = [layer.untraced for layer in layers]
    for layer in layers:
        layer.untraced = True
    try:
        yield
    finally:
        for layer, state in zip(layers, before, strict=True):
            layer.untraced = state


def conv_bn(channels_in: int, channels_out: int) -> nn.Sequential:
    """3×3 convolution and batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1), BatchNorm2d(channels_out)
    )


class Residual(nn.Module):
    """[conv, BN, LeakyReLU, conv, BN] plus a 1×1-convolution shortcut, LeakyReLU after the sum."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_bn(channels_in, channels_out),
            nn.LeakyReLU(SLOPE, inplace=True),
            conv_bn(channels_out, channels_out),
        )
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) to (N, channels_out, H, W)."""
        return F.leaky_relu(self.body(x) + self.shortcut(x), SLOPE, inplace=True)


def initialise(network: nn.Module, seed: int) -> None:
    """Draw every weight anew from ``seed``: the same weights on every device.

    Kaiming normal (fan-in) for every Conv2d, N(1, 0.02) for BN weights, 0 for BN biases;
    PyTorch's defaults for what the protocol does not name (biases, transposed convolutions).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
                layer.reset_parameters()
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_in")
            elif isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.weight, 1.0, 0.02)
