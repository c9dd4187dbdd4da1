import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from benchmark.evaluation.metrics import dice, iou, score_volume, surface, surface_scores

OFFICIAL = Path(__file__).parents[2].parent / "shared" / "data" / "mnms-predictions"
"""A participant's label maps, and the scores that the organisers' program gave them."""

SPACING = (10.0, 1.36719, 1.36719)


def hd95(a: NDArray[np.bool_], b: NDArray[np.bool_], spacing: tuple[float, ...]) -> float:
    return surface_scores(a, b, spacing).hd95_mm


def nsd(a: NDArray[np.bool_], b: NDArray[np.bool_], spacing: tuple[float, ...]) -> float:
    return surface_scores(a, b, spacing).nsd_2mm


def box(*corner: int, side: int = 3, shape: tuple[int, ...] = (8, 12, 12)) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(c, c + side) for c in corner)] = True
    return mask


def test_dice_and_iou_by_hand() -> None:
    a, b = box(0, 0, 0), box(0, 0, 1)  # 27 voxels each, 18 shared
    assert dice(a, b) == pytest.approx(36 / 54)
    assert iou(a, b) == pytest.approx(18 / 36)
    assert dice(a, a) == 1


def test_hd95_of_shifted_points_is_their_distance() -> None:
    a, b = np.zeros((4, 9, 9), dtype=bool), np.zeros((4, 9, 9), dtype=bool)
    a[1, 2, 3] = b[2, 5, 7] = True
    assert hd95(a, b, (10.0, 2.0, 1.5)) == pytest.approx(np.sqrt(10**2 + 6**2 + 6**2))


def test_hd95_is_the_larger_direction() -> None:
    # 20 surface points agree; the prediction has 2 far ones more: 2 of 22 is over 5 %.
    label = np.zeros((1, 1, 60), dtype=bool)
    label[0, 0, :20] = True
    prediction = label.copy()
    prediction[0, 0, [40, 50]] = True
    far = [20.0 + 1, 30.0 + 1]  # from position 19
    expected = np.percentile([0.0] * 20 + far, 95)
    assert hd95(prediction, label, (1, 1, 1)) == pytest.approx(expected)
    assert hd95(label, prediction, (1, 1, 1)) == pytest.approx(expected)


def test_nsd_counts_surface_voxels_within_two_millimetres() -> None:
    label = np.zeros((1, 1, 60), dtype=bool)
    label[0, 0, :20] = True
    prediction = label.copy()
    prediction[0, 0, [21, 40]] = True  # 2 voxels and 21 voxels from the label
    assert nsd(prediction, label, (1, 1, 1)) == pytest.approx((21 + 20) / 42)
    assert nsd(prediction, label, (1, 1, 1.1)) == pytest.approx((20 + 20) / 42)
    assert nsd(label, label, (1, 1, 1)) == 1


def test_hausdorff_and_average_distance_by_hand() -> None:
    # Twenty voxels in a row, and the same with two far ones more.
    label = np.zeros((1, 1, 60), dtype=bool)
    label[0, 0, :20] = True
    prediction = label.copy()
    prediction[0, 0, [40, 50]] = True
    scores = surface_scores(prediction, label, (1, 1, 1.5))
    assert scores.hd_mm == pytest.approx(31 * 1.5)
    # One direction's mean is (21 + 31) voxels over 22, the other's 0.
    assert scores.assd_mm == pytest.approx((21 + 31) * 1.5 / 22 / 2)
    assert surface_scores(label, prediction, (1, 1, 1.5)) == scores


def test_volumes_and_jaccard_of_a_structure_by_hand() -> None:
    label = np.zeros((2, 6, 6), dtype=np.uint8)
    prediction = label.copy()
    label[0, :2], prediction[0, 1:3] = 1, 1  # 12 voxels each, 6 shared
    prediction[1, 0, :3] = 2
    lv, myo, rv = score_volume(prediction, label, (10.0, 1.5, 2.0))
    assert lv.jaccard == pytest.approx(6 / 18)
    assert (lv.label_ml, lv.prediction_ml) == pytest.approx((12 * 0.03, 12 * 0.03))
    assert (myo.label_ml, myo.prediction_ml) == pytest.approx((0, 3 * 0.03))
    assert (rv.label_ml, rv.prediction_ml, rv.absent) == (0, 0, "both")


def test_rules_for_absent_structures() -> None:
    empty, full = np.zeros((4, 9, 9), dtype=bool), box(0, 0, 0, shape=(4, 9, 9))
    diagonal = np.sqrt((4 * 10) ** 2 + 2 * (9 * 1.36719) ** 2)
    assert np.isnan(dice(empty, empty)) and np.isnan(hd95(empty, empty, SPACING))
    for a, b in ((empty, full), (full, empty)):
        assert dice(a, b) == 0
        assert hd95(a, b, SPACING) == pytest.approx(diagonal)
        assert nsd(a, b, SPACING) == 0
        scores = surface_scores(a, b, SPACING)
        assert (scores.hd_mm, scores.assd_mm) == pytest.approx((diagonal, diagonal))
        assert iou(a, b) == 0
    assert all(np.isnan(value) for value in vars(surface_scores(empty, empty, SPACING)).values())


def test_scores_of_a_volume_say_what_is_absent() -> None:
    label = np.zeros((2, 6, 6), dtype=np.uint8)
    prediction = label.copy()
    label[0, :2], label[0, 3] = 1, 2
    prediction[0, :2] = 1
    scores = {score.structure: score for score in score_volume(prediction, label, (1, 1, 1))}
    assert scores["LV"].dice == 1 and scores["LV"].hd95_mm == 0 and scores["LV"].absent == ""
    assert scores["MYO"].dice == 0 and scores["MYO"].absent == "prediction"
    assert np.isnan(scores["RV"].dice) and scores["RV"].absent == "both"
    swapped = {score.structure: score for score in score_volume(label, prediction, (1, 1, 1))}
    assert swapped["MYO"].absent == "label"


def masks() -> st.SearchStrategy[tuple[int, float]]:
    return st.tuples(st.integers(0, 2**31), st.floats(0.02, 0.6))


@pytest.mark.slow
@given(masks(), masks())
@example((29033702, 0.40234375), (29033702, 0.419921875))
@settings(max_examples=60, deadline=None)
def test_agrees_with_monai(one: tuple[int, float], other: tuple[int, float]) -> None:
    metrics = pytest.importorskip("monai.metrics")
    a, b = (np.random.default_rng(seed).random((5, 9, 11)) < share for seed, share in (one, other))
    if not a.any() or not b.any():
        return  # MONAI leaves these undefined; the rules above are ours
    ours, theirs = (torch.from_numpy(m)[None, None].float() for m in (a, b))
    # MONAI looks at a mask's edge inside the field only, so the field is given a margin.
    ours, theirs = (torch.nn.functional.pad(m, (1,) * 6) for m in (ours, theirs))
    monai = metrics.compute_hausdorff_distance(
        ours, theirs, include_background=True, percentile=95, spacing=SPACING
    )
    # MONAI's percentile is of float32: the place among 200 distances is rounded by 1e-5 of a gap.
    assert hd95(a, b, SPACING) == pytest.approx(monai.item(), rel=1e-5, abs=1e-4)
    assert dice(a, b) == pytest.approx(metrics.compute_dice(ours, theirs).item(), rel=1e-5)
    monai = metrics.compute_surface_dice(
        ours, theirs, class_thresholds=[2.0], include_background=True, spacing=SPACING
    )
    assert nsd(a, b, SPACING) == pytest.approx(monai.item(), rel=1e-5)
    scores = surface_scores(a, b, SPACING)
    monai = metrics.compute_hausdorff_distance(
        ours, theirs, include_background=True, spacing=SPACING
    )
    assert scores.hd_mm == pytest.approx(monai.item(), rel=1e-5)
    one_way = [
        metrics.compute_average_surface_distance(*pair, include_background=True, spacing=SPACING)
        for pair in ((ours, theirs), (theirs, ours))
    ]
    assert scores.assd_mm == pytest.approx(np.mean(one_way), rel=1e-5)


@pytest.mark.slow
def test_monai_gives_nan_where_our_rule_gives_the_diagonal() -> None:
    metrics = pytest.importorskip("monai.metrics")
    full, empty = box(1, 1, 1), np.zeros((8, 12, 12), dtype=bool)
    one, none = (torch.from_numpy(m)[None, None].float() for m in (full, empty))
    undefined = metrics.compute_hausdorff_distance(
        none, one, include_background=True, percentile=95, spacing=SPACING
    )
    assert not np.isfinite(undefined.item())
    assert np.isfinite(hd95(empty, full, SPACING))


@given(masks())
@settings(max_examples=30, deadline=None)
def test_distance_is_symmetric_and_zero_on_itself(one: tuple[int, float]) -> None:
    seed, share = one
    rng = np.random.default_rng(seed)
    a, b = rng.random((4, 8, 8)) < share, rng.random((4, 8, 8)) < share
    if a.any() and b.any():
        assert hd95(a, a, SPACING) == 0
        assert hd95(a, b, SPACING) == hd95(b, a, SPACING)


@given(masks())
def test_surface_is_the_mask_minus_its_erosion(one: tuple[int, float]) -> None:
    seed, share = one
    mask = np.random.default_rng(seed).random((3, 7, 8)) < share**0.2
    np.testing.assert_array_equal(surface(mask), mask & ~ndimage.binary_erosion(mask))


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the challenge's own scores are not here")
def test_agrees_with_the_organisers_of_mnms_to_four_digits() -> None:
    names = {"Dice": "dice", "Jaccard": "jaccard", "Hausdorff": "hd_mm", "ASSD": "assd_mm"}
    with (OFFICIAL / "official.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    for row in rows:
        file_name = f"{row['Name'].removesuffix('_gt')}.nii.gz"
        label = nib.load(OFFICIAL / "labels" / file_name)
        prediction = np.asarray(nib.load(OFFICIAL / "predictions" / file_name).dataobj)
        scores = score_volume(
            prediction.round().astype(np.uint8),
            np.asarray(label.dataobj).round().astype(np.uint8),
            tuple(map(float, label.header.get_zooms())),
        )
        for one in scores:
            for theirs, ours in names.items():
                expected = float(row[f"{theirs} {one.structure}"])
                assert getattr(one, ours) == pytest.approx(expected, rel=1e-5), (file_name, theirs)


def test_surface_of_a_solid_box_is_its_shell() -> None:
    mask = box(2, 2, 2, side=4)
    assert surface(mask).sum() == 4**3 - 2**3
