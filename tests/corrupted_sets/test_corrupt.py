import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from benchmark.core.errors import UsageError
from benchmark.core.seeding import derive_seed
from benchmark.corrupted_sets.corrupt_set import corrupt
from benchmark.corrupted_sets.corrupt_volume import volume_seed
from benchmark.corrupted_sets.recipe import find_recipe
from benchmark.data.dataset import Dataset, find_datasets
from benchmark.data.field import centre_field, put_back, scale_slices

pytest.importorskip("torchio", reason="TorchIO makes the corruptions")
SPACING = (10.0, 1.4, 1.4)
SEED_OF_VERSION_1 = 6107981246703137001
KINDS = ("RandBias", "RandGhosting", "RandMotion", "RandSpike")


def stack(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((3, 48, 48), dtype=np.float32)


@pytest.fixture(scope="module")
def corrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Path]:
    from benchmark.data.dataset import read_dataset

    clean = read_dataset(data / "acdc")
    out = tmp_path_factory.mktemp("acdc-c")
    corrupt(clean, find_recipe("acdc-c"), out, seed=0, workers=2)
    return clean, out


def fingerprints(out: Path) -> dict[str, str]:
    return {dataset.kind: dataset.fingerprint for dataset in find_datasets(out)}


@pytest.mark.parametrize("name", ["acdc-c", "acdc-c-torchio1", "acdc-c-physical"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_draws_the_same_and_another_one_other_voxels(kind: str, name: str) -> None:
    recipe = find_recipe(name)
    one, two, other = (recipe.corrupt(stack(), kind, seed, SPACING) for seed in (1, 1, 2))
    assert np.array_equal(one.slices, two.slices) and one.parameters == two.parameters
    assert not np.array_equal(one.slices, other.slices)
    assert one.slices.shape == (3, 48, 48) and one.slices.dtype == np.float32
    json.dumps(one.parameters)


def test_the_global_generator_is_left_as_it_was() -> None:
    state = torch.get_rng_state()
    find_recipe("acdc-c-torchio1").corrupt(stack(), "RandMotion", 5, SPACING)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("kind", KINDS)
def test_recipe_of_torchio_1_is_its_own_on_the_whole_stack(kind: str) -> None:
    """Against TorchIO called directly, as the protocol writes it."""
    import torchio as tio

    transform = {
        "RandBias": tio.RandomBiasField(),
        "RandGhosting": tio.RandomGhosting(),
        "RandMotion": tio.RandomMotion(degrees=30, translation=10),
        "RandSpike": tio.RandomSpike(),
    }[kind]
    torch.manual_seed(11)
    image = tio.ScalarImage(tensor=torch.from_numpy(stack())[None], affine=np.eye(4))
    wanted = transform(tio.Subject(image=image)).image.numpy()[0]
    ours = find_recipe("acdc-c-torchio1").corrupt(stack(), kind, 11, SPACING).slices
    np.testing.assert_array_equal(ours, wanted)


def test_renamed_recipe_keeps_the_seeds_of_its_first_name() -> None:
    """So it makes the voxels of acdc-c's version 1; the seed is one of a set made then."""
    renamed, physical = find_recipe("acdc-c-torchio1"), find_recipe("acdc-c-physical")
    name = ("RandBias", "007", "ED", 1)
    assert renamed.version == 1 and volume_seed(renamed, 0, *name) == SEED_OF_VERSION_1
    assert volume_seed(physical, 0, *name) == derive_seed("acdc-c-physical", 0, *name)


def test_set_holds_three_draws_of_each_test_subject(corrupted: tuple[Dataset, Path]) -> None:
    _, out = corrupted
    found = {dataset.kind: dataset for dataset in find_datasets(out)}
    assert tuple(sorted(found)) == KINDS
    for dataset in found.values():
        assert [(case.subject, case.draw) for case in dataset.cases] == [
            ("004", 1),
            ("004", 2),
            ("004", 3),
        ]
        assert all(case.frames == ("ED", "ES") for case in dataset.cases)  # both are corrupted
        images = {
            case.files[f"{frame}_img.nii.gz"] for case in dataset.cases for frame in case.frames
        }
        assert len(images) == 6  # every draw of every frame is another


def test_corrupted_volume_is_the_recipe_put_back(corrupted: tuple[Dataset, Path]) -> None:
    clean, out = corrupted
    case = next(find_datasets(out)).cases[0]
    seed = case.made_from["seeds"]["ED"]
    image = nib.load(clean.root / "004" / "ED_img.nii.gz")
    slices = np.ascontiguousarray(np.asarray(image.dataobj).T)
    field = scale_slices(centre_field(slices, 192))
    wanted = put_back(
        scale_slices(find_recipe("acdc-c").corrupt(field, "RandBias", seed, SPACING).slices), slices
    )
    path = out / "RandBias" / "004" / "draw1" / "ED_img.nii.gz"
    made = nib.load(path)
    np.testing.assert_array_equal(np.asarray(made.dataobj).T, wanted)
    np.testing.assert_array_equal(made.affine, image.affine)
    label = (clean.root / "004" / "ED_seg.nii.gz").read_bytes()
    assert path.with_name("ED_seg.nii.gz").read_bytes() == label


@pytest.mark.slow
def test_processes_and_restarts_change_no_byte(
    corrupted: tuple[Dataset, Path], tmp_path: Path
) -> None:
    clean, out = corrupted
    alone = tmp_path / "alone"
    assert corrupt(clean, find_recipe("acdc-c"), alone, seed=0, workers=1).made == 12
    assert fingerprints(alone) == fingerprints(out)
    # As left behind by a killed process: a case gone, one half-written, one broken.
    shutil.rmtree(alone / "RandSpike" / "004" / "draw2")
    (alone / "RandSpike" / "004" / ".partial-draw2").mkdir()
    (alone / "RandBias" / "004" / "draw3" / "ES_img.nii.gz").write_bytes(b"broken")
    assert corrupt(clean, find_recipe("acdc-c"), alone, seed=0, workers=2).made == 2
    assert fingerprints(alone) == fingerprints(out)
    assert not list(alone.rglob(".partial*"))
    assert corrupt(clean, find_recipe("acdc-c"), alone, seed=0, workers=2).made == 0


def test_another_seed_is_another_set(corrupted: tuple[Dataset, Path], tmp_path: Path) -> None:
    clean, out = corrupted
    corrupt(clean, find_recipe("acdc-c"), tmp_path, seed=1, workers=1)
    ours, theirs = fingerprints(tmp_path), fingerprints(out)
    assert all(ours[kind] != theirs[kind] for kind in KINDS)


def test_unknown_recipe_is_named() -> None:
    with pytest.raises(UsageError, match="acdc-c"):
        find_recipe("acdc")
