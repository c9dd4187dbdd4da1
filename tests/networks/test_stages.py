"""The named places where a method may change features."""

import pytest
import torch
from torch import Tensor

from benchmark.methods.losses import think_fast
from benchmark.methods.method import Batch
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.networks.stages import stages, transformed_features

SHAPES = {
    "encoder.stem": (16, 32, 32),
    "encoder.down1": (32, 16, 16),
    "encoder.down2": (64, 8, 8),
    "encoder.down3": (128, 4, 4),
    "encoder.down4": (128, 2, 2),
    "encoder.code": (128, 2, 2),
    "segmentation_decoder.up1": (64, 4, 4),
    "segmentation_decoder.up2": (32, 8, 8),
    "segmentation_decoder.up3": (16, 16, 16),
    "segmentation_decoder.up4": (16, 32, 32),
    "segmentation_decoder.output": (4, 32, 32),
    "image_decoder.up1": (64, 4, 4),
    "image_decoder.up2": (32, 8, 8),
    "image_decoder.up3": (16, 16, 16),
    "image_decoder.up4": (16, 32, 32),
    "image_decoder.output": (1, 32, 32),
}


def test_each_stage_is_passed_once_with_the_documented_features(
    network: DualThinkingNetwork, batch: Batch
) -> None:
    seen: dict[str, list[tuple[int, ...]]] = {name: [] for name in SHAPES}

    def look(name: str) -> object:
        def note(features: Tensor) -> Tensor:
            seen[name].append(tuple(features.shape[1:]))
            return features

        return note

    with transformed_features(network, {name: look(name) for name in SHAPES}):  # type: ignore[misc]
        forward = think_fast(network, batch.noisy)
    assert {name: [shape] for name, shape in SHAPES.items()} == seen
    assert set(stages(network)) == set(SHAPES)
    # The identity changes nothing, and the refinement network is none of the stages.
    twin = think_fast(DualThinkingNetwork(seed=3).train(), batch.noisy)
    assert torch.equal(forward.logits, twin.logits) and torch.equal(forward.image, twin.image)


def test_what_a_stage_is_changed_to_is_what_follows_from(
    network: DualThinkingNetwork, batch: Batch
) -> None:
    network.eval()
    with transformed_features(network, {"encoder.code": torch.zeros_like}):
        forward = think_fast(network, batch.noisy)
    assert not forward.image_code.any()
    empty = network.shape_code(torch.zeros_like(forward.image_code))
    torch.testing.assert_close(forward.shape_code, empty)
    with transformed_features(network, {"image_decoder.output": torch.zeros_like}):
        image = network.reconstruct(forward.image_code)
    assert (image == 0.5).all()


def test_hooks_go_even_after_an_error(network: DualThinkingNetwork, batch: Batch) -> None:
    def fail(features: Tensor) -> Tensor:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError), transformed_features(network, {"encoder.down2": fail}):
        network(batch.noisy)
    network(batch.noisy)


def test_unknown_stage_is_named(network: DualThinkingNetwork) -> None:
    with (
        pytest.raises(ValueError, match=r"'encoder.down7'; did you mean 'encoder.down\d'"),
        transformed_features(network, {"encoder.down7": torch.zeros_like}),
    ):
        pass
    assert not any(module._forward_hooks for module in network.modules())
