import pytest
import torch
from torch import nn

from benchmark.networks.batch_norm import BatchNorm2d, untraced_statistics
from benchmark.networks.dual import TEMPERATURE, DualThinkingNetwork, one_hot


def count(*parts: nn.Module) -> int:
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


@pytest.fixture(scope="module")
def network() -> DualThinkingNetwork:
    return DualThinkingNetwork(seed=1)


def test_parameter_counts_are_the_protocols(network: DualThinkingNetwork) -> None:
    assert count(network.encoder, network.decoupler) == 1_125_888
    assert count(network.segmentation_decoder) == 161_732
    assert count(network.image_decoder) == 248_961
    assert count(network.stn.encoder) == 830_640
    assert count(network.stn.decoder) == 161_732


def test_shapes_at_the_protocols_size(network: DualThinkingNetwork) -> None:
    with torch.no_grad():
        code = network.image_code(torch.rand(1, 1, 192, 192))
        assert code.shape == (1, 128, 12, 12)
        assert network.shape_code(code).shape == (1, 128, 12, 12)
        assert network.segment(code).shape == (1, 4, 192, 192)
        image = network.reconstruct(code)
    assert image.shape == (1, 1, 192, 192)
    assert (image > 0).all() and (image < 1).all()


def test_stn_sees_softened_probabilities(network: DualThinkingNetwork) -> None:
    seen = []
    handle = network.stn.encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    logits = torch.randn(2, 4, 32, 32)
    label = torch.randint(4, (2, 32, 32))
    with torch.no_grad():
        network.refine(logits)
        network.refine_label(label)
    handle.remove()
    torch.testing.assert_close(seen[0], (logits / TEMPERATURE).softmax(1))
    torch.testing.assert_close(seen[1], nn.functional.one_hot(label, 4).movedim(3, 1).float())


def test_initial_weights_follow_the_protocol_and_the_seed(network: DualThinkingNetwork) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.weight.numel() > 50_000:
            fan_in = layer.weight[0].numel()
            assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.02)
    scales = torch.cat(
        [layer.weight for layer in network.modules() if isinstance(layer, BatchNorm2d)]
    )
    assert scales.mean().item() == pytest.approx(1, abs=0.005)
    assert scales.std().item() == pytest.approx(0.02, rel=0.1)
    again, other = DualThinkingNetwork(seed=1), DualThinkingNetwork(seed=2)
    for a, b in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(network.encoder[0][0].weight, other.encoder[0][0].weight)


def test_untraced_batch_norm_uses_the_batch_and_keeps_no_trace() -> None:
    layer = BatchNorm2d(3)
    nn.init.normal_(layer.weight)
    x = torch.randn(4, 3, 5, 5, requires_grad=True)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    with untraced_statistics(layer):
        y = layer(x)
        y.square().sum().backward()
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, unbiased=False)
    expected = (x - mean) / (var + layer.eps).sqrt() * layer.weight[:, None, None]
    torch.testing.assert_close(y, expected + layer.bias[:, None, None])
    assert layer.weight.grad is None and layer.bias.grad is None
    assert x.grad is not None
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not layer.untraced


def test_one_hot_is_torchs() -> None:
    label = torch.randint(4, (2, 5, 5))
    assert torch.equal(one_hot(label), nn.functional.one_hot(label, 4).movedim(3, 1).float())
