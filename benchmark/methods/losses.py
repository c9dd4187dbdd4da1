"""The loss terms that methods are made of (protocol, section 3)."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from benchmark.methods.method import Batch
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.dual import DualThinkingNetwork


@dataclass(frozen=True)
class Forward:
    """What the FTN made of a batch of images.

    Attributes:
        image_code: z_i, (N, 128, H/16, W/16).
        shape_code: z_s, of the same shape.
        logits: p before the softmax, (N, 4, H, W).
        image: x', the reconstruction, (N, 1, H, W).
    """

    image_code: Tensor
    shape_code: Tensor
    logits: Tensor
    image: Tensor


def think_fast(network: DualThinkingNetwork, image: Tensor) -> Forward:
    """Run both branches of the FTN on images (N, 1, H, W)."""
    image_code = network.image_code(image)
    shape_code = network.shape_code(image_code)
    return Forward(
        image_code, shape_code, network.segment(shape_code), network.reconstruct(image_code)
    )


def shape_loss(
    network: DualThinkingNetwork, logits: Tensor, label: Tensor, *, separate: bool = False
) -> Tensor:
    """CE(STN(p), y); ``separate`` cuts the gradient on its way from the STN into the FTN."""
    return F.cross_entropy(network.refine(logits.detach() if separate else logits), label)


def supervised_losses(
    network: DualThinkingNetwork,
    forward: Forward,
    clean: Tensor,
    label: Tensor,
    *,
    separate: bool = False,
) -> dict[str, Tensor]:
    """CE(p, y), ½·MSE(x', x) and CE(STN(p), y)."""
    return {
        "segmentation": F.cross_entropy(forward.logits, label),
        "reconstruction": 0.5 * F.mse_loss(forward.image, clean),
        "shape": shape_loss(network, forward.logits, label, separate=separate),
    }


def standard_losses(
    network: DualThinkingNetwork, batch: Batch, *, separate: bool = False
) -> tuple[dict[str, Tensor], Forward]:
    """L_standard = CE(p, y) + ½·MSE(x', x) + CE(STN(p), y) + CE(STN(y), y), term by term."""
    forward = think_fast(network, batch.noisy)
    losses = supervised_losses(network, forward, batch.clean, batch.label, separate=separate)
    losses["shape_of_label"] = F.cross_entropy(network.refine_label(batch.label), batch.label)
    return losses, forward


def hard_losses(
    network: DualThinkingNetwork, image: Tensor, batch: Batch, *, separate: bool = False
) -> tuple[dict[str, Tensor], Forward]:
    """CE(p_a, y) + ½·MSE(x_a', x) + CE(STN(p_a), y) on hard examples x_a, term by term.

    The pass uses the batch's own statistics, leaves no trace in the running ones and does not
    train the affine weights of batch normalisation (protocol, sections 3 and 4).

    Args:
        network: the one that is trained.
        image: x_a, (N, 1, H, W), taken as given: no gradient flows into how it was made.
        batch: y and the clean x.
        separate: no gradient from the STN into the FTN.

    Returns:
        The terms under ``hard_`` names, and what the FTN made of x_a.
    """
    with untraced_statistics(network):
        forward = think_fast(network, image.detach())
        losses = supervised_losses(network, forward, batch.clean, batch.label, separate=separate)
    return {f"hard_{name}": loss for name, loss in losses.items()}, forward
