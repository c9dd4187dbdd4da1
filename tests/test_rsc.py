"""Self-challenging mutes what the output relies on most."""

import pytest
import torch

from baselines.rsc import RSC
from benchmark.methods.losses import standard_losses
from benchmark.methods.method import Batch, RandomStream
from benchmark.networks.dual import DualThinkingNetwork

CPU = torch.device("cpu")


def test_a_third_with_the_largest_gradient_is_muted() -> None:
    code = torch.rand(2, 6, 3, 3, generator=torch.Generator().manual_seed(0)) + 0.1
    code.requires_grad_()
    weight = torch.tensor([5.0, 1, 4, 2, 3, 0])[None, :, None, None]
    place = torch.arange(9.0).reshape(1, 1, 3, 3)
    method = RSC()
    kinds = set()
    for seed in range(8):
        muted = method.mute(code, (code * (weight + place)).sum(), RandomStream.named(CPU, seed))
        silent = muted == 0
        assert torch.equal(muted[~silent], code[~silent])
        if silent[0, 0].all():  # channels: 5 and 4 are the largest two of six
            assert silent.all(3).all(2)[0].tolist() == [True, False, True, False, False, False]
            kinds.add("channels")
        else:  # positions: the last three of nine
            assert silent.all(1)[0].flatten().tolist() == [False] * 6 + [True] * 3
            kinds.add("positions")
    assert kinds == {"channels", "positions"}


def test_nothing_muted_is_a_second_plain_pass(network: DualThinkingNetwork, batch: Batch) -> None:
    losses = RSC(muted=0).losses(network, batch, RandomStream.named(CPU, 0))
    for term in ("segmentation", "reconstruction", "shape"):
        torch.testing.assert_close(losses[f"hard_{term}"], losses[term])
    torch.testing.assert_close(losses["hard_segmentation_of_shape_code"], losses["segmentation"])


def test_muting_makes_it_harder(trained: tuple[DualThinkingNetwork, Batch]) -> None:
    network, batch = trained
    losses = RSC().losses(network, batch, RandomStream.named(CPU, 0))
    assert losses["hard_segmentation_of_shape_code"] > losses["segmentation"]
    # Unlike the proposed masks, the code is not cut off: the encoder learns from it.
    (gradient,) = torch.autograd.grad(
        losses["hard_segmentation_of_shape_code"], network.encoder[0][0].weight
    )
    assert gradient.abs().sum() > 0


def test_gradient_is_that_of_the_agreement_with_the_target(
    network: DualThinkingNetwork, batch: Batch
) -> None:
    _, forward = standard_losses(network, batch)
    target = torch.nn.functional.one_hot(batch.label, 4).movedim(3, 1)
    agreement = forward.logits[target.bool()].sum()
    muted = RSC().mute(forward.shape_code, agreement, RandomStream.named(CPU, 1))
    assert (muted == 0).sum() > (forward.shape_code == 0).sum()


@pytest.mark.parametrize("muted", [-0.1, 1.0])
def test_shares_out_of_range_are_refused(muted: float) -> None:
    with pytest.raises(ValueError, match="muted"):
        RSC(muted=muted)
