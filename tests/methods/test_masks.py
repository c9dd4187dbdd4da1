import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.methods.masks import channel_mask, damp_salient, dropout_mask, spatial_mask
from benchmark.methods.method import RandomStream

CPU = torch.device("cpu")


def test_hand_worked_channels() -> None:
    # Channel means of the gradient: 3, -1, 2, 0. With q = 0.5 the rank is 2, the value there
    # (descending 3, 2, 0, -1) is 0: channels 0 and 2 exceed it.
    gradient = torch.tensor([3.0, -1.0, 2.0, 0.0])[None, :, None, None].expand(1, 4, 2, 2).clone()
    gradient[0, 0] += torch.tensor([[1.0, -1.0], [2.0, -2.0]])  # moves no mean
    damping = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    mask = channel_mask(gradient, 0.5, damping)
    torch.testing.assert_close(mask.flatten(), torch.tensor([0.1, 1.0, 0.3, 1.0]))
    assert mask.shape == (1, 4, 1, 1)


def test_hand_worked_positions() -> None:
    # Two channels whose mean over channels is [[4, 1], [0, 2]]; q = 0.3 of 4 positions: rank 1,
    # the value there is 2: only position (0, 0) exceeds it.
    gradient = torch.tensor([[[[5.0, 0.0], [1.0, 2.0]], [[3.0, 2.0], [-1.0, 2.0]]]])
    mask = spatial_mask(gradient, 0.3, torch.full((1, 4), 0.25))
    torch.testing.assert_close(mask, torch.tensor([[[[0.25, 1.0], [1.0, 1.0]]]]))


def test_no_share_masks_nothing() -> None:
    saliency = torch.randn(3, 7)
    assert torch.equal(damp_salient(saliency, 0.0, torch.zeros(3, 7)), torch.ones(3, 7))


@given(
    st.integers(1, 5), st.integers(2, 40), st.floats(0, 0.99), st.integers(0, 2**31), st.booleans()
)
@settings(max_examples=200, deadline=None)
def test_the_most_salient_are_damped_and_no_others(
    rows: int, units: int, quantile: float, seed: int, hard: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    saliency = torch.randn(rows, units, generator=generator)
    damping = torch.zeros(rows, units) if hard else torch.rand(rows, units, generator=generator) / 2
    mask = damp_salient(saliency, quantile, damping)
    wanted = int(units * quantile)
    for row in range(rows):
        top = saliency[row].topk(wanted).indices if len(saliency[row].unique()) == units else None
        if top is None:  # equal values may leave fewer above the threshold
            continue
        damped = torch.zeros(units, dtype=torch.bool)
        damped[top] = True
        assert torch.equal(mask[row][damped], damping[row][damped])
        assert (mask[row][~damped] == 1).all()


@given(st.floats(0, 0.9), st.integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_dropout_takes_whole_channels_and_keeps_the_mean(probability: float, seed: int) -> None:
    stream = RandomStream.named(CPU, seed)
    mask = dropout_mask(torch.zeros(8, 128, 3, 3), stream, probability)
    assert mask.shape == (8, 128, 1, 1)
    kept = 1 / (1 - probability)
    assert ((mask == 0) | (mask - kept).abs().lt(1e-5)).all()
    share = (mask > 0).float().mean().item()
    assert abs(share - (1 - probability)) < 0.07  # over 4 standard deviations of 1,024 draws
