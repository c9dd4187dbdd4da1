"""The decoders: codes back to the image's resolution."""

import itertools

from torch import Tensor, nn

from benchmark.networks.blocks import Residual
from benchmark.networks.upsampling import DoublingConv2d
from benchmark.networks.widths import DECODER


class Up(nn.Module):
    """Double the resolution by nearest neighbours, then a residual block."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.block = Residual(channels_in, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) to (N, channels_out, 2H, 2W)."""
        return self.block.upsampled(x)


class LearnedUp(nn.Module):
    """Double the resolution by a learned 2×2 convolution, then a residual block."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.upsample = DoublingConv2d(channels_in)
        self.block = Residual(channels_in, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) to (N, channels_out, 2H, 2W)."""
        return self.block(self.upsample(x))


class Decoder(nn.Sequential):
    """A code (N, 128, H/16, W/16) to (N, channels_out, H, W), without a final non-linearity."""

    def __init__(self, channels_out: int, up: type[Up] | type[LearnedUp] = Up) -> None:
        super().__init__(
            *(up(a, b) for a, b in itertools.pairwise(DECODER)),
            nn.Conv2d(DECODER[-1], channels_out, 1),
        )

    @property
    def stages(self) -> dict[str, nn.Module]:
        """The parts after which features can be changed, by name (see `networks.stages`)."""
        ups = {f"up{n}": self[n - 1] for n in range(1, len(DECODER))}
        return {**ups, "output": self[-1]}


class ImageDecoder(nn.Sequential):
    """D_i: an image code to an image (N, 1, H, W) in (0, 1)."""

    def __init__(self) -> None:
        super().__init__(Decoder(1, LearnedUp), nn.Sigmoid())

    @property
    def stages(self) -> dict[str, nn.Module]:
        """The stages of its `Decoder`; ``output`` is the image before the sigmoid."""
        decoder = self[0]
        assert isinstance(decoder, Decoder)
        return decoder.stages
