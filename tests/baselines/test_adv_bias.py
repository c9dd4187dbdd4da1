"""Bias fields of B-splines, and the step that makes them adversarial."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline
from torch import nn

from baselines.adv_bias import AdvBias, spline_basis
from benchmark.methods.method import Batch, RandomStream
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.dual import DualThinkingNetwork

CPU = torch.device("cpu")


@pytest.mark.slow
@given(st.integers(16, 200), st.floats(0.1, 1))
def test_basis_is_scipys_cubic_spline(size: int, share: float) -> None:
    spacing = share * size
    basis = spline_basis(size, spacing, CPU, "covering")
    torch.testing.assert_close(basis.sum(1), torch.ones(size))
    assert basis.min() > -1e-9
    knots = np.arange(-3, basis.shape[1] + 1) * spacing
    at = np.arange(size) + 0.5
    for column in (0, basis.shape[1] // 2, basis.shape[1] - 1):
        coefficients = np.zeros(basis.shape[1])
        coefficients[column] = 1
        spline = BSpline(knots, coefficients, 3)
        np.testing.assert_allclose(basis[:, column].numpy(), spline(at), atol=1e-6)


@given(st.integers(16, 200), st.floats(0.1, 1))
def test_centred_basis_is_scipys_cubic_spline(size: int, share: float) -> None:
    spacing = share * size
    basis = spline_basis(size, spacing, CPU)
    torch.testing.assert_close(basis, basis.flip(0, 1))  # about the middle
    count = basis.shape[1]
    points = size / 2 + spacing * (np.arange(count) - (count - 1) / 2)
    at = np.arange(size) + 0.5
    for column in (0, count // 2):
        spline = BSpline.basis_element(points[column] + spacing * np.arange(-2, 3), False)
        expected = np.nan_to_num(spline(at))
        np.testing.assert_allclose(basis[:, column].numpy(), expected, atol=1e-6)


def test_four_points_half_the_side_apart() -> None:
    basis = spline_basis(192, 96, CPU)
    assert basis.shape == (192, 4)
    # Points lie at −48, 48, 144 and 240. At the edge, the one at −144 is missing: 1/48 at most.
    assert 47 / 48 <= basis[0].sum() < 1
    middle = torch.tensor([1 / 6, 2 / 3, 1 / 6, 0])
    torch.testing.assert_close(basis[47:49].mean(0), middle, atol=1e-4, rtol=0)


def test_points_start_at_unit_length() -> None:
    image = torch.zeros(50, 1, 192, 192)
    points = AdvBias().draw(image, RandomStream.named(CPU, 0))
    assert points.shape == (50, 1, 4, 4)
    torch.testing.assert_close(points.flatten(1).norm(dim=1), torch.ones(50))
    drawn = AdvBias(points="clamped").draw(image, RandomStream.named(CPU, 0))
    torch.testing.assert_close(points, drawn / drawn.flatten(1).norm(dim=1)[:, None, None, None])


@pytest.mark.parametrize("points", ["normalised", "clamped"])
def test_bounds_hold_after_the_step(
    points: str, trained: tuple[DualThinkingNetwork, Batch]
) -> None:
    network, batch = trained
    method, image = AdvBias(points=points), batch.clean
    with torch.no_grad(), untraced_statistics(network):
        reference = network(image)
    moved = method.search(network, image, reference, method.draw(image, RandomStream.named(CPU, 0)))
    if points == "normalised":
        torch.testing.assert_close(moved.flatten(1).norm(dim=1), torch.ones(len(image)))
    else:
        assert moved.abs().max() <= 0.4


@pytest.mark.parametrize("points", ["normalised", "clamped"])
def test_spread_of_the_log_field(points: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the authors' code is 0.08 to 0.09, here after a step in any direction."""
    method, image = AdvBias(points=points), torch.ones(2000, 1, 96, 96)
    stream = RandomStream.named(CPU, 0)
    direction = stream.randn(2000, 1, 4, 4)
    monkeypatch.setattr(method, "objective", lambda _, logits: (logits * direction).sum())
    monkeypatch.setattr(method, "field", lambda points, _: points)  # so that its gradient is it
    moved = method.search(nn.Identity(), torch.ones(()), image, method.draw(image, stream))  # type: ignore[arg-type]
    monkeypatch.undo()
    spread = method.field(moved, image).log().flatten(1).std(dim=1)
    assert 0.075 <= spread.mean() <= 0.09


def test_covering_points_are_drawn_uniformly(stream: RandomStream) -> None:
    method = AdvBias(grid="covering", points="free")
    points = method.draw(torch.zeros(50, 1, 192, 192), stream)
    assert points.shape == (50, 1, 5, 5)
    assert points.exp().min() >= 0.7 and points.exp().max() <= 1.3
    low, high = np.log(0.7), np.log(1.3)
    assert points.mean().item() == pytest.approx((low + high) / 2, abs=0.02)
    assert points.var().item() == pytest.approx((high - low) ** 2 / 12, rel=0.1)


def test_equal_control_points_make_a_constant_field(stream: RandomStream) -> None:
    method, image = AdvBias(grid="covering"), torch.zeros(1, 1, 48, 64)
    points = torch.full_like(method.draw(image, stream), np.log(1.1))
    torch.testing.assert_close(method.field(points, image), torch.full((1, 1, 48, 64), 1.1))


@given(st.integers(0, 10**6), st.floats(1, 50))
def test_field_is_positive_smooth_and_within_its_bounds(seed: int, scale: float) -> None:
    method, image = AdvBias(), torch.zeros(2, 1, 96, 96)
    points = scale * method.draw(image, RandomStream.named(CPU, seed))
    field = method.field(points, image)
    assert field.min() >= 0.7 and field.max() <= 1.3
    # A cubic spline's slope is bounded by the differences of neighbouring points.
    steepest = max(float(points.diff(dim=axis).abs().max()) for axis in (2, 3))
    bound = 1.3 * steepest / 48 + 1e-5
    assert field.diff(dim=2).abs().max() <= bound and field.diff(dim=3).abs().max() <= bound


@pytest.mark.slow
def test_the_step_raises_the_objective(trained: tuple[DualThinkingNetwork, Batch]) -> None:
    network, batch = trained
    method = AdvBias(points="free")
    image = batch.clean

    def objective(points: torch.Tensor) -> float:
        with torch.no_grad(), untraced_statistics(network):
            logits = network(image * method.field(points, image))
            return method.objective(reference, logits).item()

    with torch.no_grad(), untraced_statistics(network):
        reference = network(image)
    for seed in range(5):
        start = method.draw(image, RandomStream.named(CPU, seed))
        moved = method.search(network, image, reference, start)
        torch.testing.assert_close(
            (moved - start).flatten(1).norm(dim=1), torch.ones(len(image)), rtol=1e-4, atol=1e-4
        )
        assert objective(moved) > objective(start)
        short = AdvBias(points="free", step=0.05).search(network, image, reference, start)
        assert objective(short) > objective(start)
    assert torch.equal(
        AdvBias(points="free", step=0).search(network, image, reference, start), start
    )


def test_no_field_no_divergence(trained: tuple[DualThinkingNetwork, Batch]) -> None:
    network, batch = trained
    losses = AdvBias(magnitude=0).losses(network, batch, RandomStream.named(CPU, 0))
    assert losses["hard_consistency"].item() == pytest.approx(0, abs=1e-5)
