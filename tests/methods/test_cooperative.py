"""Gradients and traces of cooperative training."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmark.methods.cooperative import Cooperative, CooperativeImage
from benchmark.methods.losses import standard_losses, think_fast
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.methods.standard import Standard
from benchmark.networks.batch_norm import BatchNorm2d
from benchmark.networks.dual import DualThinkingNetwork

CPU = torch.device("cpu")
KINDS = ("dropout", "channel", "spatial")


def losses_of(method: Method, network: DualThinkingNetwork, batch: Batch, seed: int = 0) -> Any:
    return method.losses(network, batch, RandomStream.named(CPU, seed))


def reached(parts: nn.Module | tuple[nn.Module, ...], loss: Tensor) -> bool:
    """Whether a loss has a gradient in any parameter of the parts."""
    parts = parts if isinstance(parts, tuple) else (parts,)
    parameters = [parameter for part in parts for parameter in part.parameters()]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True, retain_graph=True)
    return any(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)


def ftn(network: DualThinkingNetwork) -> tuple[nn.Module, ...]:
    return network.encoder, network.decoupler, network.segmentation_decoder


def test_standard_losses_are_the_equation(network: DualThinkingNetwork, batch: Batch) -> None:
    losses = losses_of(Standard(), network, batch)
    # The same terms once more, by the definitions, on a copy in the same state.
    copy = DualThinkingNetwork(seed=3).train()
    z_i = copy.encoder(batch.noisy)
    p = copy.segmentation_decoder(copy.decoupler(z_i))
    x = copy.image_decoder(z_i)

    def cross_entropy(logits: Tensor) -> Tensor:
        return -logits.log_softmax(1).gather(1, batch.label[:, None]).mean()

    refined = copy.stn((p / 2).softmax(1))
    of_label = copy.stn(nn.functional.one_hot(batch.label, 4).movedim(3, 1).float())
    torch.testing.assert_close(losses["segmentation"], cross_entropy(p))
    torch.testing.assert_close(losses["reconstruction"], ((x - batch.clean) ** 2).mean() / 2)
    torch.testing.assert_close(losses["shape"], cross_entropy(refined))
    torch.testing.assert_close(losses["shape_of_label"], cross_entropy(of_label))


@pytest.mark.parametrize("method", [Standard, Cooperative, CooperativeImage])
def test_stn_loss_reaches_ftn_only_when_cooperative(
    method: type[Method], network: DualThinkingNetwork, batch: Batch
) -> None:
    cooperative = losses_of(method(), network, batch)
    separate = losses_of(method(separate=True), network, batch)
    names = [name for name in cooperative if name in ("shape", "hard_shape")]
    for name in names:
        assert reached(ftn(network), cooperative[name])
        assert not reached(ftn(network), separate[name])
        assert reached(network.stn, separate[name])
    assert set(cooperative) == set(separate)


def test_terms_of_each_row(network: DualThinkingNetwork, batch: Batch) -> None:
    standard = {"segmentation", "reconstruction", "shape", "shape_of_label"}
    image = {"hard_segmentation", "hard_reconstruction", "hard_shape"}
    generated = {"hard_shape_of_generated"}
    assert set(losses_of(Standard(), network, batch)) == standard
    assert set(losses_of(CooperativeImage(), network, batch)) == standard | image
    assert set(losses_of(Cooperative(), network, batch)) == standard | image | generated
    only_shape = Cooperative(image_masks=())
    assert set(losses_of(only_shape, network, batch)) == standard | generated


def test_generated_examples_carry_no_gradient(network: DualThinkingNetwork, batch: Batch) -> None:
    losses = losses_of(Cooperative(), network, batch)
    # p̂ comes from the FTN's code; were it not detached, its loss would reach the FTN.
    assert not reached(ftn(network), losses["hard_shape_of_generated"])
    assert reached(network.stn, losses["hard_shape_of_generated"])
    # The image decoder made x̂; its weights get a gradient from x̂' alone.
    assert not reached(network.image_decoder, losses["hard_segmentation"])
    assert reached(network.encoder, losses["hard_segmentation"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("soft", [True, False])
def test_masked_codes(kind: str, soft: bool, network: DualThinkingNetwork, batch: Batch) -> None:
    method = Cooperative(image_masks=(kind,), soft=soft)
    losses, forward = standard_losses(network, batch)
    stream = RandomStream.named(CPU, 7)
    masked = method.mask(forward.image_code, losses["reconstruction"], (kind,), stream)  # type: ignore[arg-type]
    assert not masked.requires_grad
    code = forward.image_code.detach()
    ratio = (masked / code)[code > 1e-3]
    if kind == "dropout":
        assert ((ratio == 0) | ((ratio - 2).abs() < 1e-4)).all()
    elif soft:
        assert ((ratio >= 0) & (ratio <= 0.5 + 1e-6) | ((ratio - 1).abs() < 1e-6)).all()
    else:
        assert ((ratio == 0) | ((ratio - 1).abs() < 1e-6)).all()
    assert (ratio != 1).any()


def test_targeted_gradient_is_that_of_the_reconstruction(
    network: DualThinkingNetwork, batch: Batch
) -> None:
    """The gradient taken from the standard pass ranks channels as one computed from scratch."""
    losses, forward = standard_losses(network, batch)
    (fast,) = torch.autograd.grad(losses["reconstruction"], forward.image_code, retain_graph=True)
    code = forward.image_code.detach().requires_grad_()
    (plain,) = torch.autograd.grad(((network.reconstruct(code) - batch.clean) ** 2).mean(), code)
    torch.testing.assert_close(2 * fast, plain)


def counts(part: nn.Module) -> set[int]:
    """How many batches the running statistics of a part have followed."""
    layers = (layer for layer in part.modules() if isinstance(layer, BatchNorm2d))
    return {int(layer.num_batches_tracked) for layer in layers}


@pytest.mark.parametrize(
    ("batch_norm", "of_image_decoder", "of_ftn", "of_stn"),
    [("image-decoder", 2, 1, 2), ("none", 1, 1, 2), ("all", 2, 2, 4)],
)
def test_what_the_hard_pass_trains_and_traces(
    batch_norm: str,
    of_image_decoder: int,
    of_ftn: int,
    of_stn: int,
    network: DualThinkingNetwork,
    batch: Batch,
) -> None:
    """The standard pass traces the FTN once and the STN twice, of y and of p."""
    losses = losses_of(Cooperative(hard_batch_norm=batch_norm), network, batch)
    assert counts(network.image_decoder) == {of_image_decoder}
    assert all(counts(part) == {of_ftn} for part in ftn(network))
    assert counts(network.stn) == {of_stn}
    hard = torch.stack([loss for name, loss in losses.items() if name.startswith("hard_")]).sum()
    for name, part in network.named_children():
        affine = [p for m in part.modules() if isinstance(m, BatchNorm2d) for p in m.parameters()]
        gradients = torch.autograd.grad(hard, affine, allow_unused=True, retain_graph=True)
        trained = batch_norm == "all" or (batch_norm, name) == ("image-decoder", "image_decoder")
        assert all((gradient is not None) == trained for gradient in gradients), name
    assert reached(network.encoder[0][0], hard)


def test_the_hard_pass_traces_nothing_by_default_but_the_image_decoder() -> None:
    assert Cooperative().settings.hard_batch_norm == "image-decoder"


@pytest.mark.parametrize("first", ["label", "prediction"])
def test_the_stn_sees_the_label_first(
    first: str, network: DualThinkingNetwork, batch: Batch
) -> None:
    """Worked out by hand: the running mean after two batches of mean m₁ and m₂."""
    layer = network.stn.encoder[0][1]
    means: list[Tensor] = []
    layer.register_forward_pre_hook(lambda _, inputs: means.append(inputs[0].mean((0, 2, 3))))
    losses = losses_of(Standard(stn_first=first), network, batch)
    one, two = (mean.detach() for mean in means)
    torch.testing.assert_close(layer.running_mean, 0.9 * 0.1 * one + 0.1 * two)
    # Which came first is seen from what the STN makes of the label alone, in a twin.
    twin = DualThinkingNetwork(seed=3).train()
    seen: list[Tensor] = []
    twin.stn.encoder[0][1].register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].mean((0, 2, 3)))
    )
    twin.refine_label(batch.label)
    torch.testing.assert_close(one if first == "label" else two, seen[0].detach())
    assert list(losses) == ["segmentation", "reconstruction", "shape", "shape_of_label"]


def test_the_label_is_first_by_default() -> None:
    for method in (Standard(), Cooperative(), CooperativeImage()):
        assert method.settings.stn_first == "label"  # type: ignore[attr-defined]


def test_bfloat16_agrees_with_float32(network: DualThinkingNetwork, batch: Batch) -> None:
    method = Standard()
    exact = losses_of(method, network, batch)
    with torch.autocast("cpu", torch.bfloat16):
        fast = losses_of(method, DualThinkingNetwork(seed=3).train(), batch)
    for name, value in exact.items():
        assert fast[name].dtype == torch.float32
        assert fast[name].item() == pytest.approx(value.item(), rel=0.05), name


def test_think_fast_runs_both_branches(network: DualThinkingNetwork, batch: Batch) -> None:
    forward = think_fast(network, batch.noisy)
    assert forward.logits.shape == (3, 4, 32, 32)
    assert forward.image.shape == (3, 1, 32, 32)
