"""Random multi-window masking (Rand MWM).

Zhou et al., Models Genesis, Medical Image Analysis 67, 2021 (MICCAI 2019): in-painting and
out-painting, as the poster uses them (protocol, section 4).
"""

import torch
from pydantic import Field
from torch import Tensor

from benchmark.methods.losses import HardSettings, hard_losses, standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.dual import DualThinkingNetwork


class RandMWM(Method):
    """L_standard, and the hard losses on images of which windows are noise, or all else is."""

    title = "Rand MWM"
    summary = "random windows of the image, or all around them, are replaced by noise"
    reference = "Zhou et al., Medical Image Analysis 2021 (Models Genesis)"

    class Settings(HardSettings):
        """Settings of random multi-window masking; the defaults are the protocol's."""

        windows: int = Field(5, ge=1)
        """Windows per image, at most."""
        first: float = Field(0.95, ge=0, le=1)
        """Probability that an image has a first window."""
        further: float = Field(0.95, ge=0, le=1)
        """Probability of each further window after the one before."""
        outpainting: float = Field(0.5, ge=0, le=1)
        """Probability that a batch keeps its windows and loses all else, not the reverse."""
        smallest: int = Field(6, ge=1)
        """A window's side is at least H over this."""
        largest: int = Field(3, ge=2)
        """A window's side is at most H over this."""
        border: int = Field(3, ge=0)
        """Pixels between a window and the edge of the image, at least."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of L_standard, and those of the masked images under ``hard_`` names."""
        losses, _ = standard_losses(network, batch, stn_first=self.settings.stn_first)
        image = self.mask(batch.clean, stream)
        hard, _ = hard_losses(network, image, batch, batch_norm=self.settings.hard_batch_norm)
        return losses | hard

    def mask(self, image: Tensor, stream: RandomStream) -> Tensor:
        """In-painting or out-painting of images (N, 1, H, W): what is lost becomes U(0, 1)."""
        settings = self.settings
        lost = draw_windows(
            image,
            stream,
            most=settings.windows,
            first=settings.first,
            further=settings.further,
            sides=(settings.smallest, settings.largest),
            border=settings.border,
        )
        if stream.uniform(0, 1) < settings.outpainting:
            lost = ~lost
        return torch.where(lost, stream.rand(*image.shape), image)


def draw_windows(
    image: Tensor,
    stream: RandomStream,
    *,
    most: int,
    first: float = 1.0,
    further: float,
    sides: tuple[int, int] = (6, 3),
    border: int = 3,
) -> Tensor:
    """Random windows of images (N, 1, H, W): boolean (N, 1, H, W), true inside a window.

    Each image has a first window with probability ``first``, and further ones up to ``most``, each
    with probability ``further`` as long as the one before it was drawn. A side is uniform in
    [⌊H/sides[0]⌋, ⌊H/sides[1]⌋]; a window lies anywhere that leaves ``border`` pixels to the edge.

    Raises:
        ValueError: the images are too small for a window and its borders.
    """
    count = image.shape[0]
    uniform = stream.rand(count, most)
    drawn = uniform < further
    drawn[:, 0] = uniform[:, 0] < first
    inside = drawn.cumprod(dim=1).bool()[:, :, None, None]
    for axis, size in ((2, image.shape[2]), (3, image.shape[3])):
        low, high = size // sides[0], size // sides[1]
        if not 1 <= low <= high <= size - 2 * border:
            raise ValueError(
                f"images of {size} pixels are too small for windows of {low} to {high} pixels, "
                f"{border} from the edge"
            )
        side = _whole(stream, count, most, low=low, high=high)
        start = _whole(stream, count, most, low=border, high=size - side - border)
        position = torch.arange(size, device=image.device)
        along = (position >= start[..., None]) & (position < (start + side)[..., None])
        inside = inside & along.unsqueeze(5 - axis)
    return inside.any(dim=1, keepdim=True)


def _whole(stream: RandomStream, *shape: int, low: int, high: int | Tensor) -> Tensor:
    """Whole numbers, uniform in [low, high]."""
    return (low + stream.rand(*shape) * (high - low + 1)).floor().long()
