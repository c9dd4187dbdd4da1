"""Divergences of predictions, against definitions written out once more."""

import pytest
import torch

from baselines.divergence import contour_distance, divergence_from_mean, kl_divergence
from baselines.unit import unit


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    p, q = torch.randn(2, 2, 4, 8, 8, generator=generator)
    return p, q


def test_kl_is_the_definition(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    p, q = pair
    total = torch.distributions.kl_divergence(
        torch.distributions.Categorical(logits=p.movedim(1, -1)),
        torch.distributions.Categorical(logits=q.movedim(1, -1)),
    )
    torch.testing.assert_close(kl_divergence(p, q), total.mean())
    assert kl_divergence(p, p).item() == pytest.approx(0, abs=1e-7)


def test_divergence_from_mean_of_two_certain_predictions() -> None:
    # Two one-hot predictions of different classes: each is log 2 from their mean.
    certain = torch.full((2, 1, 4, 1, 1), -100.0)
    certain[0, 0, 0], certain[1, 0, 1] = 100, 100
    assert divergence_from_mean(list(certain)).item() == pytest.approx(0.693147, abs=1e-5)
    assert divergence_from_mean([certain[0]] * 3).item() == pytest.approx(0, abs=1e-6)


def test_contour_of_an_edge_by_hand() -> None:
    # Certain foreground (class 1) right of the middle against none at all. Sobel in x gives 4 at
    # the two columns beside the edge, nothing in y: ½·(16·2/8)/3 over three foreground classes.
    reference = torch.full((1, 4, 8, 8), -50.0)
    reference[:, 0] = 50
    edge = reference.clone()
    edge[:, 0, :, 4:], edge[:, 1, :, 4:] = -50, 50
    assert contour_distance(reference, edge).item() == pytest.approx(0.5 * 4 / 3, rel=1e-5)
    # The background class does not count, and a constant shift of probability has no contour.
    assert contour_distance(edge, edge).item() == 0
    everywhere = torch.full_like(reference, -50.0)
    everywhere[:, 1] = 50
    assert contour_distance(reference, everywhere).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
def test_unit_directions_at_any_scale(scale: float) -> None:
    directions = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * scale
    lengths = unit(directions).flatten(1).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(3))
    assert not unit(torch.zeros(1, 1, 4, 4)).any()
