"""The building blocks that encoders and decoders share."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.networks.batch_norm import BatchNorm2d
from benchmark.networks.upsampling import upsampled_conv2d

SLOPE = 0.2
"""Negative slope of every LeakyReLU."""


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
        return self._finish(self.body(x), self.shortcut(x))

    def upsampled(self, x: Tensor) -> Tensor:
        """The block's output for ``x`` upsampled ×2 by nearest neighbours, without making that
        tensor.

        (N, channels_in, H, W) to (N, channels_out, 2H, 2W).
        """
        first = self.body[0]
        assert isinstance(first, nn.Sequential) and isinstance(first[0], nn.Conv2d)
        body = self.body[1:](first[1:](upsampled_conv2d(x, first[0])))
        # A 1×1 convolution commutes with nearest upsampling.
        return self._finish(body, F.interpolate(self.shortcut(x), scale_factor=2, mode="nearest"))

    def _finish(self, body: Tensor, shortcut: Tensor) -> Tensor:
        return F.leaky_relu_(body.add_(shortcut), SLOPE)


def initialise(network: nn.Module, seed: int) -> None:
    """Draw every weight from ``seed``: the same weights on every device.

    Kaiming normal (fan-in) for every Conv2d, N(1, 0.02) for BN weights, 0 for BN biases; PyTorch's
    defaults for the rest, which the protocol does not name (biases, transposed convolutions).
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
