"""What can be known of the method without training it."""

import torch
from my_method import MyMethod

from benchmark.methods import Batch, DualThinkingNetwork, RandomStream, find_method


def stream(seed: int = 0) -> RandomStream:
    return RandomStream.named(torch.device("cpu"), seed)


def test_coopbench_finds_it() -> None:
    assert find_method("my-method") is MyMethod


def test_strength_zero_changes_nothing() -> None:
    image = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(MyMethod(strength=0).change(image, stream()), image)
    changed = MyMethod().change(image, stream())
    assert not torch.equal(changed, image)
    assert changed.min() >= 0 and changed.max() <= 1
    assert torch.equal(changed, MyMethod().change(image, stream()))


def test_losses_train_the_network() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 1, 32, 32, generator=generator)
    label = torch.randint(4, (2, 32, 32), generator=generator)
    network = DualThinkingNetwork(seed=0).train()
    losses = MyMethod().losses(network, Batch(image, image, label), stream())
    torch.stack(list(losses.values())).sum().backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
