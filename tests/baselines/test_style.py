"""Styles of features: mixed, shifted, and made adversarial."""

import pytest
import torch
import torch.nn.functional as F

from baselines.dsu import DSU, shift_style
from baselines.maxstyle import MaxStyle
from baselines.mixstyle import MixStyle, mix_style
from baselines.style import restyle, style
from benchmark.methods.losses import think_fast
from benchmark.methods.method import Batch, RandomStream
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.dual import DualThinkingNetwork

CPU = torch.device("cpu")


@pytest.fixture
def features() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    level = torch.randn(4, 3, 1, 1, generator=generator)
    return level + torch.rand(4, 3, 16, 16, generator=generator) * (1 + level.abs())


def test_style_is_mean_and_standard_deviation(features: torch.Tensor) -> None:
    mean, std = style(features)
    torch.testing.assert_close(mean.squeeze(), features.flatten(2).mean(2))
    torch.testing.assert_close(std.squeeze(), features.flatten(2).std(2), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(restyle(features, (mean, std), (mean, std)), features)
    half = restyle(features.bfloat16(), (mean, std), (mean, std))
    assert half.dtype == torch.bfloat16
    assert torch.isfinite(
        restyle(torch.ones(1, 1, 4, 4), style(torch.ones(1, 1, 4, 4)), (mean[:1, :1], std[:1, :1]))
    ).all()


def test_mixed_style_lies_between_both(features: torch.Tensor) -> None:
    partner = torch.tensor([1, 2, 3, 0])
    none, all_of_it = torch.zeros(4, 1, 1, 1), torch.ones(4, 1, 1, 1)
    torch.testing.assert_close(mix_style(features, none, partner), features)
    mean, std = style(mix_style(features, all_of_it, partner))
    own_mean, own_std = style(features)
    torch.testing.assert_close(mean, own_mean[partner], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(std, own_std[partner], rtol=1e-4, atol=1e-4)
    mean, _ = style(mix_style(features, 0.25 * all_of_it, partner))
    torch.testing.assert_close(mean, 0.75 * own_mean + 0.25 * own_mean[partner])


def test_shift_is_in_units_of_the_spread_over_the_batch(features: torch.Tensor) -> None:
    zero, one = torch.zeros(4, 3, 1, 1), torch.ones(4, 3, 1, 1)
    torch.testing.assert_close(shift_style(features, zero, zero), features)
    mean, std = style(shift_style(features, one, zero))
    own_mean, own_std = style(features)
    torch.testing.assert_close(
        mean - own_mean, own_mean.std(0).expand(4, 3, 1, 1), rtol=1e-3, atol=1e-4
    )
    torch.testing.assert_close(std, own_std, rtol=1e-3, atol=1e-4)
    _, std = style(shift_style(features, zero, one))
    torch.testing.assert_close(
        std - own_std, own_std.std(0).expand(4, 3, 1, 1), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("method", [MixStyle, DSU])
def test_probability_zero_is_a_second_plain_pass(
    method: type[MixStyle] | type[DSU], network: DualThinkingNetwork, batch: Batch
) -> None:
    losses = method(probability=0).losses(network, batch, RandomStream.named(CPU, 0))
    for term in ("segmentation", "reconstruction", "shape"):
        torch.testing.assert_close(losses[f"hard_{term}"], losses[term])
    changed = method(probability=1).losses(network, batch, RandomStream.named(CPU, 0))
    assert changed["hard_segmentation"] != changed["segmentation"]


@pytest.mark.slow
def test_each_layer_is_decided_for_itself(network: DualThinkingNetwork, batch: Batch) -> None:
    hard = {
        round(
            MixStyle()
            .losses(network.eval(), batch, RandomStream.named(CPU, seed))["hard_segmentation"]
            .item(),
            6,
        )
        for seed in range(12)
    }
    assert len(hard) > 4  # not only all layers or none


@pytest.mark.slow
def test_adversarial_styles_are_harder_than_those_they_start_from(
    trained: tuple[DualThinkingNetwork, Batch],
) -> None:
    network, batch = trained
    with torch.no_grad(), untraced_statistics(network):
        code = think_fast(network, batch.clean).image_code

    def loss_after(iterations: int, seed: int) -> float:
        method = MaxStyle(iterations=iterations, probability=1)
        stream = RandomStream.named(CPU, seed)
        image = method.stylise(network, code, batch.label, stream)
        assert not image.requires_grad and image.shape == batch.clean.shape
        assert image.min() >= 0 and image.max() <= 1
        with torch.no_grad(), untraced_statistics(network):
            return F.cross_entropy(network(image), batch.label).item()

    for seed in range(3):
        assert loss_after(5, seed) > loss_after(0, seed)


def test_no_style_no_change(trained: tuple[DualThinkingNetwork, Batch]) -> None:
    network, batch = trained
    with torch.no_grad(), untraced_statistics(network):
        code = think_fast(network, batch.clean).image_code
        plain = network.reconstruct(code)
    image = MaxStyle(probability=0).stylise(network, code, batch.label, RandomStream.named(CPU, 0))
    assert torch.equal(image, plain)


@pytest.mark.parametrize("alpha", [0.1, 2.0])
def test_shares_are_beta_distributed(alpha: float, stream: RandomStream) -> None:
    share = stream.beta(alpha, alpha, 20000)
    assert share.min() >= 0 and share.max() <= 1
    assert share.mean().item() == pytest.approx(0.5, abs=0.01)
    assert share.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.03)


@pytest.mark.parametrize("method", [MixStyle, DSU, MaxStyle])
def test_stages_are_a_setting_and_checked(method: type[MixStyle | DSU | MaxStyle]) -> None:
    chosen = method(stages="image_decoder.up1,image_decoder.up2").settings
    assert chosen.stages == ("image_decoder.up1", "image_decoder.up2")
    with pytest.raises(ValueError, match=r"'encoder\.dwn1'; did you mean 'encoder\.down1'"):
        method(stages="encoder.dwn1")


def test_styles_of_maxstyle_are_the_image_decoders() -> None:
    with pytest.raises(ValueError, match="no stage of the image decoder"):
        MaxStyle(stages="encoder.down1")
