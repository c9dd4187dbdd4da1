"""The encoder and the code decoder."""

import itertools

from torch import Tensor, nn

from benchmark.networks.batch_norm import BatchNorm2d
from benchmark.networks.blocks import SLOPE, Residual, conv_bn
from benchmark.networks.widths import CODE_CHANNELS, ENCODER


class Down(nn.Module):
    """Halve the resolution by a stride-2 3×3 convolution, then a residual block."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.pool = nn.Conv2d(channels_in, channels_in, 3, stride=2, padding=1)
        self.block = Residual(channels_in, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) to (N, channels_out, H/2, W/2)."""
        return self.block(self.pool(x))


class Encoder(nn.Sequential):
    """(N, channels_in, H, W) to a non-negative code (N, 128, H/16, W/16)."""

    def __init__(self, channels_in: int) -> None:
        stem = ENCODER[0]
        super().__init__(
            conv_bn(channels_in, stem),
            nn.LeakyReLU(SLOPE, inplace=True),
            conv_bn(stem, stem),
            nn.LeakyReLU(SLOPE, inplace=True),
            *(Down(a, b) for a, b in itertools.pairwise(ENCODER)),
            nn.Conv2d(CODE_CHANNELS, CODE_CHANNELS, 1),
            BatchNorm2d(CODE_CHANNELS),
            nn.ReLU(inplace=True),
        )

    def forward(self, input: Tensor) -> Tensor:
        """The code of ``input``, laid out channels-last from the first convolution on."""
        if input.shape[1] == 1:  # its strides do not show the layout
            input = input[:, 0, :, :, None].permute(0, 3, 1, 2)
        return super().forward(input)

    @property
    def stages(self) -> dict[str, nn.Module]:
        """The parts after which features can be changed, by name (see `networks.stages`)."""
        after_stem = 4
        downs = {f"down{n}": self[after_stem + n - 1] for n in range(1, len(ENCODER))}
        return {"stem": self[after_stem - 1], **downs, "code": self[-1]}


class CodeDecoupler(nn.Sequential):
    """H: the image code z_i to the shape code z_s, both (N, 128, H/16, W/16)."""

    def __init__(self) -> None:
        super().__init__(
            conv_bn(CODE_CHANNELS, CODE_CHANNELS),
            nn.LeakyReLU(SLOPE, inplace=True),
            conv_bn(CODE_CHANNELS, CODE_CHANNELS),
            nn.ReLU(inplace=True),
        )
