"""My method: replace this by what it does, and by whom it was published."""

from pydantic import Field
from torch import Tensor

from benchmark import methods
from benchmark.methods import (
    Batch,
    DualThinkingNetwork,
    Method,
    RandomStream,
    hard_losses,
    standard_losses,
)


class MyMethod(Method):
    """L_standard, and the hard losses on images under random gamma: a start that works."""

    title = "My method"
    summary = "replace this by one line on what it does"
    reference = "replace this by its publication"

    class Settings(methods.Settings):
        """Each field can be set by ``coopbench train --set KEY=VALUE``."""

        strength: float = Field(0.3, ge=0, le=3)
        """Bound of the logarithm of gamma, to either side."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of one step, by name; coopbench minimises their sum."""
        losses, _ = standard_losses(network, batch)
        hard, _ = hard_losses(network, self.change(batch.clean, stream), batch)
        return losses | hard

    def change(self, image: Tensor, stream: RandomStream) -> Tensor:
        """Images (N, 1, H, W) in [0, 1], each to a power of its own.

        All that is random comes from ``stream``, so that a run gives the same bytes again.
        """
        power = (2 * stream.rand(image.shape[0], 1, 1, 1) - 1) * self.settings.strength
        return image ** power.exp()
