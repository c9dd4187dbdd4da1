"""Kernels, mixing and consistency of random convolutions."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from baselines.divergence import divergence_from_mean
from baselines.rand_conv import RandConv, draw_kernel, mix
from benchmark.methods.losses import think_fast
from benchmark.methods.method import Batch, RandomStream
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.dual import DualThinkingNetwork

CPU = torch.device("cpu")


@pytest.mark.parametrize(("channels", "side"), [(1, 1), (1, 7), (3, 5)])
def test_weights_have_the_papers_statistics(channels: int, side: int, stream: RandomStream) -> None:
    weights = torch.stack([draw_kernel(channels, side, stream) for _ in range(4000)])
    assert weights.shape[1:] == (channels, channels, side, side)
    assert weights.mean().item() == pytest.approx(0, abs=0.05)
    assert weights.var().item() == pytest.approx(1 / (channels * side**2), rel=0.1)


@pytest.mark.parametrize("side", [1, 3, 5, 7])
def test_mixing_with_share_zero_is_the_identity(
    side: int, batch: Batch, stream: RandomStream
) -> None:
    kernel = draw_kernel(1, side, stream)
    assert torch.equal(mix(batch.noisy, kernel, 0.0), batch.noisy)
    # With all of it, a pixel of the middle is the sum over its neighbourhood.
    whole, half = mix(batch.noisy, kernel, 1.0), side // 2
    patch = batch.noisy[1, 0, 16 - half : 17 + half, 16 - half : 17 + half]
    torch.testing.assert_close(whole[1, 0, 16, 16], (patch * kernel[0, 0]).sum())
    assert whole.shape == batch.noisy.shape


def test_views_are_scaled_and_of_all_sizes(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    method, sides = RandConv(), []

    def draw(channels: int, side: int, stream: RandomStream) -> Tensor:
        sides.append(side)
        return draw_kernel(channels, side, stream)

    monkeypatch.setattr("baselines.rand_conv.draw_kernel", draw)
    for seed in range(50):
        view = method.convolve(batch.noisy, RandomStream.named(CPU, seed))
        torch.testing.assert_close(view.amin((1, 2, 3)), torch.zeros(3))
        torch.testing.assert_close(view.amax((1, 2, 3)), torch.ones(3))
    assert len(sides) == 50 and set(sides) == {1, 3, 5, 7}


def test_agreement_is_asked_of_the_ftn_alone(network: DualThinkingNetwork, batch: Batch) -> None:
    losses = RandConv().losses(network, batch, RandomStream.named(CPU, 5))
    hard = {name: loss for name, loss in losses.items() if name.startswith("hard_")}
    assert set(hard) == {"hard_consistency", "hard_reconstruction"}
    total = torch.stack(list(hard.values())).sum()
    of_stn = torch.autograd.grad(
        total, list(network.stn.parameters()), allow_unused=True, retain_graph=True
    )
    assert all(gradient is None for gradient in of_stn)


@pytest.mark.parametrize(("traced", "times"), [("all", 4), ("image-decoder", 1), ("none", 1)])
def test_copies_move_the_running_statistics(
    traced: str, times: int, network: DualThinkingNetwork, batch: Batch
) -> None:
    losses = RandConv(hard_batch_norm=traced).losses(network, batch, RandomStream.named(CPU, 5))
    assert int(network.encoder[0][1].num_batches_tracked) == times
    assert int(network.stn.encoder[0][1].num_batches_tracked) == 2  # of y and of p
    weight = network.encoder[0][1].weight
    (gradient,) = torch.autograd.grad(losses["hard_consistency"], weight, allow_unused=True)
    assert (gradient is not None) == (traced == "all")


def test_gradient_flows_through_the_mean() -> None:
    """That of the definition; what flows through the mean sums to nothing over the classes."""
    logits = [torch.randn(2, 4, 3, 3, requires_grad=True) for _ in range(3)]
    loss = divergence_from_mean(logits)
    (found,) = torch.autograd.grad(loss, logits[0], retain_graph=True)
    p = torch.stack([one.softmax(1) for one in logits])
    for mean in (p.mean(0), p.mean(0).detach()):
        kl = (p * (p / mean).log()).sum(2).mean()
        torch.testing.assert_close(loss, kl)
        (expected,) = torch.autograd.grad(kl, logits[0], retain_graph=True)
        torch.testing.assert_close(found, expected)


def test_losses_are_the_equation(network: DualThinkingNetwork, batch: Batch) -> None:
    method = RandConv(stn=True)
    losses = method.losses(network, batch, RandomStream.named(CPU, 5))
    stream = RandomStream.named(CPU, 5)
    views = [method.convolve(batch.noisy, stream) for _ in range(3)]
    with untraced_statistics(network):
        passes = [think_fast(network, view) for view in views]
        refined = [network.refine(one.logits) for one in passes]
    for name, logits in (
        ("hard_consistency", [one.logits for one in passes]),
        ("hard_shape_consistency", refined),
    ):
        p = torch.stack([one.softmax(1) for one in logits])
        kl = (p * (p / p.mean(0)).log()).sum(2).mean((1, 2, 3))
        torch.testing.assert_close(losses[name], 10 * kl.mean())
    errors = [((one.image - batch.clean) ** 2).mean() / 2 for one in passes]
    torch.testing.assert_close(losses["hard_reconstruction"], torch.stack(errors).mean())
    assert not {"hard_segmentation", "hard_shape"} & set(losses)  # consistency instead of CE


@pytest.mark.parametrize("kernels", ["2,3", "", "0"])
def test_even_kernels_are_refused(kernels: str) -> None:
    with pytest.raises(ValidationError):
        RandConv(kernels=kernels)
