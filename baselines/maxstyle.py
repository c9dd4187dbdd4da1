"""MaxStyle: adversarial styles in the image decoder.

Chen et al., MaxStyle: Adversarial Style Composition for Robust Medical Image Segmentation, MICCAI
2022.
"""

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import AfterValidator, BeforeValidator, Field
from torch import Tensor

from baselines.style import restyle, spread, style
from benchmark.methods import method
from benchmark.methods.losses import HardSettings, hard_losses, standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.networks.stages import StageNames, transformed_features
from benchmark.training.augmentation import scale_to_unit

STAGES = ("image_decoder.up3", "image_decoder.up4", "image_decoder.output")
"""The last three levels, as in the paper's code."""


def _of_the_image_decoder(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not name.startswith("image_decoder."):
            raise ValueError(f"'{name}' is no stage of the image decoder")
    return names


class MaxStyle(Method):
    """L_standard, and the hard losses on images of the styles that are hardest to segment."""

    title = "MaxStyle"
    summary = "reconstructions in mixed and shifted styles, optimised to be hard to segment"
    reference = "Chen et al., MICCAI 2022"

    class Settings(HardSettings):
        """Settings of MaxStyle; the defaults are the paper's."""

        probability: float = Field(0.5, ge=0, le=1)
        """Probability that a layer changes styles in a batch."""
        iterations: int = Field(5, ge=0)
        """Ascent steps of the styles."""
        rate: float = Field(0.1, gt=0)
        """Learning rate of these steps (Adam)."""
        stages: Annotated[
            StageNames, BeforeValidator(method.listed), AfterValidator(_of_the_image_decoder)
        ] = STAGES
        """Stages of the image decoder whose features change their style."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of L_standard, and those of the stylised images under ``hard_`` names."""
        losses, forward = standard_losses(network, batch, stn_first=self.settings.stn_first)
        image = self.stylise(network, forward.image_code.detach(), batch.label, stream)
        image = scale_to_unit(image)
        hard, _ = hard_losses(network, image, batch, batch_norm=self.settings.hard_batch_norm)
        return losses | hard

    def stylise(
        self, network: DualThinkingNetwork, code: Tensor, label: Tensor, stream: RandomStream
    ) -> Tensor:
        """Images (N, 1, H, W) decoded from codes z_i in the styles that ascent ends in.

        Styles start at random and climb CE(D_s(H(E(image))), y); the network is unchanged.
        """
        settings = self.settings
        chosen = [one for one in settings.stages if stream.uniform(0, 1) < settings.probability]
        styles = {stage: AdversarialStyle(stream) for stage in chosen}
        with untraced_statistics(network), torch.enable_grad():
            with transformed_features(network, styles):
                image = network.reconstruct(code)
            if not styles:
                return image.detach()
            parameters = [part for one in styles.values() for part in one.parameters]
            optimiser = torch.optim.Adam(parameters, lr=self.settings.rate, maximize=True)
            for _ in range(self.settings.iterations):
                loss = F.cross_entropy(network(image), label)
                # Not backward(), which would leave gradients in the network.
                gradients = torch.autograd.grad(loss, parameters)
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter.grad = gradient
                optimiser.step()
                with transformed_features(network, styles):
                    image = network.reconstruct(code)
        return image.detach()


class AdversarialStyle:
    """A change of style of one layer: mixed with a partner's, then shifted.

    The parameters are drawn when the first features come: λ from U(0, 1) for each image, the
    shifts from N(0, 1) for each image and channel, in units of the statistics' spread over the
    batch. A partner is another image for at least two of the batch.
    """

    parameters: tuple[Tensor, Tensor, Tensor]

    def __init__(self, stream: RandomStream) -> None:
        self.stream = stream
        self.drawn = False

    def __call__(self, features: Tensor) -> Tensor:
        """Features (N, C, H, W) in the changed style; gradients flow into the parameters."""
        mean, std = (part.detach() for part in style(features))
        if not self.drawn:
            self._draw(mean, std)
        share, mean_shift, std_shift = self.parameters
        share = share.clamp(0, 1)
        new_mean = mean.lerp(mean[self.partner], share) + mean_shift * self.mean_spread
        new_std = std.lerp(std[self.partner], share) + std_shift * self.std_spread
        return restyle(features, (mean, std), (new_mean, new_std))

    def _draw(self, mean: Tensor, std: Tensor) -> None:
        count = mean.shape[0]
        self.partner = self.stream.permutation(count).roll(1)
        self.mean_spread, self.std_spread = spread(mean, 0), spread(std, 0)
        self.parameters = (
            self.stream.rand(count, 1, 1, 1).requires_grad_(),
            self.stream.randn(*mean.shape).requires_grad_(),
            self.stream.randn(*std.shape).requires_grad_(),
        )
        self.drawn = True
