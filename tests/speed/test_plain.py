"""Speed does not change the mathematics: the harness beside the same thing written plainly."""

import numpy as np
import pytest
import torch

from benchmark.core.device import on_device
from benchmark.data.dataset import Dataset
from benchmark.data.slices import TrainingSlices
from benchmark.inference.prediction import predict_field
from benchmark.methods.method import Batch, RandomStream
from benchmark.methods.registry import find_method, method_names
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.runs.config import Augmentation, resolve
from benchmark.speed.floor import Machine, Work, measure_work
from benchmark.speed.plain import (
    PlainLearner,
    augment_slice,
    plain_losses,
    plain_network,
    plain_prediction,
)
from benchmark.training.learner import Learner

CPU = torch.device("cpu")
CASES = [(name, {}) for name in method_names()] + [
    ("proposed", {"image_masks": kind, "shape_masks": kind})
    for kind in ("dropout", "channel", "spatial")
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), CASES, ids=[f"{n}-{s}" for n, s in CASES])
def test_losses_and_gradients_are_those_of_the_plain_step(
    name: str, settings: dict[str, str], batch: Batch
) -> None:
    method = find_method(name)(**settings)
    fast, plain = on_device(DualThinkingNetwork(seed=3), CPU), plain_network(seed=3)
    for network in (fast, plain):
        network.train()
    losses = method.losses(fast, batch, RandomStream.named(CPU, "step"))
    expected = plain_losses(method, plain, batch, RandomStream.named(CPU, "step"))
    assert losses.keys() == expected.keys()
    for term, value in losses.items():
        torch.testing.assert_close(value, expected[term], rtol=1e-3, atol=1e-5, msg=term)
    for found in (losses, expected):
        torch.stack(list(found.values())).sum().backward()
    vectors = [
        torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        for network in (fast, plain)
    ]
    # Rounding moves some features across the kink of a LeakyReLU.
    assert (vectors[0] - vectors[1]).norm() < 2e-2 * vectors[1].norm()
    for (key, ours), its in zip(fast.named_buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(ours, its, rtol=1e-4, atol=1e-5, msg=key)


@pytest.mark.slow
def test_a_plain_step_moves_every_weight_as_ours_does(dataset: Dataset) -> None:
    config = resolve("standard", dataset, preset="demo", repeat=0, overrides=["precision=float32"])
    cases = dataset.of_subjects(config.data.train)
    slices = TrainingSlices(dataset, cases, crop=config.training.crop, device=CPU)
    ours, plain = Learner(config, slices), PlainLearner(config, slices)
    before = [p.detach().clone() for p in plain.network.parameters()]
    plain.minimise(plain.draw_batch(0), RandomStream.named(CPU, 0))
    ours.learn(0, 10)
    rate = config.training.learning_rate
    for start, mine, its in zip(
        before, ours.network.parameters(), plain.network.parameters(), strict=True
    ):
        # Adam's first step is of the learning rate, whatever the gradient; but a bias before batch
        # normalisation has none but rounding's.
        least = 0.9 * rate if start.dim() > 1 else 1e-9
        for moved in (mine, its):
            assert least <= (moved - start).abs().max() <= 1.001 * rate
    batch = plain.draw_batch(1)
    assert batch.noisy.shape == batch.clean.shape and batch.label.dtype == torch.int64
    assert batch.noisy.min() >= 0 and batch.noisy.max() <= 1


def test_a_plainly_augmented_slice_without_any_change_is_the_crop() -> None:
    nothing = Augmentation(
        flip=0,
        rotation=0,
        eighth_turns=False,
        shift=0,
        zoom=(1, 1),
        intensity=0,
        elastic=0,
    )
    rng = np.random.default_rng(0)
    image = rng.random((40, 40), dtype=np.float32)
    label = rng.integers(0, 4, (40, 40)).astype(np.uint8)
    found, found_label = augment_slice(image, label, 32, nothing, rng)
    crop = image[4:36, 4:36]
    expected = (crop - crop.min()) / (crop.max() - crop.min())
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(found_label, label[4:36, 4:36])


def test_predictions_are_those_of_the_plain_network() -> None:
    slices = np.random.default_rng(0).random((3, 70, 90), dtype=np.float32)
    network, plain = on_device(DualThinkingNetwork(seed=3), CPU), plain_network(seed=3)
    found = predict_field(network, slices, size=64, device=CPU, precision=torch.float32)
    expected = plain_prediction(plain, slices, size=64, device=CPU)
    assert found.keys() == expected.keys()
    for output, field in found.items():
        assert (field == expected[output]).mean() > 0.9999


def test_work_counts_products_and_bytes() -> None:
    a, b = torch.ones(8, 16), torch.ones(16, 4)
    work = measure_work(lambda: (a @ b).relu())
    assert work.products == 2 * 8 * 16 * 4
    assert work.traffic == 4 * (8 * 16 + 16 * 4 + 8 * 4) + 4 * (2 * 8 * 4)
    assert work.floor(Machine(products=1024, bandwidth=1e9)) == 1.0
    assert Work(0, 100).floor(Machine(products=1, bandwidth=50)) == 2.0


def test_an_upsampling_decoder_needs_fewer_products_than_the_plain_one() -> None:
    code = torch.rand(1, 128, 4, 4)
    ours, plain = (
        measure_work(lambda net=net: net.segment(code)).products
        for net in (DualThinkingNetwork(seed=0), plain_network(seed=0))
    )
    assert ours < 0.75 * plain
