import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.runs.config import Augmentation
from benchmark.training.augmentation import augment, centre_crop, scale_to_unit

STILL = {
    "flip": 0.0,
    "rotation": 0.0,
    "eighth_turns": False,
    "shift": 0.0,
    "zoom": (1.0, 1.0),
    "intensity": 0.0,
    "elastic": 0.0,
}


def slices(count: int = 2, size: int = 48) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 1, 6, 6, generator=generator)
    image = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)
    return image, (image * 3.99).to(torch.uint8)


def run(seed: int = 0, crop: int = 32, **changes: object) -> tuple[torch.Tensor, torch.Tensor]:
    image, label = slices()
    chosen = Augmentation.model_validate(STILL | changes)
    return augment(image, label, crop, chosen, torch.Generator().manual_seed(seed))


def expected(transform: object = lambda x: x) -> tuple[torch.Tensor, torch.Tensor]:
    image, label = slices()
    return (
        scale_to_unit(centre_crop(transform(image), 32)),  # type: ignore[operator]
        centre_crop(transform(label), 32),  # type: ignore[operator]
    )


def test_nothing_drawn_is_the_identity() -> None:
    image, label = run()
    torch.testing.assert_close(image, expected()[0], atol=1e-4, rtol=0)
    assert torch.equal(label, expected()[1])


def test_certain_flips_turn_the_slice_around() -> None:
    image, label = run(flip=1.0)
    wanted = expected(lambda x: x.flip(2, 3))
    torch.testing.assert_close(image, wanted[0], atol=1e-4, rtol=0)
    assert torch.equal(label, wanted[1])


def test_eighth_turns_by_a_quarter_are_rot90() -> None:
    turns = [expected(lambda x, k=k: torch.rot90(x, k, (2, 3)))[0] for k in range(4)]
    found = 0
    for seed in range(30):
        image, _ = run(seed, eighth_turns=True)
        close = [(image[0] - turn[0]).abs().max().item() < 1e-3 for turn in turns]
        found += any(close)
    assert 8 <= found <= 22  # half of the eight angles are quarter turns


def test_zoom_and_shift_move_by_what_they_say() -> None:
    # A dot right of the centre by 8 pixels: after a zoom of 0.5, by 4.
    image = torch.zeros(1, 1, 65, 65)
    image[0, 0, 32, 40] = 1
    chosen = Augmentation.model_validate(STILL | {"zoom": (0.5, 0.5)})
    zoomed, _ = augment(image, image.byte(), 33, chosen, torch.Generator())
    row, column = divmod(int(zoomed[0, 0].argmax()), 33)
    assert (row - 16, column - 16) == (0, 4)
    chosen = Augmentation.model_validate(STILL | {"shift": 0.1})
    reached = []
    for seed in range(50):
        moved, _ = augment(image, image.byte(), 33, chosen, torch.Generator().manual_seed(seed))
        row, column = divmod(int(moved[0, 0].argmax()), 33)
        reached.append(max(abs(row - 16), abs(column - 16 - 8)))
    assert 2 <= max(reached) <= math.ceil(3.3)


@given(st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_any_draw_keeps_range_labels_and_shape(seed: int) -> None:
    image, label = slices()
    out, out_label = augment(image, label, 32, Augmentation(), torch.Generator().manual_seed(seed))
    assert out.shape == out_label.shape == (2, 1, 32, 32)
    assert out.min() >= 0 and out.max() <= 1 and torch.isfinite(out).all()
    assert out_label.dtype == torch.uint8 and set(out_label.unique().tolist()) <= {0, 1, 2, 3}


def test_image_and_label_stay_together() -> None:
    """A label made from the image by a threshold fits the deformed image by the same one."""
    image, _ = slices(4)
    label = (image > 0.5).to(torch.uint8)
    settings_ = Augmentation.model_validate(
        {"intensity": 0.0, "zoom": (1.0, 1.1), "shift": 0.02, "eighth_turns": False, "rotation": 9}
    )
    generator = torch.Generator().manual_seed(2)
    positions = augment(image, label, 32, settings_, generator)
    low, high = image.amin((2, 3)), image.amax((2, 3))
    assert (low < 0.4).all() and (high > 0.6).all()
    out, out_label = positions
    inside = [out[i][out_label[i] == 1].mean() - out[i][out_label[i] == 0].mean() for i in range(4)]
    assert min(inside) > 0.2


def test_same_seed_same_slices_and_global_generator_untouched() -> None:
    state = torch.get_rng_state()
    one, two, other = (run(seed, flip=0.5, elastic=1.0, rotation=15.0) for seed in (3, 3, 4))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])
    assert not torch.equal(one[0], other[0])
    assert torch.equal(state, torch.get_rng_state())


def test_elastic_displacement_has_the_size_it_should() -> None:
    """Smoothed U(-1, 1) noise has variance 1/3 · 1/(4πσ²), as white noise has in the plane."""
    from benchmark.training.augmentation import _elastic

    chosen = Augmentation(elastic=1.0, elastic_sigma=(0.1, 0.1), elastic_strength=(2.0, 2.0))
    field = _elastic(40, 96, chosen, torch.Generator().manual_seed(0))
    inner = field[..., 32:64, 32:64]
    sigma = 9.6
    wanted = 2.0 * 96 * math.sqrt(1 / 3 / (4 * math.pi * sigma**2))
    assert inner.std().item() == pytest.approx(wanted, rel=0.15)
