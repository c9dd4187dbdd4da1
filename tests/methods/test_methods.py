"""What every registered method keeps to, whichever it is."""

import pytest
import torch
from torch import nn

from benchmark.methods.losses import standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.methods.registry import find_method, method_names
from benchmark.networks.batch_norm import BatchNorm2d
from benchmark.networks.dual import DualThinkingNetwork

CPU = torch.device("cpu")


def running_statistics(network: nn.Module) -> list[torch.Tensor]:
    layers = [layer for layer in network.modules() if isinstance(layer, BatchNorm2d)]
    assert not any(layer.untraced for layer in layers)
    return [
        value.clone()
        for layer in layers
        for value in (layer.running_mean, layer.running_var, layer.num_batches_tracked)
        if value is not None
    ]


def without_trace(name: str) -> Method:
    """A method whose hard pass, where it has one, neither trains nor traces batch norm."""
    method = find_method(name)
    has_hard_pass = "hard_batch_norm" in method.Settings.model_fields
    return method(hard_batch_norm="none") if has_hard_pass else method()


@pytest.mark.slow
@pytest.mark.parametrize("name", method_names())
def test_no_search_leaves_a_trace_in_the_network(
    name: str, network: DualThinkingNetwork, batch: Batch
) -> None:
    before = [parameter.detach().clone() for parameter in network.parameters()]
    generator = torch.get_rng_state()
    method = without_trace(name)
    losses = method.losses(network, batch, RandomStream.named(CPU, 0))
    for parameter, value in zip(network.parameters(), before, strict=True):
        assert torch.equal(parameter, value) and parameter.requires_grad
        assert parameter.grad is None
    assert torch.equal(torch.get_rng_state(), generator)
    assert not any(module._forward_hooks for module in network.modules())
    # The standard pass alone, on a twin, has moved the running statistics to the same place.
    twin = DualThinkingNetwork(seed=3).train()
    stn_first = method.settings.stn_first  # type: ignore[attr-defined]
    standard = standard_losses(twin, batch, stn_first=stn_first)[0]
    for a, b in zip(running_statistics(network), running_statistics(twin), strict=True):
        assert torch.equal(a, b)
    # And every method has the terms of the standard pass, unchanged.
    for term, loss in standard.items():
        torch.testing.assert_close(losses[term], loss)


@pytest.mark.parametrize("name", method_names())
def test_losses_are_finite_scalars_that_reach_the_network(
    name: str, network: DualThinkingNetwork, batch: Batch
) -> None:
    losses = without_trace(name).losses(network, batch, RandomStream.named(CPU, 1))
    for term, loss in losses.items():
        assert loss.shape == () and loss.dtype == torch.float32, term
        assert torch.isfinite(loss), term
        assert loss.requires_grad, term
    hard = [loss for term, loss in losses.items() if term.startswith("hard_")]
    if hard:  # batch norm's affine weights are constants there, where asked for
        affine = [
            parameter
            for layer in network.modules()
            if isinstance(layer, BatchNorm2d)
            for parameter in layer.parameters()
        ]
        total = torch.stack(hard).sum()
        untraced = torch.autograd.grad(total, affine, allow_unused=True, retain_graph=True)
        # RSC's codes come from the standard pass, whose weights are trained.
        if name != "rsc":
            assert all(gradient is None for gradient in untraced)
        (gradient,) = torch.autograd.grad(total, network.encoder[0][0].weight)
        assert gradient.abs().sum() > 0


@pytest.mark.parametrize("name", method_names())
def test_same_stream_same_losses(name: str, network: DualThinkingNetwork, batch: Batch) -> None:
    network.eval()  # so that the first call does not move the statistics of the second
    method = find_method(name)()
    first, again = (method.losses(network, batch, RandomStream.named(CPU, 1)) for _ in range(2))
    assert all(torch.equal(first[term], again[term]) for term in first)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in method_names() if name != "standard"])
def test_another_stream_other_losses(name: str, network: DualThinkingNetwork, batch: Batch) -> None:
    network.eval()
    method = find_method(name)()
    drawn = [method.losses(network, batch, RandomStream.named(CPU, seed)) for seed in range(6)]
    assert any(not torch.equal(drawn[0][term], one[term]) for one in drawn for term in one)


@pytest.mark.slow
@pytest.mark.parametrize("name", method_names())
def test_bfloat16_is_close_to_float32(
    name: str, trained: tuple[DualThinkingNetwork, Batch]
) -> None:
    network, batch = trained
    method = find_method(name)()
    network.eval()
    exact = method.losses(network, batch, RandomStream.named(CPU, 2))
    with torch.autocast("cpu", torch.bfloat16):
        fast = method.losses(network, batch, RandomStream.named(CPU, 2))
    for term, loss in exact.items():
        assert fast[term].dtype == torch.float32
        assert fast[term].item() == pytest.approx(loss.item(), rel=0.25, abs=0.05), term
