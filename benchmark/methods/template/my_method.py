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
        """The terms of one step, by name; coopbench minimises their sum.

        Args:
            network: the one that is trained, in training mode. ``image_code(image)`` gives z_i and
                ``shape_code(z_i)`` z_s, each (N, 128, H/16, W/16); ``segment(z_s)`` gives p before
                the softmax, (N, 4, H, W); ``reconstruct(z_i)`` an image, (N, 1, H, W);
                ``refine(p)`` STN(p) before the softmax, (N, 4, H, W).
            batch: ``batch.noisy`` x̃, the input, float (N, 1, H, W) in [0, 1]; ``batch.clean`` x,
                the same without noise, which the reconstruction of x̃ is compared with;
                ``batch.label`` y, int64 (N, H, W): 0 background, 1 LV, 2 MYO, 3 RV.
            stream: all that is random. ``rand(2, 3)``: a tensor (2, 3), uniform in [0, 1);
                ``randn(2, 3)``: normal, of mean 0 and variance 1; ``beta(a, b, 2, 3)``: of
                Beta(a, b); ``permutation(N)``: 0 to N − 1 in random order, as an index;
                ``uniform(low, high)``: a float; ``choose(N)``: an int from 0 to N − 1.

        Returns:
            Losses, each a scalar tensor, float32. ``standard_losses`` are the four of L_standard;
            ``hard_losses`` three more, on an image that the method made: its segmentation, its
            reconstruction (compared with ``batch.clean``, not with that image) and its refinement.
        """
        losses, _ = standard_losses(network, batch)
        hard, _ = hard_losses(network, self.change(batch.clean, stream), batch)
        return losses | hard

    def change(self, image: Tensor, stream: RandomStream) -> Tensor:
        """Images (N, 1, H, W) in [0, 1], each to a power of its own.

        All that is random comes from ``stream``, so that a run gives the same bytes again.
        """
        power = (2 * stream.rand(image.shape[0], 1, 1, 1) - 1) * self.settings.strength
        return image ** power.exp()
