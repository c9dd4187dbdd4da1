"""Layers that are quick on a CPU: the values, gradients and statistics of PyTorch's own."""

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd import forward_ad, gradcheck

from benchmark.networks.batch_norm import BatchNorm2d, untraced_statistics
from benchmark.networks.encoder import Encoder
from benchmark.networks.upsampling import DoublingConv2d, upsampled_conv2d


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Float64, channels-last."""
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()
    return values.contiguous(memory_format=torch.channels_last)


def norms(channels: int) -> tuple[BatchNorm2d, nn.BatchNorm2d]:
    ours, torchs = BatchNorm2d(channels).double(), nn.BatchNorm2d(channels).double()
    generator = torch.Generator().manual_seed(1)
    for name in ("weight", "bias"):
        values = torch.rand(channels, generator=generator).double() + 0.5
        for layer in (ours, torchs):
            getattr(layer, name).data = values.clone()
    return ours, torchs


sizes = st.integers(1, 9)


@given(count=sizes, channels=st.sampled_from([2, 3, 16, 48, 128]), height=sizes, width=sizes)
def test_batch_norm_is_pytorchs(count: int, channels: int, height: int, width: int) -> None:
    height += 1  # of a single value a channel there are no statistics
    ours, torchs = norms(channels)
    features = drawn(count, channels, height, width) * 3 + 10
    upstream = drawn(count, channels, height, width, seed=2)
    found = []
    for layer in (ours, torchs):
        x = features.clone().requires_grad_()
        layer(x).backward(upstream)
        assert x.grad is not None and layer.weight.grad is not None
        found.append([layer(x), x.grad, layer.weight.grad, layer.bias.grad, *layer.buffers()])
    for mine, its in zip(*found, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-9, atol=1e-9)
    ours.eval(), torchs.eval()
    torch.testing.assert_close(ours(features), torchs(features), rtol=1e-9, atol=1e-9)


def test_batch_norm_in_bfloat16_has_statistics_of_float32() -> None:
    features = (drawn(4, 16, 32, 32) * 0.1 + 3).bfloat16()
    layer = BatchNorm2d(16)
    output = layer(features)
    assert output.dtype == torch.bfloat16
    assert output.is_contiguous(memory_format=torch.channels_last)
    assert layer.running_mean is not None and layer.running_var is not None
    exact = features.double()
    mean, variance = exact.mean((0, 2, 3)), exact.var((0, 2, 3))
    torch.testing.assert_close(layer.running_mean.double(), 0.1 * mean, rtol=1e-5, atol=0)
    torch.testing.assert_close(layer.running_var.double(), 0.9 + 0.1 * variance, rtol=1e-4, atol=0)


def test_untraced_batch_norm_keeps_no_trace() -> None:
    layer, torchs = norms(16)
    before = [buffer.clone() for buffer in layer.buffers()]
    features = drawn(2, 16, 4, 4).requires_grad_()
    with untraced_statistics(layer):
        output = layer.eval()(features)
    torch.testing.assert_close(output, torchs(features))
    output.sum().backward()
    assert layer.weight.grad is None and layer.bias.grad is None and features.grad is not None
    assert all(torch.equal(a, b) for a, b in zip(before, layer.buffers(), strict=True))


def test_derivatives_of_batch_norm_in_both_directions() -> None:
    layer, _ = norms(3)
    features, tangent = drawn(2, 3, 4, 2).requires_grad_(), drawn(2, 3, 4, 2, seed=1)
    assert gradcheck(layer, (features,))
    with forward_ad.dual_level(), untraced_statistics(layer):
        dual = layer(forward_ad.make_dual(features, tangent))
        found = forward_ad.unpack_dual(dual).tangent
    with untraced_statistics(layer), torch.no_grad():
        change = layer(features + 1e-6 * tangent) - layer(features - 1e-6 * tangent)
    torch.testing.assert_close(found, change / 2e-6, rtol=1e-6, atol=1e-7)


@given(
    channels=st.tuples(st.integers(1, 5), st.integers(1, 5)), size=st.tuples(sizes, sizes, sizes)
)
def test_upsampled_convolution_is_that_of_the_upsampled(
    channels: tuple[int, int], size: tuple[int, int, int]
) -> None:
    conv = nn.Conv2d(*channels, 3, padding=1).double()
    x = drawn(size[0], channels[0], *size[1:]).requires_grad_()
    fast = upsampled_conv2d(x, conv)
    plain = conv(F.interpolate(x, scale_factor=2, mode="nearest"))
    torch.testing.assert_close(fast, plain)
    upstream = torch.randn_like(plain)
    wanted = [x, conv.weight, conv.bias]
    assert conv.bias is not None
    for mine, its in zip(
        torch.autograd.grad(fast, wanted, upstream),
        torch.autograd.grad(plain, wanted, upstream),
        strict=True,
    ):
        torch.testing.assert_close(mine, its)


def test_derivatives_of_doubling_in_both_directions() -> None:
    layer = DoublingConv2d(3).double()
    features, tangent = drawn(2, 3, 2, 3).requires_grad_(), drawn(2, 3, 2, 3, seed=1)
    torch.testing.assert_close(layer(features), nn.ConvTranspose2d.forward(layer, features))
    assert gradcheck(lambda x, *_: layer(x), (features, *layer.parameters()))
    with forward_ad.dual_level():
        dual = layer(forward_ad.make_dual(features, tangent))
        found = forward_ad.unpack_dual(dual).tangent
    torch.testing.assert_close(found, layer(tangent) - layer(torch.zeros_like(tangent)))


def test_doubling_under_autocast_computes_in_bfloat16() -> None:
    layer = DoublingConv2d(4)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(drawn(1, 4, 2, 2).float())
    output.sum().backward()
    assert output.dtype == torch.bfloat16
    assert layer.weight.grad is not None and layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("channels", [1, 4])
def test_features_are_channels_last_from_the_first_convolution_on(channels: int) -> None:
    encoder, layouts = Encoder(channels), []
    for part in encoder:
        part.register_forward_hook(
            lambda _, __, y: layouts.append(y.is_contiguous(memory_format=torch.channels_last))
        )
    for parameter in encoder.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    encoder(torch.rand(2, channels, 32, 32))
    assert all(layouts) and layouts


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_freed_memory_is_kept() -> None:
    program = """
import resource, torch
from benchmark.core.device import keep_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
torch.set_num_threads(1)
first = faults()
keep_memory()
faults()
print(first, faults())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    assert after < before / 10
