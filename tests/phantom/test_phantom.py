import csv
import hashlib
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from benchmark.data.acdc import read_acdc
from benchmark.data.dataset import Splits
from benchmark.data.labels import remap
from benchmark.data.mnms import read_mnms
from benchmark.data.nifti import Volume, read_volume
from benchmark.data.raw import RawFrame, RawSet
from benchmark.phantom.acquisition import rician_noise, short_axis_stack
from benchmark.phantom.outline import Outline, centred_grid
from benchmark.phantom.raw_layouts import write_phantom
from benchmark.phantom.site import CROSS_SITES, SINGLE_SITE

LAYOUTS = "benchmark.phantom.raw_layouts"
pytestmark = pytest.mark.xdist_group("phantom")
"""One worker draws the whole phantom, once for all of these tests."""

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)[..., None]


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(folder, seed=0)
    return folder


@pytest.fixture(scope="session")
def single_site(raw: Path) -> RawSet:
    return read_acdc(raw / "ACDC")


@pytest.fixture(scope="session")
def cross_site(raw: Path) -> RawSet:
    return read_mnms(raw / "MnMs")


@pytest.fixture(scope="session")
def volumes(single_site: RawSet, cross_site: RawSet) -> dict[str, tuple[Volume, Volume]]:
    """Image and label, renumbered as prepared ones are, under ``set/subject/frame``."""
    return {
        f"{raw_set.name}/{subject.subject}/{frame}": read_frame(raw_frame, raw_set)
        for raw_set in (single_site, cross_site)
        for subject in raw_set.subjects
        for frame, raw_frame in subject.frames.items()
    }


def read_frame(frame: RawFrame, raw_set: RawSet) -> tuple[Volume, Volume]:
    label = read_volume(frame.label, frame.index)
    renumbered = remap(label.data, raw_set.numbering)
    return (
        read_volume(frame.image, frame.index),
        Volume(renumbered, label.affine, label.spacing),
    )


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rim(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels outside ``mask`` that share an edge with it, in their slice."""
    return ndimage.binary_dilation(mask, CROSS) & ~mask


def contrast(image: NDArray[np.generic], label: NDArray[np.generic]) -> float:
    """How much darker myocardium is than blood, as a fraction of blood."""
    return 1 - float(np.median(image[label == 2]) / np.median(image[label == 1]))


def test_raw_layout_is_complete(raw: Path) -> None:
    training = raw / "ACDC" / "training"
    assert sorted(p.name for p in training.iterdir()) == [f"patient{n:03d}" for n in range(1, 26)]
    assert sorted(p.name for p in (training / "patient001").iterdir()) == [
        "Info.cfg",
        "patient001_frame01.nii.gz",
        "patient001_frame01_gt.nii.gz",
        "patient001_frame09.nii.gz",
        "patient001_frame09_gt.nii.gz",
    ]
    info = (training / "patient001" / "Info.cfg").read_text()
    keys = [line.split(":")[0] for line in info.splitlines()]
    assert keys == ["ED", "ES", "Group", "Height", "NbFrame", "Weight"]
    assert info.startswith("ED: 1\nES: 9\nGroup: PHANTOM\n")
    labelled = raw / "MnMs" / "Training" / "Labeled"
    with (raw / "MnMs" / "mnms.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["External code", "Vendor", "Centre", "ED", "ES"]
    assert {row["Vendor"] for row in rows} == {"A", "B"}
    assert len({row["Centre"] for row in rows}) == 3
    assert sorted(p.name for p in labelled.iterdir()) == [row["External code"] for row in rows]
    assert len(rows) == 8


def test_readers_find_every_subject_and_frame(single_site: RawSet, cross_site: RawSet) -> None:
    assert len(single_site.subjects) == 25
    assert len(cross_site.subjects) == 8
    for subject in (*single_site.subjects, *cross_site.subjects):
        assert set(subject.frames) == {"ED", "ES"}


def test_one_subject_has_es_before_ed_in_each_set(single_site: RawSet, cross_site: RawSet) -> None:
    late = [s.subject for s in single_site.subjects if s.frames["ES"].image < s.frames["ED"].image]
    assert late == ["020"]
    assert any(s.frames["ED"].index != 0 for s in cross_site.subjects)


def test_cine_is_labelled_at_ed_and_es_only(cross_site: RawSet) -> None:
    for subject in cross_site.subjects:
        label = np.asarray(nib.load(subject.frames["ED"].label).dataobj)
        image = nib.load(subject.frames["ED"].image)
        assert label.shape == image.shape
        labelled = np.flatnonzero(label.any(axis=(0, 1, 2)))
        assert set(labelled) == {frame.index for frame in subject.frames.values()}
        assert label.shape[3] > len(labelled)


@pytest.mark.slow
def test_same_seed_gives_the_same_bytes(raw: Path, tmp_path: Path) -> None:
    write_phantom(tmp_path, seed=0)
    assert digests(tmp_path) == digests(raw)


@pytest.mark.slow
def test_another_seed_gives_other_bytes(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{LAYOUTS}.SUBJECTS", ("001", "018"))
    monkeypatch.setattr(f"{LAYOUTS}.TEST", ("018",))
    write_phantom(tmp_path, seed=1)
    first, second = digests(raw), digests(tmp_path)
    volumes = [name for name in second if name.endswith(".nii.gz")]
    assert volumes
    assert all(first[name] != second[name] for name in volumes)


def test_leaving_subjects_out_changes_no_other(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{LAYOUTS}.SUBJECTS", ("007", "020"))
    monkeypatch.setattr(f"{LAYOUTS}.CROSS_SUBJECTS", (("PH05B2", CROSS_SITES[1]),))
    write_phantom(tmp_path, seed=0)
    fewer, all_of_them = digests(tmp_path), digests(raw)
    volumes = [name for name in fewer if name.endswith((".nii.gz", ".cfg"))]
    assert len(volumes) == 2 * 5 + 2
    assert all(fewer[name] == all_of_them[name] for name in volumes)


def test_progress_counts_every_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{LAYOUTS}.SUBJECTS", ("001", "002"))
    monkeypatch.setattr(f"{LAYOUTS}.CROSS_SUBJECTS", (("PH01A1", CROSS_SITES[0]),))
    seen: list[tuple[int, int]] = []
    write_phantom(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_files_hold_what_scanners_store(volumes: dict[str, tuple[Volume, Volume]]) -> None:
    for name, (image, label) in volumes.items():
        assert image.data.dtype == np.int16, name
        assert image.data.min() >= 0, name
        assert image.data.shape == label.data.shape, name
        assert image.data.shape[2] in (5, 6), name
        assert 8 <= image.spacing[2] <= 10, name
        assert np.array_equal(image.affine, label.affine), name


def test_each_set_uses_the_numbering_of_its_challenge(raw: Path) -> None:
    """LV is what the myocardium encloses, whatever its number; RV is the third structure."""
    gt = raw / "ACDC" / "training" / "patient003" / "patient003_frame01_gt.nii.gz"
    acdc = np.asarray(nib.load(gt).dataobj)
    code = raw / "MnMs" / "Training" / "Labeled" / "PH03B3" / "PH03B3_sa_gt.nii.gz"
    mnms = np.asarray(nib.load(code).dataobj)[..., 0]
    for label, enclosed, beside in ((acdc, 3, 1), (mnms, 1, 3)):
        assert set(np.unique(label)) == {0, 1, 2, 3}
        wall = label == 2
        hole = ndimage.binary_fill_holes(wall, CROSS) & ~wall
        assert set(np.unique(label[hole])) == {enclosed}
        assert not (hole & (label == beside)).any()


def test_myocardium_separates_lv_from_everything(
    volumes: dict[str, tuple[Volume, Volume]],
) -> None:
    for name, (_, label) in volumes.items():
        touching = label.data[rim(label.data == 1)]
        assert set(np.unique(touching)) == {2}, name


def test_each_structure_is_in_one_piece_per_slice(
    volumes: dict[str, tuple[Volume, Volume]],
) -> None:
    for name, (_, label) in volumes.items():
        for number in range(label.data.shape[2]):
            for value in (1, 2, 3):
                _, pieces = ndimage.label(label.data[:, :, number] == value, np.ones((3, 3)))
                assert pieces <= 1, f"{name}, slice {number}, label {value}"


def test_most_slices_are_labelled(volumes: dict[str, tuple[Volume, Volume]]) -> None:
    for name, (_, label) in volumes.items():
        labelled = (label.data == 1).any(axis=(0, 1))
        assert labelled.sum() >= 4, name
        assert (label.data == 3).any(axis=(0, 1)).sum() >= 3, name
    assert any(not label.data.any(axis=(0, 1)).all() for _, label in volumes.values())


def test_lv_is_clearly_larger_at_ed(volumes: dict[str, tuple[Volume, Volume]]) -> None:
    for name, (_, ed) in volumes.items():
        if name.endswith("ED"):
            _, es = volumes[name.removesuffix("ED") + "ES"]
            assert (ed.data == 1).sum() > 1.3 * (es.data == 1).sum(), name


def test_heart_is_near_but_not_at_the_centre(volumes: dict[str, tuple[Volume, Volume]]) -> None:
    offsets = []
    for _, label in volumes.values():
        centroid = np.array(ndimage.center_of_mass(label.data == 1))[:2]
        middle = (np.array(label.data.shape[:2]) - 1) / 2
        offsets.append(float(np.hypot(*((centroid - middle) * label.spacing[:2]))))
    assert max(offsets) < 20
    assert np.median(offsets) > 3


def test_sites_differ_in_spacing_and_contrast(volumes: dict[str, tuple[Volume, Volume]]) -> None:
    spacings: dict[str, list[float]] = {"acdc": [], "mnms": []}
    contrasts: dict[str, list[float]] = {"acdc": [], "mnms": []}
    for name, (image, label) in volumes.items():
        site = name.split("/")[0]
        spacings[site].append(image.spacing[0])
        contrasts[site].append(contrast(image.data, label.data))
        assert contrasts[site][-1] > 0.2, f"{name}: blood and myocardium look alike"
    assert 1.4 <= min(spacings["acdc"]) <= max(spacings["acdc"]) <= 1.6
    assert min(spacings["mnms"]) < 1.3
    assert max(spacings["mnms"]) > 1.7
    assert min(contrasts["mnms"]) < min(contrasts["acdc"])


def test_one_cross_site_header_is_not_quite_orthonormal(cross_site: RawSet) -> None:
    errors = {}
    for subject in cross_site.subjects:
        affine = nib.load(subject.frames["ED"].image).affine[:3, :3]
        cosines = affine / np.linalg.norm(affine, axis=0)
        errors[subject.subject] = float(np.abs(cosines.T @ cosines - np.eye(3)).max())
    assert [code for code, error in errors.items() if error > 1e-4] == ["PH05B2"]
    assert errors["PH05B2"] < 0.01


def test_splits_are_disjoint_and_exist(raw: Path, single_site: RawSet) -> None:
    splits = Splits.model_validate(json.loads((raw / "splits.json").read_text()))
    there = {subject.subject for subject in single_site.subjects}
    assert splits.test == tuple(f"{number:03d}" for number in range(20, 26))
    assert set(splits.repeats) == {0, 1, 2}
    for split in splits.repeats.values():
        used = [*split.train, *split.validation, *splits.test]
        assert len(used) == len(set(used)) == 10 + 3 + 6
        assert set(used) <= there
        assert split.dropped_from_validation == ()
    assert len({split.train for split in splits.repeats.values()}) == 3


def test_distance_to_a_circle_is_exact() -> None:
    grid = centred_grid((21, 31), 2.0)
    distance = Outline(3.0, -4.0, 8.0, 8.0).distance(grid)
    expected = np.hypot(grid.x - 3, grid.y + 4) - 8
    np.testing.assert_allclose(distance, expected, atol=1e-3)


def test_window_of_an_outline_holds_all_of_it() -> None:
    grid = centred_grid((64, 48), 1.5)
    outline = Outline(-11.0, 7.0, 20.0, 6.0, 0.6, ((3, 0.1, 0.4),))
    inside = outline.distance(grid) < 0
    outside_window = np.ones(grid.shape, dtype=bool)
    outside_window[grid.near(outline)] = False
    assert inside.any()
    assert not (inside & outside_window).any()


def test_noise_of_air_follows_rayleigh() -> None:
    rng = np.random.default_rng(0)
    noise = rician_noise(rng, np.zeros((200, 200), dtype=np.float32), 0.1)
    assert noise.min() >= 0
    assert noise.mean() == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.02)


def test_frames_of_a_stack_share_body_and_differ_in_noise() -> None:
    stack = short_axis_stack(np.random.default_rng(3), SINGLE_SITE, (0.0, 0.0))
    assert np.array_equal(stack.label[0], stack.label[1])
    difference = stack.image[0].astype(float) - stack.image[1]
    assert 0 < difference.std() < 0.1 * stack.image[0].max()
