"""Self-challenging mutes what the output relies on most."""

import pytest
import torch
from torch import Tensor

from baselines.rsc import RSC
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


def test_features_are_ranked_by_the_agreement_with_the_target(
    network: DualThinkingNetwork, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is differentiated: the image times x of the image code, the logits of y of the other."""
    ranked: list[tuple[Tensor, Tensor]] = []

    def mute(self: RSC, code: Tensor, agreement: Tensor, stream: RandomStream) -> Tensor:
        (gradient,) = torch.autograd.grad(agreement, code, retain_graph=True)
        ranked.append((code, gradient))
        return code

    monkeypatch.setattr(RSC, "mute", mute)
    RSC().losses(network, batch, RandomStream.named(CPU, 1))
    (image_code, of_image), (shape_code, of_shape) = ranked
    by_image = (network.reconstruct(image_code) * batch.clean).sum()
    logits = network.segment(shape_code)
    by_shape = logits.gather(1, batch.label[:, None]).sum()
    for code, agreement, found in (
        (image_code, by_image, of_image),
        (shape_code, by_shape, of_shape),
    ):
        (expected,) = torch.autograd.grad(agreement, code, retain_graph=True)
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("muted", [-0.1, 1.0])
def test_shares_out_of_range_are_refused(muted: float) -> None:
    with pytest.raises(ValueError, match="muted"):
        RSC(muted=muted)
