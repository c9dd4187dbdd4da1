"""MixStyle: the styles of two images mixed in the first layers of the encoder.

Zhou et al., Domain Generalization with MixStyle, ICLR 2021.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field
from torch import Tensor

from baselines.style import restyle, style
from benchmark.methods import method
from benchmark.methods.losses import HardSettings, hard_losses, standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.networks.stages import StageNames, transformed_features

STAGES = ("encoder.stem", "encoder.down1", "encoder.down2")
"""The first three levels, the best choice in the code of Chen et al., MICCAI 2022."""


class MixStyle(Method):
    """L_standard, and the hard losses of a pass in which the images exchange their styles."""

    title = "MixStyle"
    summary = "feature statistics of pairs of images are mixed in the encoder's first layers"
    reference = "Zhou et al., ICLR 2021"

    class Settings(HardSettings):
        """Settings of MixStyle; the defaults are the paper's."""

        probability: float = Field(0.5, ge=0, le=1)
        """Probability that a layer mixes styles in a batch."""
        alpha: float = Field(0.1, gt=0)
        """The share of the other style is drawn from Beta(alpha, alpha)."""
        stages: Annotated[StageNames, BeforeValidator(method.listed)] = STAGES
        """Stages whose features exchange their styles."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of L_standard, and those under mixed styles under ``hard_`` names."""
        losses, _ = standard_losses(network, batch, stn_first=self.settings.stn_first)

        def mix(features: Tensor) -> Tensor:
            if stream.uniform(0, 1) >= self.settings.probability:
                return features
            count = features.shape[0]
            share = stream.beta(self.settings.alpha, self.settings.alpha, count, 1, 1, 1)
            return mix_style(features, share, stream.permutation(count))

        with transformed_features(network, dict.fromkeys(self.settings.stages, mix)):
            hard, _ = hard_losses(
                network, batch.noisy, batch, batch_norm=self.settings.hard_batch_norm
            )
        return losses | hard


def mix_style(features: Tensor, share: Tensor, partner: Tensor) -> Tensor:
    """Features (N, C, H, W) with their style moved towards that of their partners.

    Args:
        features: of a batch.
        share: of the partner's style, (N, 1, 1, 1) in [0, 1]; 0 changes nothing.
        partner: which image of the batch each is mixed with, (N,).
    """
    mean, std = (part.detach() for part in style(features))
    new_style = mean.lerp(mean[partner], share), std.lerp(std[partner], share)
    return restyle(features, (mean, std), new_style)
