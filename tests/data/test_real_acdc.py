"""On real ACDC, where it can be read; elsewhere these are skipped."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from kornia.metrics import ssim

from benchmark.corrupted_sets.corrupt_set import corrupt_slices, volume_seed
from benchmark.corrupted_sets.recipe import find_recipe
from benchmark.data.acdc import read_acdc
from benchmark.data.field import centre_field, scale_slices
from benchmark.data.nifti import read_volume
from benchmark.data.prepare import prepare
from benchmark.data.prepared import read_frame
from benchmark.data.raw import RawSet

RAW = Path(
    os.environ.get("COOPBENCH_ACDC") or Path(__file__).parents[3] / "shared" / "data" / "acdc"
)
pytestmark = pytest.mark.skipif(
    not (RAW / "training").is_dir(), reason="no ACDC here; name its folder in COOPBENCH_ACDC"
)


@pytest.fixture(scope="module")
def raw() -> RawSet:
    found = read_acdc(RAW)
    chosen = tuple(s for s in found.subjects if s.subject in ("007", "090"))
    return RawSet(found.name, found.title, found.source, found.numbering, chosen)


def test_ed_of_patient_090_is_frame_04(raw: RawSet) -> None:
    frames = raw.subjects[1].frames
    assert frames["ED"].image.name == "patient090_frame04.nii.gz"
    assert frames["ES"].image.name == "patient090_frame11.nii.gz"


def test_real_subjects_are_prepared_without_a_warning(raw: RawSet, tmp_path: Path) -> None:
    done = prepare(raw, tmp_path, workers=1)
    assert done.warnings == [] and done.made == 2
    for case in done.dataset.cases:
        volumes = {}
        for frame in case.frames:
            image = read_volume(tmp_path / "acdc" / case.folder / f"{frame}_img.nii.gz")
            label = read_volume(tmp_path / "acdc" / case.folder / f"{frame}_seg.nii.gz")
            assert image.data.shape == label.data.shape
            assert image.spacing[:2] == pytest.approx((1.36719, 1.36719))
            assert image.data.min() >= 0 and image.data.max() <= 1
            volumes[frame] = [(label.data == value).sum() for value in (1, 2, 3)]
            inside = image.data[label.data == 1].mean()
            assert inside > image.data[label.data == 2].mean()  # blood is brighter than muscle
        assert volumes["ED"][0] > volumes["ES"][0] > 0
        assert np.min(list(volumes.values())) > 0


@pytest.mark.parametrize("name", ["acdc-c-severity", "mr-c"])
def test_structural_similarity_falls_with_every_severity(
    name: str, raw: RawSet, tmp_path: Path
) -> None:
    pytest.importorskip("torchio", reason="TorchIO makes the corruptions")
    dataset = prepare(raw, tmp_path, workers=1).dataset
    recipe = find_recipe(name)
    for case in dataset.cases:
        volume = read_frame(dataset, case, "ED")
        clean = torch.from_numpy(scale_slices(centre_field(volume.image, 192)))[:, None]
        similarity: dict[str, list[float]] = {}
        for kind in recipe.kinds:
            seed = volume_seed(recipe, 0, kind, case.subject, "ED", 1)
            corrupted = corrupt_slices(
                recipe, volume.image, kind, seed=seed, spacing=volume.spacing
            )
            field = torch.from_numpy(centre_field(corrupted.slices, 192))[:, None]
            family, _ = recipe.family(kind)
            similarity.setdefault(family, []).append(float(ssim(clean, field, 11).mean()))
        for family, falling in similarity.items():
            assert len(falling) == 5
            assert all(a > b for a, b in itertools.pairwise([1.0, *falling])), family
