"""DSU: domain shifts modelled as uncertainty of feature statistics.

Li et al., Uncertainty Modeling for Out-of-Distribution Generalization, ICLR 2022.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field
from torch import Tensor

from baselines.style import restyle, spread, style
from benchmark.methods import method
from benchmark.methods.losses import HardSettings, hard_losses, standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.networks.stages import StageNames, transformed_features

STAGES = (
    "encoder.stem",
    "encoder.down1",
    "encoder.down2",
    "encoder.down3",
    "encoder.down4",
    "encoder.code",
)
"""Every level of the encoder, as in the paper."""


class DSU(Method):
    """L_standard, and the hard losses of a pass with randomly shifted feature statistics."""

    title = "DSU"
    summary = "feature statistics are shifted by noise of their own spread, in all encoder layers"
    reference = "Li et al., ICLR 2022"

    class Settings(HardSettings):
        """Settings of DSU; the defaults are the paper's."""

        probability: float = Field(0.5, ge=0, le=1)
        """Probability that a layer shifts its statistics in a batch."""
        stages: Annotated[StageNames, BeforeValidator(method.listed)] = STAGES
        """Stages whose statistics are shifted."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of L_standard, and those under shifted statistics under ``hard_`` names."""
        losses, _ = standard_losses(network, batch, stn_first=self.settings.stn_first)

        def shift(features: Tensor) -> Tensor:
            if stream.uniform(0, 1) >= self.settings.probability:
                return features
            shape = (*features.shape[:2], 1, 1)
            return shift_style(features, stream.randn(*shape), stream.randn(*shape))

        with transformed_features(network, dict.fromkeys(self.settings.stages, shift)):
            hard, _ = hard_losses(
                network, batch.noisy, batch, batch_norm=self.settings.hard_batch_norm
            )
        return losses | hard


def shift_style(features: Tensor, mean_noise: Tensor, std_noise: Tensor) -> Tensor:
    """Features (N, C, H, W) with mean and standard deviation shifted.

    Args:
        features: of a batch of two or more.
        mean_noise: the means' shift in units of their spread over the batch, (N, C, 1, 1).
        std_noise: that of the standard deviations.
    """
    mean, std = style(features)
    new_style = mean + mean_noise * spread(mean, 0), std + std_noise * spread(std, 0)
    return restyle(features, (mean, std), new_style)
