"""The published corruptions, against what TorchIO 0.16.22 itself made (torchio_0_16_22/).

vectors.npz holds synthetic inputs (slices, H, W) and the library's outputs, vectors.json the seeds
given to ``torch.manual_seed`` and the parameters that it drew: 4 kinds × 4 shapes × 3 draws.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

tio = pytest.importorskip("torchio", reason="the corruptions are TorchIO transforms")

from benchmark.corrupted_sets.recipe import find_recipe  # noqa: E402
from benchmark.data.field import scale_slices  # noqa: E402
from corruptions.acdc_c import ACDC_C, CORRUPTIONS  # noqa: E402
from corruptions.torchio_0_16 import (  # noqa: E402
    PublishedBias,
    PublishedGhosting,
    PublishedMotion,
    PublishedSpike,
)
from corruptions.torchio_0_16.bias import TERMS  # noqa: E402
from corruptions.torchio_0_16.corruption import seeded  # noqa: E402

VECTORS = Path(__file__).parent / "torchio_0_16_22"
CASES = json.loads((VECTORS / "vectors.json").read_text())
KINDS = tuple(CORRUPTIONS)
SPACING = (10.0, 1.4, 1.4)

sides = st.integers(1, 9)
stacks = st.tuples(st.integers(1, 5), sides, sides).flatmap(
    lambda shape: st.one_of(
        st.floats(0, 1, width=32).map(lambda value: np.full(shape, value, np.float32)),
        arrays.arrays(np.float32, shape, elements=st.floats(0, 1, width=32)),
    )
)
seeds = st.integers(0, 2**63 - 1)


@pytest.fixture(scope="module")
def vectors() -> dict[str, np.ndarray]:
    with np.load(VECTORS / "vectors.npz") as file:
        return dict(file)


# The library's own numbers.


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["key"])
def test_every_voxel_is_the_librarys(case: dict[str, Any], vectors: dict[str, np.ndarray]) -> None:
    clean, wanted = vectors[case["input"]], vectors[case["key"]]
    corrupted = CORRUPTIONS[case["kind"]].apply_to(clean, case["parameters"])
    assert corrupted.dtype == np.float32
    np.testing.assert_allclose(corrupted, wanted, rtol=0, atol=1e-4 * np.ptp(clean))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["key"])
def test_seed_draws_the_librarys_parameters(
    case: dict[str, Any], vectors: dict[str, np.ndarray]
) -> None:
    """All draws can be followed, to the last bit: by transform, by its seed, and by recipe."""
    clean, kind, seed = vectors[case["input"]], case["kind"], case["torch_seed"]
    subject = tio.Subject(image=tio.ScalarImage(tensor=torch.from_numpy(clean)[None]))
    torch.manual_seed(seed)
    (by_global_generator,) = CORRUPTIONS[kind]()(subject).history
    (by_seed,) = CORRUPTIONS[kind](seed=seed)(subject).history
    for applied in (by_global_generator, by_seed):
        assert applied.parameters["image"] == case["parameters"]
    assert (
        find_recipe("acdc-c").corrupt(clean, kind, seed, SPACING).parameters == (case["parameters"])
    )


def test_there_are_48_cases() -> None:
    assert len({case["key"] for case in CASES}) == 48
    assert {case["kind"] for case in CASES} == set(KINDS)


# The same as a formula says, written plainly, in double precision.


def shifted(image: np.ndarray) -> np.ndarray:
    return np.fft.fftshift(np.fft.fftn(image.astype(np.float64)))


def magnitude_of(spectrum: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.ifftn(np.fft.ifftshift(spectrum)))


def plain_ghosting(stack: np.ndarray, axis: int, num_ghosts: int, intensity: float) -> np.ndarray:
    """Plane by plane, with two-dimensional spectra whose rows are along ``axis``."""
    through = 0 if axis else 1
    other = 3 - axis - through
    planes = stack.transpose(through, axis, other)
    result = np.empty(planes.shape)
    for index, plane in enumerate(planes):
        spectrum = shifted(plane)
        for row in range(0, len(spectrum), num_ghosts):
            if abs(row / stack.shape[0] - 0.5) >= 0.025:
                spectrum[row] *= 1 - intensity
        result[index] = magnitude_of(spectrum)
    return result.transpose(np.argsort((through, axis, other)))


@given(stacks, seeds)
def test_ghosting_is_that_of_planes(stack: np.ndarray, seed: int) -> None:
    drawn = PublishedGhosting.draw(stack.shape, seeded(seed))
    ours = PublishedGhosting.apply_to(stack, drawn)
    np.testing.assert_allclose(ours, plain_ghosting(stack, **drawn), rtol=0, atol=2e-6)


@given(stacks, seeds, st.sampled_from([0.0, -0.5]))
def test_spike_is_one_coefficient_of_the_whole_spectrum(
    stack: np.ndarray, seed: int, offset: float
) -> None:
    """Also of images with negative voxels, whose largest coefficient may be any."""
    image = stack + np.float32(offset)
    drawn = PublishedSpike.draw(stack.shape, seeded(seed))
    spectrum = shifted(image).ravel()
    # Far apart enough that rounding does not decide which is the largest.
    real = np.sort(spectrum.real)
    if offset and len(real) > 1 and real[-1] - real[-2] < 1e-4:
        return
    place = int(drawn["spikes_positions"][0] * stack.size)
    spectrum[place] = spectrum.max() * drawn["intensity"]
    wanted = magnitude_of(spectrum.reshape(stack.shape))
    np.testing.assert_allclose(PublishedSpike.apply_to(image, drawn), wanted, rtol=0, atol=2e-6)


@given(st.tuples(st.integers(3, 6), st.integers(4, 9), st.integers(4, 9)), seeds)
def test_bias_is_the_polynomial(shape: tuple[int, int, int], seed: int) -> None:
    drawn = PublishedBias.draw(shape, seeded(seed))
    axes = [(np.arange(n) - n / 2) / (n / 2 - 1) for n in shape]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    terms = zip(drawn["coefficients"], TERMS, strict=True)
    exponent = sum(c * x**i * y**j * z**k for c, (i, j, k) in terms)
    ours = PublishedBias.apply_to(np.ones(shape, np.float32), drawn)
    np.testing.assert_allclose(ours, np.exp(exponent), rtol=1e-5)


def test_motion_without_a_movement_is_the_image() -> None:
    still = {"times": [0.3, 0.7], "degrees": [[0.0] * 3] * 2, "translation": [[0.0] * 3] * 2}
    for shape in ((3, 8, 7), (2, 5, 8), (1, 1, 1)):
        stack = np.random.default_rng(0).random(shape, dtype=np.float32)
        np.testing.assert_allclose(PublishedMotion.apply_to(stack, still), stack, atol=1e-6)


def test_motion_takes_the_outer_segments_from_the_moved_images() -> None:
    """A shift by one whole voxel along H, before and after the middle: by hand, with fftn."""
    stack = np.random.default_rng(1).random((4, 9, 10), dtype=np.float32)
    drawn = {"times": [0.3, 0.7], "degrees": [[0.0] * 3] * 2, "translation": [[0, 1, 0], [0, 0, 0]]}
    ours = PublishedMotion.apply_to(stack, drawn)
    gone = np.full((4, 1, 10), stack.min())
    candidates = []
    for shift in (np.append(stack[:, 1:], gone, 1), np.append(gone, stack[:, :-1], 1)):
        spectrum = shifted(stack)
        spectrum[..., :3] = shifted(shift)[..., :3]
        candidates.append(np.abs(magnitude_of(spectrum) - ours).max())
    assert min(candidates) < 1e-6 < 1e-2 < max(candidates)


# What is peculiar to that release.


def test_middle_row_is_spared_along_the_slices_alone() -> None:
    """Of a constant, the middle row is all there is; axis 0 has 10 voxels, whatever rows are."""
    flat = np.full((10, 40, 40), 0.5, np.float32)
    for axis, left in ((0, 0.5), (1, 0.5 * 0.25), (2, 0.5 * 0.25)):
        drawn = {"axis": axis, "num_ghosts": 5, "intensity": 0.75}
        np.testing.assert_allclose(PublishedGhosting.apply_to(flat, drawn), left, atol=1e-6)


def test_spike_is_set_not_added() -> None:
    """In the middle of the spectrum it replaces the mean; elsewhere it is a wave's height."""
    flat = np.full((4, 6, 8), 0.5, np.float32)
    middle = np.ravel_multi_index((2, 3, 4), flat.shape) / flat.size
    drawn = {"intensity": 0.25, "spikes_positions": [middle + 1e-6]}
    np.testing.assert_allclose(PublishedSpike.apply_to(flat, drawn), 0.125, atol=1e-6)
    beside = PublishedSpike.apply_to(flat, drawn | {"spikes_positions": [0.9]})
    assert beside.min() >= 0.375 - 1e-6 and beside.max() <= 0.625 + 1e-6
    assert np.ptp(beside) > 0.2


def test_bias_reaches_further_on_one_side() -> None:
    coefficients = [0.0] * 20
    coefficients[TERMS.index((0, 0, 1))] = 0.5
    ones = np.ones((1, 1, 10), np.float32)
    field = np.log(PublishedBias.apply_to(ones, {"coefficients": coefficients})[0, 0])
    assert field[0] == pytest.approx(-0.5 * 10 / 8) and field[-1] == pytest.approx(0.5)


# Small stacks.


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@given(stack=stacks, seed=seeds)
def test_no_stack_leaves_the_finite_numbers(kind: str, stack: np.ndarray, seed: int) -> None:
    corruption = CORRUPTIONS[kind]
    drawn = corruption.draw(stack.shape, seeded(seed))
    before = stack.copy()
    corrupted = corruption.apply_to(stack, drawn)
    assert np.array_equal(stack, before)
    assert corrupted.shape == stack.shape and corrupted.dtype == np.float32
    assert np.isfinite(corrupted).all() and corrupted.min() >= 0
    scaled = scale_slices(corrupted)
    assert np.isfinite(scaled).all() and scaled.min() >= 0 and scaled.max() <= 1
    replayed = ACDC_C().replay(stack, kind, json.loads(json.dumps(drawn)))
    assert np.array_equal(replayed, corrupted)


def test_largest_field_of_a_cube_of_3_is_finite() -> None:
    """At (−3, −3, −3) the polynomial reaches 167, and single precision ends at exp(88)."""
    worst = [0.5 * (-1) ** sum(term) for term in TERMS]
    field = PublishedBias.apply_to(np.ones((3, 3, 3), np.float32), {"coefficients": worst})
    assert np.isfinite(field).all() and field.max() > 1e20


def test_bias_on_axes_of_one_and_two() -> None:
    coefficients = [0.0] * 20
    coefficients[TERMS.index((1, 0, 0))] = 0.4
    fields = [
        np.log(
            PublishedBias.apply_to(np.ones((n, 1, 1), np.float32), {"coefficients": coefficients})
        )
        for n in (1, 2)
    ]
    np.testing.assert_allclose(fields[0].ravel(), [0.4], rtol=1e-6)
    np.testing.assert_allclose(fields[1].ravel(), [-0.4, 0], atol=1e-6)


def test_single_slice_moves_and_ghosts_in_its_plane() -> None:
    for seed in range(20):
        drawn = PublishedMotion.draw((1, 30, 30), seeded(seed))
        degrees, translation = np.array(drawn["degrees"]), np.array(drawn["translation"])
        assert (degrees[:, 1:] == 0).all() and (degrees[:, 0] != 0).all()
        assert (translation[:, 0] == 0).all() and (translation[:, 1:] != 0).all()
        assert PublishedGhosting.draw((1, 30, 30), seeded(seed))["axis"] in (1, 2)
        assert PublishedGhosting.draw((8, 30, 1), seeded(seed))["axis"] in (0, 1)


# What is drawn, over many seeds.


def test_draws_are_uniform_over_seeds() -> None:
    shape, count = (10, 40, 40), 1500
    drawn = {
        kind: [CORRUPTIONS[kind].draw(shape, seeded(seed)) for seed in range(count)]
        for kind in KINDS
    }
    uniforms = {
        "spike": ([one["intensity"] for one in drawn["RandSpike"]], 0.1, 1),
        "place": ([one["spikes_positions"][0] for one in drawn["RandSpike"]], 0, 1),
        "ghosting": ([one["intensity"] for one in drawn["RandGhosting"]], 0.5, 1),
        "degrees": ([one["degrees"][1][2] for one in drawn["RandMotion"]], -30, 30),
        "translation": ([one["translation"][0][1] for one in drawn["RandMotion"]], -10, 10),
        "first": ([one["times"][0] for one in drawn["RandMotion"]], 1 / 3 - 0.1, 1 / 3 + 0.1),
        "second": ([one["times"][1] for one in drawn["RandMotion"]], 2 / 3 - 0.1, 2 / 3 + 0.1),
        "bias": ([one["coefficients"][19] for one in drawn["RandBias"]], -0.5, 0.5),
    }
    for name, (values, low, high) in uniforms.items():
        assert low - 1e-6 <= min(values) and max(values) <= high + 1e-6, name
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-3, name
    ghosts = [one["num_ghosts"] for one in drawn["RandGhosting"]]
    axes = [one["axis"] for one in drawn["RandGhosting"]]
    assert sorted(set(ghosts)) == list(range(4, 11)) and sorted(set(axes)) == [0, 1, 2]
    assert stats.chisquare(np.bincount(ghosts)[4:]).pvalue > 1e-3
    assert stats.chisquare(np.bincount(axes)).pvalue > 1e-3


# As TorchIO transforms.


def subject() -> "tio.Subject":
    volume = torch.from_numpy(np.random.default_rng(0).random((2, 5, 24, 20), dtype=np.float32))
    return tio.Subject(
        image=tio.ScalarImage(tensor=100 * volume), label=tio.LabelMap(tensor=volume[:1] > 0.5)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_transform_corrupts_channels_alike_and_labels_not(kind: str) -> None:
    before = subject()
    after = CORRUPTIONS[kind](seed=3)(before)
    drawn = CORRUPTIONS[kind].draw((5, 24, 20), seeded(3))
    for channel, wanted in zip(after.image.data, before.image.data, strict=True):
        np.testing.assert_array_equal(
            channel.numpy(), CORRUPTIONS[kind].apply_to(wanted.numpy(), drawn)
        )
    assert torch.equal(after.label.data, before.label.data)
    replayed = after.get_composed_history()(before)
    assert torch.equal(replayed.image.data, after.image.data)


@pytest.mark.parametrize("kind", KINDS)
def test_seed_leaves_the_global_generator_alone(kind: str) -> None:
    before, state = subject(), torch.get_rng_state()
    find_recipe("acdc-c").corrupt(before.image.numpy()[0], kind, 5, SPACING)
    assert torch.equal(state, torch.get_rng_state())
    free = [CORRUPTIONS[kind]()(before).image.data for _ in range(2)]
    assert not torch.equal(*free)


def test_transform_may_act_now_and_then() -> None:
    before = subject()
    torch.manual_seed(0)
    same = [
        torch.equal(PublishedBias(p=0.5)(before).image.data, before.image.data) for _ in "12345678"
    ]
    assert any(same) and not all(same)
