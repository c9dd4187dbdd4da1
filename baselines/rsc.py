"""Representation self-challenging (RSC).

Huang et al., Self-Challenging Improves Cross-Domain Generalization, ECCV 2020; on both codes of the
dual network, as in the code of Chen et al., MICCAI 2022.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from benchmark.methods.losses import HardSettings, hard_pass, shape_loss, standard_losses
from benchmark.methods.masks import channel_mask, spatial_mask
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.dual import DualThinkingNetwork, one_hot


class RSC(Method):
    """L_standard, and the hard losses of codes whose most predictive features are muted."""

    title = "RSC"
    summary = "the features of the codes that the prediction relies on most are muted"
    reference = "Huang et al., ECCV 2020"

    class Settings(HardSettings):
        """Settings of self-challenging; the defaults are the paper's."""

        muted: float = Field(1 / 3, ge=0, lt=1)
        """Share of the channels, or of the positions, that is muted."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of L_standard, and those of both muted codes under ``hard_`` names."""
        losses, forward = standard_losses(network, batch, stn_first=self.settings.stn_first)
        label = batch.label
        of_image = (forward.image * batch.clean).sum()
        of_shape = (forward.logits * one_hot(label)).sum()
        image_code = self.mute(forward.image_code, of_image, stream)
        shape_code = self.mute(forward.shape_code, of_shape, stream)
        with hard_pass(network, self.settings.hard_batch_norm):
            logits = network.segment(network.shape_code(image_code))
            logits_of_shape = network.segment(shape_code)
            hard = {
                "segmentation": F.cross_entropy(logits, label),
                "reconstruction": 0.5 * F.mse_loss(network.reconstruct(image_code), batch.clean),
                "shape": shape_loss(network, logits, label),
                "segmentation_of_shape_code": F.cross_entropy(logits_of_shape, label),
                "shape_of_shape_code": shape_loss(network, logits_of_shape, label),
            }
        return losses | {f"hard_{name}": loss for name, loss in hard.items()}

    def mute(self, code: Tensor, agreement: Tensor, stream: RandomStream) -> Tensor:
        """The code (N, C, h, w) with its most predictive channels or positions set to zero.

        Args:
            code: in the graph of ``agreement``, and of what is returned.
            agreement: sum of the output times its target; features are ranked by its gradient.
            stream: one of channels and positions is drawn for the batch.
        """
        (gradient,) = torch.autograd.grad(agreement, code, retain_graph=True)
        kinds: list[tuple[Callable[..., Tensor], int]] = [
            (channel_mask, code.shape[1]),
            (spatial_mask, code[0, 0].numel()),
        ]
        mask, units = kinds[stream.choose(2)]
        silence = torch.zeros(code.shape[0], units, device=code.device)
        return code * mask(gradient.float(), self.settings.muted, silence).to(code.dtype)
