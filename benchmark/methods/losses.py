"""The loss terms that methods are made of, and their settings (protocol, section 3)."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from benchmark.methods.method import Batch, Settings
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.dual import DualThinkingNetwork

StnFirst = Literal["label", "prediction"]
HardBatchNorm = Literal["none", "image-decoder", "all"]


class StandardSettings(Settings):
    """Settings of a method that trains on L_standard; the defaults are the authors' code's."""

    stn_first: StnFirst = "label"
    """What the STN sees first in the standard pass: the label map y or the prediction p. The
    running statistics of its batch norm weigh more what it sees last."""


class HardSettings(StandardSettings):
    """Settings of a method with a hard pass; the defaults are the authors' code's."""

    hard_batch_norm: HardBatchNorm = "image-decoder"
    """Layers whose batch norm the hard pass trains, and whose running statistics it updates. The
    hard pass itself always normalises by the batch's own statistics."""


@dataclass(frozen=True)
class Forward:
    """What the FTN computes from a batch of images.

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


def label_loss(network: DualThinkingNetwork, label: Tensor) -> Tensor:
    """CE(STN(y), y) of a label map y (N, H, W)."""
    return F.cross_entropy(network.refine_label(label), label)


def standard_losses(
    network: DualThinkingNetwork,
    batch: Batch,
    *,
    separate: bool = False,
    stn_first: StnFirst = "label",
) -> tuple[dict[str, Tensor], Forward]:
    """L_standard = CE(p, y) + ½·MSE(x', x) + CE(STN(p), y) + CE(STN(y), y), term by term.

    Args:
        network: the network in training.
        batch: x̃, x and y.
        separate: no gradient from the STN into the FTN.
        stn_first: which of STN(y) and STN(p) is computed first (see `StandardSettings`).

    Returns:
        The terms, and what the FTN computed from x̃.
    """
    forward = think_fast(network, batch.noisy)
    early = [label_loss(network, batch.label)] if stn_first == "label" else []
    losses = supervised_losses(network, forward, batch.clean, batch.label, separate=separate)
    losses["shape_of_label"] = early[0] if early else label_loss(network, batch.label)
    return losses, forward


def hard_pass(
    network: DualThinkingNetwork, batch_norm: HardBatchNorm = "image-decoder"
) -> AbstractContextManager[None]:
    """Context in which a network in training treats batch norm as the hard pass does.

    Passes normalise by the batch's own statistics. Only the layers that ``batch_norm`` names update
    their running statistics and train their affine weights (protocol, sections 3 and 4).
    """
    if batch_norm == "all":
        return nullcontext()
    kept = network.image_decoder if batch_norm == "image-decoder" else None
    return untraced_statistics(network, but=kept)


def hard_losses(
    network: DualThinkingNetwork,
    image: Tensor,
    batch: Batch,
    *,
    separate: bool = False,
    batch_norm: HardBatchNorm = "image-decoder",
) -> tuple[dict[str, Tensor], Forward]:
    """CE(p_a, y) + ½·MSE(x_a', x) + CE(STN(p_a), y) on hard examples x_a, term by term.

    Args:
        network: the network in training.
        image: x_a, (N, 1, H, W), taken as given: no gradient flows into how it was made.
        batch: y and the clean x.
        separate: no gradient from the STN into the FTN.
        batch_norm: the layers that the pass updates (see `hard_pass`).

    Returns:
        The terms under ``hard_`` names, and what the FTN computed from x_a.
    """
    with hard_pass(network, batch_norm):
        forward = think_fast(network, image.detach())
        losses = supervised_losses(network, forward, batch.clean, batch.label, separate=separate)
    return {f"hard_{name}": loss for name, loss in losses.items()}, forward
