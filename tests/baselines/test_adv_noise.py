"""Adversarial noise: its norm, its direction, and what it does to a trained network."""

import pytest
import torch
from torch import Tensor

from baselines.adv_noise import AdvNoise, curvature_along
from baselines.divergence import kl_divergence
from baselines.unit import unit
from benchmark.methods.method import Batch, RandomStream
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.dual import DualThinkingNetwork

CPU = torch.device("cpu")


def divergence(network: DualThinkingNetwork, image: Tensor, changed: Tensor) -> float:
    with torch.no_grad(), untraced_statistics(network):
        return kl_divergence(network(image), network(changed)).item()


@pytest.mark.slow
def test_noise_has_norm_epsilon_and_stays_in_the_images_range(
    trained: tuple[DualThinkingNetwork, Batch],
) -> None:
    network, batch = trained
    method = AdvNoise(epsilon=0.7, fit="clip")
    direction, _ = method.search(network, batch.clean, RandomStream.named(CPU, 0))
    torch.testing.assert_close(direction.flatten(1).norm(dim=1), torch.ones(len(direction)))
    middle = torch.full_like(batch.clean, 0.5)
    middle[..., 0, 0], middle[..., -1, -1] = 0, 1  # a range that the noise does not leave
    noise = method.add_noise(middle, direction) - middle
    inside = torch.ones_like(noise, dtype=torch.bool)
    inside[..., 0, 0], inside[..., -1, -1] = False, False
    expected = (0.7 * direction * inside).flatten(1).norm(dim=1)
    torch.testing.assert_close((noise * inside).flatten(1).norm(dim=1), expected)
    strong = AdvNoise(epsilon=1e3, fit="clip").add_noise(batch.clean, direction)
    assert torch.equal(strong.amin((1, 2, 3)), batch.clean.amin((1, 2, 3)))
    assert torch.equal(strong.amax((1, 2, 3)), batch.clean.amax((1, 2, 3)))
    unmoved = AdvNoise(epsilon=0, fit="clip").add_noise(batch.clean, direction)
    assert torch.equal(unmoved, batch.clean)


def test_noisy_image_is_rescaled_to_the_images_range() -> None:
    image = torch.tensor([[1.0, 2.0], [3.0, 5.0]]).view(1, 1, 2, 2)
    direction = torch.tensor([[-1.0, 0.0], [0.0, 1.0]]).view(1, 1, 2, 2)
    # [0, 2, 3, 6], from [0, 6] to [1, 5]:
    expected = torch.tensor([[1.0, 1 + 4 / 3], [3.0, 5.0]]).view(1, 1, 2, 2)
    torch.testing.assert_close(AdvNoise().add_noise(image, direction), expected)
    assert AdvNoise().settings.epsilon == 1


@pytest.mark.slow
def test_it_diverges_more_than_random_noise_of_the_same_norm(
    trained: tuple[DualThinkingNetwork, Batch],
) -> None:
    network, batch = trained
    method = AdvNoise()
    for seed in range(5):
        stream = RandomStream.named(CPU, seed)
        direction, reference = method.search(network, batch.clean, stream)
        random = unit(stream.randn(*batch.clean.shape))
        adversarial = divergence(network, batch.clean, method.add_noise(batch.clean, direction))
        assert adversarial > 3 * divergence(
            network, batch.clean, method.add_noise(batch.clean, random)
        )
        with torch.no_grad(), untraced_statistics(network):
            torch.testing.assert_close(reference, network(batch.clean))


def test_curvature_is_the_limit_of_a_finite_difference(batch: Batch) -> None:
    """The published ξ = 1e-6, in float64, where such a step is not lost.

    Both in float64, since rounding moves features across the kink of a LeakyReLU.
    """
    direction = unit(torch.randn(batch.clean.shape, generator=torch.Generator().manual_seed(0)))
    wide = DualThinkingNetwork(seed=3).double().train()
    fast, _ = curvature_along(wide, batch.clean.double(), direction.double())
    xi = 1e-6
    with untraced_statistics(wide):

        def logits(image: Tensor) -> Tensor:  # segment() would go through float32
            return wide.segmentation_decoder(wide.shape_code(wide.image_code(image)))

        image = batch.clean.double()
        step = (xi * direction.double()).requires_grad_()
        total = kl_divergence(logits(image).detach(), logits(image + step))
        (plain,) = torch.autograd.grad(total, step)
    expected = plain / xi * batch.label.numel()  # the divergence is a mean over pixels
    assert (fast - expected).norm() < 1e-4 * expected.norm()


@pytest.mark.slow
def test_more_power_iterations_find_a_direction_of_more_curvature(
    trained: tuple[DualThinkingNetwork, Batch],
) -> None:
    network, batch = trained

    def curvature(iterations: int) -> float:
        method = AdvNoise(power_iterations=iterations)
        direction, _ = method.search(network, batch.clean, RandomStream.named(CPU, 0))
        return float((direction * curvature_along(network, batch.clean, direction)[0]).sum())

    assert curvature(1) < curvature(4)


@pytest.mark.slow
def test_consistency_is_of_the_noisy_image(trained: tuple[DualThinkingNetwork, Batch]) -> None:
    network, batch = trained
    network.eval()
    method = AdvNoise()
    losses = method.losses(network, batch, RandomStream.named(CPU, 0))
    direction, _ = method.search(network, batch.clean, RandomStream.named(CPU, 0))
    expected = divergence(network, batch.clean, method.add_noise(batch.clean, direction))
    assert losses["hard_consistency"].item() == pytest.approx(expected, rel=1e-3)
