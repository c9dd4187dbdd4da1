"""Corrupted sets made, checked, broken on purpose, and made again from their manifests."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner, Result
from matplotlib.image import imread

from benchmark.cli import cli
from benchmark.corrupted_sets.manifest import read_manifest
from benchmark.data.nifti import write_volume

pytest.importorskip("torchio", reason="TorchIO makes the corruptions")

RECIPE = """
format = "coopbench-recipe-1"
name = "tiny"
title = "Tiny"
version = 2
draws = 2
field = 48
units = "mm"

[kinds.Noise]
corruption = "noise"
severities = [1, 5]

[kinds.Shade]
corruption = "bias"
strength = { coefficient = 0.7 }
"""


def coopbench(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert "Traceback" not in result.output
    return result


def done(*words: object) -> str:
    result = coopbench(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def voxels(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): np.asarray(nib.load(path).dataobj).tobytes()
        for path in sorted(folder.rglob("*.nii*"))
        if path.suffix != ".json"
    }


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def made(data: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a set corrupted by the tiny recipe."""
    root = tmp_path_factory.mktemp("made")
    shutil.copytree(data / "acdc", root / "acdc")
    done("corrupt", "--data", root, "--recipe", recipe, "--workers", 1)
    return root


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "data")
    return tmp_path / "data"


def test_manifest_says_all(made: Path) -> None:
    manifest = read_manifest(made / "tiny")
    assert manifest.recipe.version == 2 and manifest.recipe.definition is not None
    assert set(manifest.software) == {"torchio", "torch", "simpleitk", "numpy", "scipy"}
    files = {volume.file for volume in manifest.volumes}
    assert files == {
        f"{kind}/004/draw{draw}/{frame}_img.nii.gz"
        for kind in ("Noise-1", "Noise-5", "Shade")
        for draw in (1, 2)
        for frame in ("ED", "ES")
    }
    by_file = {volume.file: volume for volume in manifest.volumes}
    weak, strong = (by_file[f"Noise-{s}/004/draw1/ED_img.nii.gz"] for s in (1, 5))
    assert weak.seed == strong.seed and (weak.severity, strong.severity) == (1, 5)
    assert weak.parameters["noise_seed"] == strong.parameters["noise_seed"]
    assert by_file["Noise-1/004/draw2/ED_img.nii.gz"].seed != weak.seed
    assert by_file["Shade/004/draw1/ED_img.nii.gz"].severity is None


def test_intact_set_is_verified(made: Path, recipe: Path) -> None:
    out = done("corrupt", "--data", made, "--recipe", recipe, "--verify")
    assert "12 volumes, all as in manifest.json" in out
    assert "12 volumes" in done("corrupt", made / "tiny", "--verify")


def test_what_was_broken_on_purpose_is_named(copy: Path, recipe: Path) -> None:
    flipped = copy / "tiny" / "Noise-1" / "004" / "draw1" / "ED_img.nii.gz"
    image = nib.load(flipped)
    data = np.asarray(image.dataobj).copy()
    data[20, 20, 0] = 1 - data[20, 20, 0]
    write_volume(flipped, data, image.affine)
    deleted = copy / "tiny" / "Shade" / "004" / "draw2" / "ES_img.nii.gz"
    deleted.unlink()
    added = copy / "tiny" / "Shade" / "004" / "draw1" / "XX_img.nii.gz"
    shutil.copyfile(copy / "tiny" / "Shade" / "004" / "draw1" / "ED_img.nii.gz", added)
    path = copy / "tiny" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["software"]["torchio"] = "1.1.0"
    path.write_text(json.dumps(manifest))
    clean = copy / "acdc" / "004" / "ES_img.nii.gz"
    shutil.copyfile(copy / "acdc" / "004" / "ED_img.nii.gz", clean)

    result = coopbench("corrupt", "--data", copy, "--recipe", recipe, "--verify")
    assert result.exit_code == 1
    for said in (
        "torchio: the set was made with 1.1.0, here is",
        f"{flipped}: other voxels than recorded",
        f"{deleted}: is missing",
        f"{added}: is not in the manifest",
        f"{clean}: is not the clean image that the set was made from",
        "(5 faults)",
    ):
        assert said in result.output, said


def flip_label(case: Path) -> None:
    label = nib.load(case / "ED_seg.nii.gz")
    data = np.asarray(label.dataobj).copy()
    data[20, 20, 0] = 3 - data[20, 20, 0]
    write_volume(case / "ED_seg.nii.gz", data, label.affine)


def stretch(image: Path) -> None:
    whole = nib.load(image)
    write_volume(image, np.asarray(whole.dataobj), whole.affine @ np.diag([1, 1, 1.1, 1]))


def pack_again(case: Path) -> None:
    """The same voxels in other bytes."""
    image = case / "ED_img.nii.gz"
    image.write_bytes(gzip.compress(gzip.decompress(image.read_bytes()), compresslevel=9))


def edit(path: Path, change: Callable[[Any], None]) -> None:
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def edit_volume(case: Path, key: str, value: object) -> None:
    def change(manifest: Any) -> None:
        (one,) = (v for v in manifest["volumes"] if v["file"] == FIRST)
        one[key] = value

    edit(case.parents[2] / "manifest.json", change)


def edit_case(case: Path) -> None:
    def change(record: Any) -> None:
        record["made_from"]["parameters"]["ED"]["sigma"] = 0.5

    edit(case / "case.json", change)


def edit_dataset(case: Path) -> None:
    def change(record: Any) -> None:
        record["cases"][0]["files"]["ED_img.nii.gz"] = "0" * 64

    edit(case.parents[1] / "dataset.json", change)


FIRST = "Noise-1/004/draw1/ED_img.nii.gz"
BREAK: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "label flipped": (flip_label, ["ED_seg.nii.gz: differs from the recorded label"]),
    "label deleted": (
        lambda case: (case / "ED_seg.nii.gz").unlink(),
        ["ED_seg.nii.gz: is missing"],
    ),
    "spacing": (
        lambda case: stretch(case / "ED_img.nii.gz"),
        ["ED_img.nii.gz: other geometry (affine or spacing) than recorded"],
    ),
    "packed again": (pack_again, ["ED_img.nii.gz: differs from the file recorded in case.json"]),
    "case.json deleted": (lambda case: (case / "case.json").unlink(), ["case.json: is missing"]),
    "case.json torn": (
        lambda case: (case / "case.json").write_text("{"),
        ["case.json: cannot be read as a case's record"],
    ),
    "case.json edited": (
        edit_case,
        [
            "case.json: other parameters of ED than in manifest.json",
            "dataset.json: describes 004/draw1 differently from its case.json",
        ],
    ),
    "dataset.json deleted": (
        lambda case: (case.parents[1] / "dataset.json").unlink(),
        ["dataset.json: is missing"],
    ),
    "dataset.json edited": (
        edit_dataset,
        ["dataset.json: describes 004/draw1 differently from its case.json"],
    ),
    "seed": (
        lambda case: edit_volume(case, "seed", 1),
        [
            f"manifest.json: its record of {FIRST} was edited",
            "case.json: other seeds of ED than in manifest.json",
        ],
    ),
    "parameters": (
        lambda case: edit_volume(case, "parameters", {"noise_seed": 1, "sigma": 0.03}),
        [
            f"manifest.json: its record of {FIRST} was edited",
            "case.json: other parameters of ED than in manifest.json",
        ],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("broken", BREAK)
def test_all_of_a_prepared_set_is_verified_and_mended(
    broken: str, copy: Path, recipe: Path
) -> None:
    before = {path: path.read_bytes() for path in (copy / "tiny").rglob("*") if path.is_file()}
    do, said = BREAK[broken]
    do((copy / "tiny" / FIRST).parent)
    result = coopbench("corrupt", "--data", copy, "--recipe", recipe, "--verify", "--workers", 1)
    assert result.exit_code == 1
    for line in (*said, f"({len(said)} faults)"):
        assert line in result.output, line
    done("corrupt", "--data", copy, "--recipe", recipe, "--workers", 1)
    assert {path: path.read_bytes() for path in before} == before


def test_all_of_a_folder_is_verified(recipe: Path, tmp_path: Path) -> None:
    images, out = tmp_path / "images", tmp_path / "out"
    write_images(images, ["a.nii.gz"])
    done("corrupt", "--recipe", recipe, images, out, "--workers", 1)
    stretch(out / "Shade" / "draw1" / "a.nii.gz")
    edit(out / "manifest.json", lambda manifest: manifest["volumes"][0].update(seed=5))
    result = coopbench("corrupt", out, "--verify")
    assert result.exit_code == 1
    assert "a.nii.gz: other geometry (affine or spacing) than recorded" in result.output
    assert "its record of Noise-1/draw1/a.nii.gz was edited" in result.output
    assert "(2 faults)" in result.output


@pytest.mark.slow
def test_manifest_of_the_earlier_format_is_refused_in_a_line(copy: Path, recipe: Path) -> None:
    def age(manifest: Any) -> None:
        manifest["format"] = "coopbench-manifest-1"
        for volume in manifest["volumes"]:
            for key in ("geometry", "label_sha256", "digest"):
                del volume[key]

    path = copy / "tiny" / "manifest.json"
    edit(path, age)
    for words in (
        ("corrupt", copy / "tiny", "--verify"),
        ("corrupt", "--data", copy, "--replay", copy / "tiny", copy / "again"),
    ):
        result = coopbench(*words)
        assert result.exit_code == 1
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("coopbench: ")]
        assert f"{path}: has the earlier format coopbench-manifest-1" in line
    done("corrupt", "--data", copy, "--recipe", recipe)
    assert "all as in" in done("corrupt", copy / "tiny", "--verify")


@pytest.mark.slow
def test_making_it_again_mends_what_is_broken(copy: Path, recipe: Path) -> None:
    before = voxels(copy / "tiny")
    (copy / "tiny" / "Shade" / "004" / "draw2" / "ES_img.nii.gz").unlink()
    shutil.rmtree(copy / "tiny" / "Noise-5")
    done("corrupt", "--data", copy, "--recipe", recipe)
    assert voxels(copy / "tiny") == before
    assert "intact" in done("corrupt", "--data", copy, "--recipe", recipe)


@pytest.mark.slow
def test_replay_needs_the_manifest_alone(copy: Path, tmp_path: Path) -> None:
    """Not the recipe's file, nor the corrupted volumes, nor the seed of the set."""
    kept = voxels(copy / "tiny")
    path = copy / "tiny" / "manifest.json"
    manifest = json.loads(path.read_text())
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "manifest.json").write_text(json.dumps(manifest | {"seed": 999}))
    shutil.rmtree(copy / "tiny")
    out = done("corrupt", "--data", copy, "--replay", alone, tmp_path / "again")
    assert "12 volumes, replayed to the same voxels" in out
    assert voxels(tmp_path / "again") == kept
    assert "all as in" in done("corrupt", tmp_path / "again", "--verify")


@pytest.mark.slow
def test_replay_with_other_parameters_or_sources_is_caught(copy: Path, tmp_path: Path) -> None:
    path = copy / "tiny" / "manifest.json"
    manifest = json.loads(path.read_text())
    changed = next(v for v in manifest["volumes"] if v["kind"] == "Noise-5")
    changed["parameters"]["sigma"] = 0.21
    path.write_text(json.dumps(manifest))
    result = coopbench("corrupt", "--data", copy, "--replay", copy / "tiny", tmp_path / "again")
    assert result.exit_code == 1
    assert f"{changed['file']}: other voxels than in the manifest" in result.output
    for key, said in (("label_sha256", "is not that of the set"), ("source_sha256", "clean image")):
        changed[key] = "0" * 64
        path.write_text(json.dumps(manifest))
        result = coopbench("corrupt", "--data", copy, "--replay", copy / "tiny", tmp_path / key)
        assert result.exit_code == 1 and said in result.output


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["acdc-c", "acdc-c-torchio1", "acdc-c-physical", "acdc-c-severity", "mr-c"]
)
def test_shipped_recipes_replay(name: str, data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "acdc", tmp_path / "data" / "acdc")
    done("corrupt", "--data", tmp_path / "data", "--recipe", name, "--workers", 1)
    out = done(
        "corrupt", "--data", tmp_path / "data", "--replay", tmp_path / "data" / name,
        tmp_path / "again", "--workers", 1,
    )  # fmt: skip
    assert "replayed to the same voxels" in out
    assert voxels(tmp_path / "again") == voxels(tmp_path / "data" / name)


# Any folder of images.


def write_images(folder: Path, names: list[str]) -> None:
    rng = np.random.default_rng(0)
    for place, name in enumerate(names):
        data = rng.integers(100, 900, size=(40 + place, 52, 3)).astype(np.int16)
        image = nib.Nifti1Image(data, np.diag([1.5, 1.5, 8, 1]))
        image.header["descrip"] = b"scanner 7"
        image.header.set_sform(image.affine, code=3)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        nib.save(image, folder / name)


@pytest.mark.slow
def test_folder_keeps_names_headers_and_ranges(recipe: Path, tmp_path: Path) -> None:
    images, out = tmp_path / "imagesTs", tmp_path / "out"
    names = ["heart_001_0000.nii.gz", "sub-01/anat/sub-01_T1w.nii", "ünï cödé/b.nii.gz"]
    write_images(images, [*names, "heart_001_gt.nii.gz", ".hidden/x.nii.gz"])
    said = done("corrupt", "--recipe", recipe, images, out, "--workers", 2)
    assert "left out, label maps by their names: 1" in said
    for name in names:
        for place in ("Noise-1/draw1", "Noise-1/draw2", "Noise-5/draw1", "Shade/draw2"):
            before, after = nib.load(images / name), nib.load(out / place / name)
            assert before.shape == after.shape
            assert np.array_equal(before.affine, after.affine)
            assert bytes(after.header["descrip"]).rstrip(b"\0") == b"scanner 7"
            assert int(after.header["sform_code"]) == 3
            old, new = before.get_fdata(), after.get_fdata()
            assert not np.array_equal(old, new)
            np.testing.assert_allclose(new.min((0, 1)), old.min((0, 1)), atol=0.01)
            np.testing.assert_allclose(new.max((0, 1)), old.max((0, 1)), atol=0.01)
            if place.startswith("Shade"):  # outside the field of 48 nothing is touched
                assert np.array_equal(old[:, :2], new[:, :2])
    everything = voxels(out)
    assert len(everything) == 3 * 3 * 2
    assert "18 volumes, all as in" in done("corrupt", images, out, "--recipe", recipe, "--verify")
    assert "intact" in done("corrupt", "--recipe", recipe, images, out)
    # A killed run left some; the same command makes the rest, the same as ever.
    shutil.rmtree(out / "Shade")
    (out / "Noise-1" / "draw1" / names[0]).write_bytes(b"torn")
    done("corrupt", "--recipe", recipe, images, out, "--workers", 1)
    assert voxels(out) == everything
    done("corrupt", "--replay", out, images, tmp_path / "again")
    assert voxels(tmp_path / "again") == everything


def test_faults_in_a_folder_are_named_and_the_others_done(recipe: Path, tmp_path: Path) -> None:
    images, out = tmp_path / "images", tmp_path / "out"
    write_images(images, ["good.nii.gz"])
    (images / "torn.nii.gz").write_bytes(b"\x1f\x8b nothing")
    nib.save(nib.Nifti1Image(np.zeros((8, 8, 2, 5, 3)), np.eye(4)), images / "much.nii.gz")
    result = coopbench("corrupt", "--recipe", recipe, images, out)
    assert result.exit_code == 1
    assert "torn.nii.gz" in result.output and "much.nii.gz: is 5D" in result.output
    assert "2 of 3 images not corrupted" in result.output
    assert (out / "Noise-1" / "draw1" / "good.nii.gz").is_file()
    assert not (out / "manifest.json").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["corrupt", "images"], 2, "OUT is missing"),
        (["corrupt", "--replay", "images"], 2, "OUT is missing"),
        (["corrupt", "--verify", "--preview"], 2, "give one of them"),
        (["corrupt", "--recipe", "acdcc"], 2, "acdc-c"),
        (["corrupt", "--recipe", "none.toml"], 1, "none.toml: no such file"),
        (["corrupt", "images", "images/out"], 1, "lies in the folder of the images"),
        (["corrupt", "images", "out"], 1, "holds no NIfTI image"),
        (["corrupt", "nowhere", "out"], 1, "nowhere: is not a folder"),
        (["corrupt", "images", "--verify"], 1, "holds no manifest.json"),
    ],
)
def test_wrong_uses(
    words: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    result = coopbench(*words)
    assert result.exit_code == code, result.output
    assert said in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('corruption = "noise"', 'corruption = "noize"'), "did you mean 'noise'"),
        (("severities = [1, 5]", "severities = [0]"), "kinds.Noise.severities.0"),
        (
            ("severities = [1, 5]", "severities = [5, 1, 5]"),
            "kinds.Noise.severities: Value error, names 5 more than once",
        ),
        (("severities = [1, 5]", "severities = []"), "either severities or a strength"),
        (("coefficient = 0.7", "coeficient = 0.7"), "kinds.Shade.strength.coefficient"),
        (("coefficient = 0.7", "coefficient = -1"), "kinds.Shade.strength.coefficient"),
        (("version = 2", "version = 0"), "version"),
        (("draws = 2", "drawz = 2"), "drawz"),
        (("[kinds.Shade]", '[kinds."../Shade"]'), "kinds"),
        (('name = "tiny"', 'name = "../tiny"'), "name"),
        (('name = "tiny"', "name = tiny"), "is not valid TOML"),
    ],
)
def test_wrong_recipes_are_named(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(RECIPE.replace(*change))
    result = coopbench("corrupt", "--recipe", path, "--data", tmp_path)
    assert result.exit_code == 1
    assert str(path) in result.output and said in result.output


@pytest.mark.slow
def test_preview_is_one_picture(data: Path, tmp_path: Path, recipe: Path) -> None:
    shutil.copytree(data / "acdc", tmp_path / "data" / "acdc")
    said = done("corrupt", "--data", tmp_path / "data", "--recipe", recipe, "--preview")
    path = tmp_path / "data" / "tiny" / "preview.png"
    assert str(path) in said and path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in (tmp_path / "data" / "tiny").iterdir()] == ["preview.png"]
    done(
        "corrupt", "--data", tmp_path / "data", "--recipe", recipe, tmp_path / "alone", "--preview"
    )
    assert [p.name for p in (tmp_path / "alone").iterdir()] == ["preview.png"]
    write_images(tmp_path / "images", ["a.nii.gz"])
    done("corrupt", "--recipe", "mr-c", tmp_path / "images", tmp_path / "out", "--preview")
    assert (tmp_path / "out" / "preview.png").is_file()


@pytest.mark.slow
def test_a_preview_of_the_phantom_is_marked(data: Path, tmp_path: Path, recipe: Path) -> None:
    """In red, wherever the images are given from."""

    def red(out: Path) -> int:
        picture = imread(out / "preview.png")
        return int(((picture[..., 0] > 0.6) & (picture[..., 1] < 0.3)).sum())

    shutil.copytree(data / "acdc", tmp_path / "data" / "acdc")
    record = tmp_path / "data" / "acdc" / "dataset.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"phantom": True}))
    write_images(tmp_path / "images", ["a.nii.gz"])
    for images, out, marked in (
        ((), tmp_path / "set", True),
        ((tmp_path / "data" / "acdc",), tmp_path / "folder", True),
        ((tmp_path / "images",), tmp_path / "other", False),
    ):
        where = () if images else ("--data", tmp_path / "data")
        done("corrupt", *where, "--recipe", recipe, *images, out, "--preview")
        assert (red(out) > 100) == marked


def test_recipes_are_listed() -> None:
    said = done("recipes")
    for name in ("acdc-c ", "acdc-c-torchio1", "acdc-c-physical", "acdc-c-severity", "mr-c"):
        assert name in said
