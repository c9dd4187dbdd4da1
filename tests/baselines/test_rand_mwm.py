"""Windows of random multi-window masking."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from baselines.rand_mwm import RandMWM, draw_windows
from benchmark.methods.method import RandomStream

CPU = torch.device("cpu")


def spans(line: torch.Tensor) -> tuple[int, int]:
    """First and last true position of a boolean line."""
    inside = line.nonzero().flatten()
    return int(inside[0]), int(inside[-1])


@given(st.integers(20, 100), st.integers(20, 100), st.integers(0, 10**6))
def test_one_window_lies_where_it_may(height: int, width: int, seed: int) -> None:
    image = torch.zeros(4, 1, height, width)
    windows = draw_windows(image, RandomStream.named(CPU, seed), most=1, further=0.95)
    assert windows.shape == image.shape and windows.dtype == torch.bool
    for window in windows[:, 0]:
        rows, columns = window.any(1), window.any(0)
        assert torch.equal(window, rows[:, None] & columns[None])  # one rectangle
        for line, size in ((rows, height), (columns, width)):
            first, last = spans(line)
            assert size // 6 <= last - first + 1 <= size // 3
            assert first >= 3 and last < size - 3


def test_sides_and_positions_reach_their_bounds() -> None:
    image = torch.zeros(4000, 1, 36, 36)
    windows = draw_windows(image, RandomStream.named(CPU, 1), most=1, further=0)
    rows = windows[:, 0].any(2)
    sides = rows.sum(1)
    assert (int(sides.min()), int(sides.max())) == (6, 12)
    counts = sides.bincount()[6:]
    assert counts.min() > 0.8 * 4000 / 7 and counts.max() < 1.2 * 4000 / 7  # uniform
    first = rows.int().argmax(1)
    last = 35 - rows.flip(1).int().argmax(1)
    assert int(first.min()) == 3 and int(last.max()) == 35 - 3


@pytest.mark.slow
def test_number_of_windows() -> None:
    # Windows of the smallest possible size seldom overlap: count their area.
    image = torch.zeros(3000, 1, 192, 192)

    def covered(most: int, further: float) -> float:
        stream = RandomStream.named(CPU, 2)
        return float(draw_windows(image[:300], stream, most=most, further=further).float().mean())

    assert covered(5, 0.0) == pytest.approx(covered(1, 0.0), rel=0.1)
    one, five = covered(1, 1.0), covered(5, 1.0)
    assert one < covered(2, 1.0) < covered(3, 1.0) < five < 5 * one
    assert covered(5, 0.0) < covered(5, 0.5) < covered(5, 0.95) < five


def test_one_image_in_twenty_has_no_window() -> None:
    image = torch.full((4000, 1, 24, 24), 2.0)  # a value that noise never has
    without = RandMWM(outpainting=0).mask(image, RandomStream.named(CPU, 4)) == 2
    share = float(without.flatten(1).all(1).float().mean())
    assert share == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 4000) ** 0.5)
    certain = RandMWM(outpainting=0, first=1).mask(image, RandomStream.named(CPU, 4)) == 2
    assert not certain.flatten(1).all(1).any()


@pytest.mark.parametrize("outpainting", [0.0, 1.0])
def test_what_is_lost_becomes_uniform_noise(outpainting: float) -> None:
    image = torch.full((40, 1, 96, 96), 2.0)  # a value that noise never has
    method = RandMWM(outpainting=outpainting)
    masked = method.mask(image, RandomStream.named(CPU, 3))
    kept = masked == 2
    noise = masked[~kept]
    assert noise.min() >= 0 and noise.max() <= 1
    assert noise.mean().item() == pytest.approx(0.5, abs=0.01)
    assert noise.var().item() == pytest.approx(1 / 12, rel=0.03)
    windows = draw_windows(image, RandomStream.named(CPU, 3), most=5, first=0.95, further=0.95)
    assert torch.equal(kept, windows if outpainting else ~windows)


def test_one_of_both_per_batch() -> None:
    image = torch.full((4, 1, 48, 48), 2.0)
    shares = [
        float((RandMWM().mask(image, RandomStream.named(CPU, seed)) == 2).float().mean())
        for seed in range(200)
    ]
    inpainted = sum(share > 0.5 for share in shares)
    assert 70 < inpainted < 130


def test_too_small_images_are_refused() -> None:
    with pytest.raises(ValueError, match="5 pixels are too small"):
        draw_windows(torch.zeros(1, 1, 5, 5), RandomStream.named(CPU, 0), most=1, further=0)


def test_sides_and_border_are_settings() -> None:
    image = torch.zeros(200, 1, 40, 40)
    stream = RandomStream.named(torch.device("cpu"), 0)
    inside = draw_windows(image, stream, most=1, further=0, sides=(8, 4), border=10)
    heights = inside.any(dim=3).sum(dim=2).flatten()
    assert set(heights.tolist()) == set(range(5, 11))
    assert not inside[:, :, :10].any() and not inside[:, :, 30:].any()
    with pytest.raises(ValueError, match="too small for windows of 5 to 20 pixels"):
        draw_windows(image, stream, most=1, further=0, sides=(8, 2), border=11)
    assert RandMWM(border=5).settings.border == 5
