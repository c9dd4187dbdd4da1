"""Distances between two or more predictions of the same image."""

import math
from collections.abc import Sequence

import torch
from kornia.filters import spatial_gradient
from torch import Tensor


def kl_divergence(reference: Tensor, logits: Tensor) -> Tensor:
    """KL(p ‖ q): summed over the classes, averaged over pixels and images.

    Args:
        reference: the logits of p, (N, classes, H, W).
        logits: the logits of q.
    """
    log_p, log_q = reference.log_softmax(1), logits.log_softmax(1)
    return (log_p.exp() * (log_p - log_q)).sum(1).mean()


def divergence_from_mean(logits: Sequence[Tensor]) -> Tensor:
    """The mean over j of KL(p_j ‖ p̄), where p̄ is the mean of the p_j.

    Args:
        logits: the logits of p_1, p_2, …, each (N, classes, H, W).
    """
    log_p = torch.stack([one.log_softmax(1) for one in logits])
    log_mean = log_p.logsumexp(0) - math.log(len(logits))
    return (log_p.exp() * (log_p - log_mean)).sum(2).mean()


def contour_distance(reference: Tensor, logits: Tensor) -> Tensor:
    """Mean squared difference of the Sobel gradients of the foreground probabilities.

    Half the sum over x and y, averaged over the foreground classes (all but class 0).

    Args:
        reference: the logits of one prediction, (N, classes, H, W).
        logits: the logits of the other.
    """
    difference = reference.softmax(1)[:, 1:] - logits.softmax(1)[:, 1:]
    gradient = spatial_gradient(difference, mode="sobel", normalized=False)
    return 0.5 * gradient.square().sum(2).mean()
