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
    coarse = torch.rand(count, 1, 6, 6, generator=generator(0))
    image = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)
    return image, (image * 3.99).to(torch.uint8)


def run(seed: int = 0, crop: int = 32, **changes: object) -> tuple[torch.Tensor, torch.Tensor]:
    image, label = slices()
    chosen = Augmentation.model_validate(STILL | changes)
    return augment(image, label, whole(image), crop, chosen, generator(seed))


def whole(images: torch.Tensor) -> torch.Tensor:
    """The sides of slices that fill their canvas."""
    return torch.tensor(images.shape[-2:]).expand(len(images), 2)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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


@pytest.mark.parametrize(("style", "column"), [("stated", 4), ("executed", 16)])
def test_a_zoom_is_of_the_image_or_of_the_grid(style: str, column: int) -> None:
    """A dot right of the centre by 8 pixels: after a zoom of 0.5 by 4, or by 16 at the inverse."""
    image = torch.zeros(1, 1, 65, 65)
    image[0, 0, 32, 40] = 1
    chosen = Augmentation.model_validate(STILL | {"zoom": (0.5, 0.5), "style": style})
    zoomed, _ = augment(image, image.byte(), whole(image), 33, chosen, generator(0))
    row, found = divmod(int(zoomed[0, 0].argmax()), 33)
    assert (row - 16, found - 16) == (0, column)


@pytest.mark.parametrize(("style", "share"), [("stated", 33), ("executed", 65)])
def test_a_shift_is_a_share_of_the_crop_or_of_the_padded_slice(style: str, share: int) -> None:
    image = torch.zeros(1, 1, 65, 65)
    image[0, 0, 32, 32] = 1
    chosen = Augmentation.model_validate(STILL | {"shift": 0.1, "style": style})
    reached = []
    for seed in range(50):
        moved, _ = augment(image, image.byte(), whole(image), 33, chosen, generator(seed))
        row, column = divmod(int(moved[0, 0].argmax()), 33)
        reached.append(max(abs(row - 16), abs(column - 16)))
    assert 0.07 * share < max(reached) <= math.ceil(0.1 * share)


@pytest.mark.slow
def test_the_maps_have_the_spread_of_the_real_code() -> None:
    """A disc of radius 25 in a slice of 246 × 212, padded to 246 × 224.

    The figures are of 240 draws of the authors' code (protocol, section 3): area ratio mean 1.142,
    sd 0.161; shift of the centre, RMS per axis, 14.9 pixels. Tolerances are three standard errors
    of both samples: sd/√n of a mean, sd·√((κ-1)/4n) of a spread, whose κ is taken as 3, and of the
    RMS of shifts that are uniform (κ = 1.8) in two axes.
    """
    draws, theirs = 960, 240
    y, x = torch.meshgrid(torch.arange(248.0), torch.arange(248.0), indexing="ij")
    disc = ((y - 123.5).square() + (x - 123.5).square() <= 625).byte().expand(40, 1, 248, 248)
    sides = torch.tensor([[246, 224]]).expand(40, 2)
    drawn, chosen = generator(0), Augmentation()
    line = torch.arange(192.0) - 95.5
    areas, shifts = [], []
    for _ in range(draws // 40):
        moved = augment(disc.float(), disc, sides, 192, chosen, drawn)[1][:, 0].float()
        area = moved.sum((1, 2))
        areas.append(area / disc[0].sum())
        shifts += [(moved.sum(axis) @ line) / area for axis in (1, 2)]
    area, shift = torch.cat(areas), torch.cat(shifts)
    errors = math.sqrt(1 / draws + 1 / theirs)
    assert area.mean().item() == pytest.approx(1.142, abs=3 * 0.161 * errors)
    assert area.std().item() == pytest.approx(0.161, abs=3 * 0.161 * errors * math.sqrt(2 / 4))
    spread = 14.9 * errors * math.sqrt(0.8 / 4 / 2)
    assert shift.square().mean().sqrt().item() == pytest.approx(14.9, abs=3 * spread)
    assert area.min() > 0.55 and area.max() < 2.0


def test_nothing_beyond_the_slice_is_black_but_its_padding() -> None:
    """Positions beyond the edge are its pixels; where borders are 0, a share of them is."""
    image = torch.rand(20, 1, 64, 64, generator=generator(0)) * 0.8 + 0.2
    label = torch.zeros_like(image).byte()
    shares = {}
    for border in ("edge", "zero"):
        chosen = Augmentation.model_validate({"border": border, "intensity": 0.0})
        moved, _ = augment(image, label, whole(image), 64, chosen, generator(1))
        shares[border] = (moved == 0).float().mean().item()
    assert shares["edge"] <= 2 / 64**2 and shares["zero"] > 0.05  # an image's minimum is 0


def test_contrast_about_zero_is_clipped_to_the_range_before() -> None:
    """x·1.2, of values that reach up to 1: what would be brighter stays at 1."""
    image = torch.linspace(0.0, 1.0, 32 * 32).reshape(1, 1, 32, 32)
    changes = {"intensity": 1.0, "contrast": (1.2, 1.2), "brightness": 0.0}
    chosen = Augmentation.model_validate(STILL | changes)
    toned, _ = augment(image, image.byte(), whole(image), 32, chosen, generator(0))
    torch.testing.assert_close(toned, (image * 1.2).clamp(max=1), atol=1e-4, rtol=0)


def test_one_setting_turns_the_stated_augmentation_on() -> None:
    stated = Augmentation(style="stated")
    assert (stated.pad, stated.affine_of, stated.border) == (0, "image", "zero")
    assert (stated.labels, stated.contrast_about) == ("nearest", "mean")
    assert Augmentation(style="stated", border="edge").border == "edge"
    assert Augmentation.model_validate(stated.model_dump()) == stated


@given(st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_any_draw_keeps_range_labels_and_shape(seed: int) -> None:
    image, label = slices()
    out, out_label = augment(image, label, whole(image), 32, Augmentation(), generator(seed))
    assert out.shape == out_label.shape == (2, 1, 32, 32)
    assert out.min() >= 0 and out.max() <= 1 and torch.isfinite(out).all()
    assert out_label.dtype == torch.uint8 and set(out_label.unique().tolist()) <= {0, 1, 2, 3}


def test_image_and_label_stay_together() -> None:
    """A label made from the image by a threshold fits the deformed image by the same one."""
    image, _ = slices(4)
    label = (image > 0.5).to(torch.uint8)
    settings_ = Augmentation.model_validate(
        {
            "pad": 48,
            "intensity": 0.0,
            "zoom": (1.0, 1.1),
            "shift": 0.02,
            "eighth_turns": False,
            "rotation": 9,
        }
    )
    positions = augment(image, label, whole(image), 32, settings_, generator(2))
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

    chosen = Augmentation(
        pad=96, elastic=1.0, elastic_sigma=(0.1, 0.1), elastic_strength=(2.0, 2.0)
    )
    field = _elastic(40, 96, chosen, generator(0))
    inner = field[..., 32:64, 32:64]
    sigma = 9.6
    wanted = 2.0 * 96 * math.sqrt(1 / 3 / (4 * math.pi * sigma**2))
    assert inner.std().item() == pytest.approx(wanted, rel=0.15)
