"""The graded corruptions, as functions and as TorchIO transforms."""

import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

tio = pytest.importorskip("torchio", reason="TorchIO makes the corruptions")

import corruptions  # noqa: E402
from corruptions import (  # noqa: E402
    Corruption,
    GradedAnisotropy,
    GradedBlur,
    GradedGibbs,
    GradedMissingLines,
    GradedMotion,
    GradedNoise,
    GradedSpike,
)
from corruptions.blur import BlurStrength  # noqa: E402
from corruptions.corruption import k_space  # noqa: E402
from corruptions.motion import MotionStrength  # noqa: E402

KINDS: list[type[Corruption]] = [
    getattr(corruptions, name) for name in corruptions.__all__ if name != "Corruption"
]
SHAPE = (3, 64, 48)


def stack(seed: int = 0) -> np.ndarray:
    """Smooth slices with edges, in [0, 1]."""
    rng = np.random.default_rng(seed)
    slices = ndimage.gaussian_filter(rng.random(SHAPE), (0, 3, 3))
    slices[:, 19:42, 13:29] += 0.2
    slices -= slices.min()
    return (slices / slices.max()).astype(np.float32)


def corrupted(kind: type[Corruption], severity: int, seed: int = 0) -> np.ndarray:
    drawn = kind.draw(kind.ladder[severity - 1], SHAPE, (1.0, 1.0), np.random.default_rng(seed))
    return kind.apply_to(stack(), drawn)


@pytest.mark.parametrize("kind", KINDS)
def test_every_severity_does_more_damage_than_the_one_before(kind: type[Corruption]) -> None:
    """By mean squared error here, on crude slices; by structural similarity on real ones below."""
    for seed in range(4):
        errors = [float(((corrupted(kind, s, seed) - stack()) ** 2).mean()) for s in range(1, 6)]
        assert errors == sorted(errors) and errors[0] > 0
        assert all(a < b for a, b in itertools.pairwise(errors))


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_json_and_replay_to_the_same_voxels(kind: type[Corruption]) -> None:
    drawn = kind.draw(kind.ladder[4], SHAPE, (1.4, 1.2), np.random.default_rng(3))
    once = kind.apply_to(stack(), drawn)
    again = kind.apply_to(stack(), json.loads(json.dumps(drawn)))
    assert np.array_equal(once, again)
    assert once.dtype == np.float32 and once.shape == SHAPE and np.isfinite(once).all()


@pytest.mark.parametrize("kind", KINDS)
def test_severities_of_one_seed_share_their_direction(kind: type[Corruption]) -> None:
    """What does not come from the strength is the same at every severity."""
    draws = [
        kind.draw(strength, SHAPE, (1.0, 1.0), np.random.default_rng(9)) for strength in kind.ladder
    ]
    assert len({tuple(draw) for draw in draws}) == 1
    for key in ("num_ghosts", "axis", "position", "noise_seed"):
        assert len({json.dumps(draw.get(key)) for draw in draws}) == 1
    if "lines" in draws[0]:  # a weaker one loses a part of what a stronger one loses
        lines = [set(draw["lines"]) for draw in draws]
        assert all(a < b for a, b in itertools.pairwise(lines))
    if "coefficients" in draws[0]:
        first, last = (np.array(draw["coefficients"]) for draw in (draws[0], draws[-1]))
        np.testing.assert_allclose(last, 5 * first)


@pytest.mark.parametrize("kind", KINDS)
def test_slices_are_corrupted_each_by_itself(kind: type[Corruption]) -> None:
    """Nothing leaks from one slice into another: these are stacks of 2D acquisitions."""
    if kind is GradedSpike:
        pytest.skip("a spike is as high as the stack's spectrum, so all slices decide on it")
    drawn = kind.draw(kind.ladder[4], SHAPE, (1.0, 1.0), np.random.default_rng(1))
    other = stack()
    other[2] = 0.5 * other[2]
    a, b = kind.apply_to(stack(), drawn), kind.apply_to(other, drawn)
    np.testing.assert_allclose(a[:2], b[:2], atol=1e-5)
    assert not np.allclose(a[2], b[2], atol=1e-3)


def test_rician_noise_has_the_distributions_mean_in_the_dark_and_in_the_light() -> None:
    parameters = {"noise_seed": 5, "sigma": 0.1}
    dark = GradedNoise.apply_to(np.zeros((2, 200, 200), np.float32), parameters)
    assert dark.mean() == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.01)  # Rayleigh
    light = GradedNoise.apply_to(np.ones((2, 200, 200), np.float32), parameters)
    assert light.std() == pytest.approx(0.1, rel=0.02)  # nearly normal
    assert light.mean() == pytest.approx(1 + 0.1**2 / 2, rel=0.002)


def test_blur_has_its_width_in_mm() -> None:
    point = np.zeros((1, 101, 101), np.float32)
    point[0, 50, 50] = 1
    spacing = (2.0, 1.0)
    drawn = GradedBlur.draw(BlurStrength(width=12), point.shape, spacing, np.random.default_rng(0))
    spread = GradedBlur.apply_to(point, drawn)[0]
    for line, size in ((spread[:, 50], 2.0), (spread[50], 1.0)):
        fine = np.interp(np.arange(0, 100, 0.01), np.arange(101), line)
        assert (fine > line.max() / 2).sum() * 0.01 * size == pytest.approx(12, abs=0.3)


def test_motion_is_in_mm_and_leaves_the_centre_of_k_space() -> None:
    strength = MotionStrength(degrees=0, translation=6, calm=0.25)
    drawn = GradedMotion.draw(strength, SHAPE, (2.0, 1.0), np.random.default_rng(0))
    for shift in drawn["translation"]:
        assert np.hypot(*(np.array(shift) * (2.0, 1.0))) == pytest.approx(6)
    moved = GradedMotion.apply_to(stack(), drawn)
    before, after = k_space(stack()), k_space(moved)
    width = SHAPE[2]
    calm = slice(int(0.25 * width) + 1, int(0.75 * width))
    torch.testing.assert_close(after[..., calm], before[..., calm], rtol=1e-3, atol=1e-2)
    assert not torch.allclose(after[..., : width // 5], before[..., : width // 5], atol=1e-1)


def test_gibbs_and_missing_lines_remove_what_they_say() -> None:
    cut = k_space(GradedGibbs.apply_to(stack(), {"radius": 0.5})).abs()
    assert cut[:, 0].max() < 1e-3 and cut[:, 32, 24].min() > 1
    lost = k_space(GradedMissingLines.apply_to(stack(), {"axis": 1, "lines": [3, 40]})).abs()
    whole = k_space(stack()).abs()
    # The real part is taken, so a line and its mirror share what is left.
    assert (lost[:, [3, 40]] < 0.51 * whole[:, [3, 40]] + 1e-3).all()
    kept = [line for line in range(64) if line not in (3, 40, 61, 24)]
    torch.testing.assert_close(lost[:, kept], whole[:, kept], rtol=1e-3, atol=1e-2)


@given(st.integers(2, 6), st.sampled_from([1, 2]))
@settings(max_examples=10)
def test_anisotropy_leaves_a_constant_and_blurs_one_axis(factor: int, axis: int) -> None:
    size = round(SHAPE[axis] / factor)
    constant = np.full(SHAPE, 0.3, np.float32)
    coarse = GradedAnisotropy.apply_to(constant, {"axis": axis, "size": size})
    np.testing.assert_allclose(coarse, 0.3, rtol=1e-6)
    other_axis = 3 - axis
    along = np.linspace(0, 1, SHAPE[other_axis], dtype=np.float32)
    ramp = np.empty(SHAPE, np.float32)
    np.moveaxis(ramp, other_axis, -1)[:] = along
    other = GradedAnisotropy.apply_to(ramp, {"axis": axis, "size": size})
    np.testing.assert_allclose(other, ramp, atol=1e-6)  # along the other axis nothing is lost


# As TorchIO transforms.


def subject() -> "tio.Subject":
    volume = torch.from_numpy(np.ascontiguousarray(stack().T))[None]  # (1, x, y, slices)
    label = (volume > 0.5).float()
    affine = np.diag([1.2, 1.4, 10, 1])
    return tio.Subject(
        image=tio.ScalarImage(tensor=volume, affine=affine),
        label=tio.LabelMap(tensor=label, affine=affine),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_transform_does_what_the_function_does(kind: type[Corruption]) -> None:
    before = subject()
    after = kind(severity=4, seed=3)(before)
    drawn = kind.draw(kind.ladder[3], SHAPE, (1.0, 1.0), np.random.default_rng(3))
    np.testing.assert_array_equal(after.image.numpy()[0].T, kind.apply_to(stack(), drawn))
    assert torch.equal(after.label.data, before.label.data)
    np.testing.assert_array_equal(after.image.affine, before.image.affine)


@pytest.mark.parametrize("kind", KINDS)
def test_any_range_of_intensities_is_corrupted_alike(kind: type[Corruption]) -> None:
    """Strengths are for [0, 1]: σ = 0.2 would hardly change an image of 0 to 1000."""
    wide, two = subject(), subject()
    wide.image.set_data(1000 * wide.image.data + 200)
    two.image.set_data(torch.cat([two.image.data, 0.5 * two.image.data]))
    transform = kind(severity=5, seed=3)
    wanted = 1000 * transform(subject()).image.data + 200
    after = transform(wide)
    torch.testing.assert_close(after.image.data, wanted, rtol=0, atol=0.2)
    replayed = after.get_composed_history()(wide)
    assert torch.equal(replayed.image.data, after.image.data)
    assert torch.equal(transform(two).image.data[:1], transform(subject()).image.data)


def test_image_of_one_intensity_is_taken_as_it_is() -> None:
    flat = subject()
    flat.image.set_data(torch.full_like(flat.image.data, 0.5))
    blurred = GradedBlur(severity=5)(flat).image.data
    torch.testing.assert_close(blurred, flat.image.data)
    assert GradedNoise(severity=5, seed=0)(flat).image.data.std() == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_history_replays_to_the_same_voxels(kind: type[Corruption]) -> None:
    before = subject()
    after = tio.Compose([kind(severity=2), kind(severity=1, seed=4)])(before)
    replayed = after.get_composed_history()(before)
    assert torch.equal(replayed.image.data, after.image.data)


def test_torchios_own_transforms_are_still_found_by_their_names() -> None:
    """TorchIO looks transforms of a history up by name, among all subclasses there are."""
    after = tio.Compose([tio.RandomMotion(), tio.RandomGhosting(), tio.RandomSpike()])(subject())
    assert [type(one).__module__.split(".")[0] for one in after.history] == ["torchio"] * 3


def test_seeds() -> None:
    kind = GradedSpike
    same = [kind(seed=1)(subject()).image.data for _ in range(2)]
    assert torch.equal(*same)
    torch.manual_seed(0)
    free = [kind()(subject()).image.data for _ in range(2)]
    assert not torch.equal(*free)
    torch.manual_seed(0)
    assert torch.equal(free[0], kind()(subject()).image.data)  # as TorchIO's own


def test_units_and_slice_axis() -> None:
    pixel = GradedBlur(severity=3, seed=0)(subject()).image.data
    mm = GradedBlur(severity=3, seed=0, units="mm")(subject()).image.data
    assert not torch.equal(pixel, mm)
    turned = subject()
    turned.image.set_data(turned.image.data.permute(0, 3, 2, 1))
    along_first = GradedBlur(severity=3, seed=0, slice_axis=0)(turned).image.data
    torch.testing.assert_close(along_first.permute(0, 3, 2, 1), pixel)


@pytest.mark.parametrize("wrong", [{"severity": 0}, {"severity": 6}, {"slice_axis": 3}])
def test_wrong_arguments_are_quoted(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        GradedMotion(**wrong)  # type: ignore[arg-type]
