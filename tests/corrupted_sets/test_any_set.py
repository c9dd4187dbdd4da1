"""Corrupted versions of any prepared set, of cines and of single slices."""

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from benchmark.cli import cli
from benchmark.core.parallel import default_workers
from benchmark.corrupted_sets.manifest import read_manifest
from benchmark.data.dataset import read_dataset

pytest.importorskip("torchio", reason="TorchIO makes the corruptions")

TINY = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=2", "--set", "precision=float32")
FOG = """
format = "coopbench-recipe-1"
name = "fog"
title = "Fog"
version = 1
draws = 1
units = "mm"

[kinds.Noise]
corruption = "noise"
strength = { sigma = 0.2 }
"""


ONE_THREAD = ("--jobs", default_workers())
"""Two take longer than one for what is so small."""


def coopbench(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.fixture
def fog(tmp_path: Path) -> Path:
    path = tmp_path / "fog.toml"
    path.write_text(FOG)
    return path


@pytest.fixture
def two(own_data: Path) -> Path:
    """A folder of data with a second set, of the same subjects and without splits."""
    shutil.copytree(own_data / "acdc", own_data / "mine")
    (own_data / "mine" / "splits.json").unlink()
    path = own_data / "mine" / "dataset.json"
    record = json.loads(path.read_text()) | {"name": "mine", "title": "Mine"}
    # No set is the same as another.
    record["cases"] = record["cases"][1:]
    path.write_text(json.dumps(record))
    return own_data


@pytest.mark.slow
def test_each_set_is_corrupted_checked_and_replayed(two: Path, fog: Path, tmp_path: Path) -> None:
    words = ("corrupt", "--data", two, "--recipe", fog, "--workers", 1)
    said = coopbench(*words, "--set", "acdc", "--set", "mine")
    assert "fog/Noise: 1 cases" in said and "fog-of-mine/Noise: 3 cases" in said
    made = read_dataset(two / "fog-of-mine" / "Noise")
    assert (made.name, made.title) == ("fog-of-mine_Noise", "Noise (fog on Mine)")
    said = coopbench(*words, "--set", "acdc", "--set", "mine", "--verify")
    assert "fog: 2 volumes, all as in" in said and "fog-of-mine: 6 volumes, all as in" in said
    manifest = read_manifest(two / "fog-of-mine")
    assert manifest.clean == "mine"
    # One subject of two sets has an artefact of its own in each.
    seeds = {v.seed for v in manifest.volumes} | {
        v.seed for v in read_manifest(two / "fog").volumes
    }
    assert len(seeds) == 8
    words = ("corrupt", "--data", two, "--replay", two / "fog-of-mine", tmp_path / "again")
    assert "6 volumes, replayed to the same voxels" in coopbench(*words)
    # What a stopped command has left is gone on with, and nothing else is touched.
    shutil.rmtree(two / "fog-of-mine" / "Noise" / "002")
    (two / "fog-of-mine" / "Noise" / "003" / "draw1" / "ED_img.nii.gz").write_bytes(b"torn")
    before = (two / "fog" / "manifest.json").stat().st_mtime_ns
    coopbench("corrupt", "--data", two, "--recipe", fog, "--test-set", "mine")
    assert "all as in" in coopbench("corrupt", two / "fog-of-mine", "--verify")
    assert (two / "fog" / "manifest.json").stat().st_mtime_ns == before


@pytest.mark.slow
def test_each_set_has_its_own_columns_and_measures(
    two: Path, fog: Path, tmp_path: Path, without_figures: None
) -> None:
    coopbench("corrupt", "--data", two, "--recipe", fog, "--set", "acdc", "--set", "mine")
    train = ("train", "--method", "standard", "--data", two, "--preset", "demo", *TINY)
    coopbench(*train, "--runs", tmp_path / "runs")
    out = ("--data", two, "--runs", tmp_path / "runs", "--out", tmp_path / "out")
    coopbench("report", *out)
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")
    mean = scores[scores["output"] == "FTN"].groupby("test_set")["dice"].mean()
    assert set(mean.index) == {"ACDC", "Mine", "Noise (fog)", "Noise (fog on Mine)"}
    for name, clean, corrupted in (
        ("fog", "ACDC", "Noise (fog)"),
        ("fog-on-Mine", "Mine", "Noise (fog on Mine)"),
    ):
        table = pd.read_csv(tmp_path / "out" / "tables" / f"robustness-{name}.csv", comment="#")
        row = table[table["output"].eq("FTN")].set_index("column")["mean"]
        degradation = mean[clean] - mean[corrupted]
        assert row["degradation"] == pytest.approx(degradation, abs=1e-4)
        assert row["clean_dice"] == pytest.approx(mean[clean], abs=1e-4)


@pytest.mark.slow
def test_a_study_corrupts_and_plans_what_is_named(two: Path, tmp_path: Path) -> None:
    words = ("study", "--data", two, "--runs", tmp_path / "runs", "--methods", "standard")
    words = (*words, "--preset", "demo", *TINY, "--corrupt", "acdc", "--corrupt", "mine")
    said = coopbench(*words, "--plan", *ONE_THREAD)
    assert "| corrupt | 2 |" in said.replace("  ", " ")
    assert "| evaluate | 10 |" in said.replace("  ", " ")  # 2 clean sets, and 4 kinds of each
    assert not (two / "acdc-c").exists()
    said = coopbench(*words[:-1], "mime", code=2)
    assert "--corrupt mime:" in said and "did you mean 'mine'?" in said
    # In a folder without ACDC it is the set that is trained on, unless it is said.
    shutil.rmtree(two / "mine")
    path = (two / "acdc").rename(two / "mine") / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": "mine", "title": "Mine"}))
    alone = ("study", "--data", two, "--runs", tmp_path / "alone", "--methods", "standard")
    alone = (*alone, "--preset", "demo", *TINY, "--set", "train_set=mine", "--plan", *ONE_THREAD)
    said = coopbench(*alone)
    assert "| corrupt | 1 |" in said.replace("  ", " ")
    assert "| evaluate | 5 |" in said.replace("  ", " ")
    said = coopbench("corrupt", "--data", two, code=2)
    assert "--test-set acdc:" in said and "there are mine" in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--set", "mien"), 2, "there are acdc, mine; did you mean 'mine'?"),
        (("--recipe", "acdc-c-torchio"), 2, "did you mean 'acdc-c-torchio1'?"),
        (("--set", "mine", "--set", "acdc", "--preview"), 2, "give one set to --replay or"),
        (("--same-draw",), 2, "--same-draw: works with IMAGES OUT only"),
        (("--set", "mine", "images", "out"), 2, "--test-set: works with prepared sets"),
    ],
)
def test_wrong_uses(words: tuple[str, ...], code: int, said: str, two: Path) -> None:
    assert said in coopbench("corrupt", "--data", two, *words, code=code)
    assert sorted(path.name for path in two.iterdir()) == ["acdc", "mine", "raw"]


def test_sets_that_cannot_be_corrupted(two: Path, fog: Path) -> None:
    words = ("corrupt", "--data", two, "--recipe", fog)
    path = two / "acdc" / "splits.json"
    splits = json.loads(path.read_text())
    path.write_text(json.dumps(splits | {"test": ["999"]}))
    assert "holds none of its test subjects" in coopbench(*words, code=1)
    assert not (two / "fog").exists()
    coopbench(*words, "--set", "mine")
    (two / "fog-of-mine").rename(two / "other")
    (two / "other" / "Noise").rename(two / "noise")
    assert "is a corrupted set itself" in coopbench(*words, "--set", "noise", code=1)


def write(path: Path, shape: tuple[int, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.random.default_rng(0).integers(100, 900, size=shape).astype(np.int16)
    if len(shape) == 4:
        data[:] = data[..., :1]  # frames alike, so that all that differs is the artefact
    nib.save(nib.Nifti1Image(data, np.diag([1.5, 1.5, 8, 1])), path)


def load(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["fog", "acdc-c", "acdc-c-torchio1"])
@pytest.mark.parametrize("same", [False, True])
def test_a_cine_is_corrupted_frame_by_frame(
    recipe: str, same: bool, fog: Path, tmp_path: Path
) -> None:
    write(tmp_path / "images" / "cine.nii.gz", (20, 24, 3, 4))
    named = fog if recipe == "fog" else recipe
    words = ("corrupt", "--recipe", named, tmp_path / "images", tmp_path / "out", "--workers", 1)
    coopbench(*words, *(["--same-draw"] if same else []))
    for volume in read_manifest(tmp_path / "out").volumes:
        made = load(tmp_path / "out" / volume.file)
        assert made.shape == (20, 24, 3, 4) and np.isfinite(made).all()
        alike = [np.array_equal(made[..., 0], made[..., n]) for n in (1, 2, 3)]
        assert alike == [same] * 3, volume.file
    coopbench("corrupt", tmp_path / "images", tmp_path / "out", "--verify", "--workers", 1)
    again = ("corrupt", "--replay", tmp_path / "out", tmp_path / "images", tmp_path / "again")
    assert "replayed to the same voxels" in coopbench(*again, "--workers", 1)
    said = coopbench(*words, *(["--same-draw"] if same else []))
    assert "all already existed, intact" in said
    assert "intact" not in coopbench(*words, *([] if same else ["--same-draw"]))


@pytest.mark.slow
def test_a_single_slice_is_a_stack_of_one(fog: Path, tmp_path: Path) -> None:
    write(tmp_path / "flat" / "a.nii.gz", (20, 24))
    write(tmp_path / "deep" / "a.nii.gz", (20, 24, 1))
    for name in ("flat", "deep"):
        coopbench("corrupt", "--recipe", fog, tmp_path / name, tmp_path / f"{name}-c")
        coopbench("corrupt", tmp_path / f"{name}-c", "--verify")
    flat, deep = (load(tmp_path / f"{name}-c" / "Noise" / "a.nii.gz") for name in ("flat", "deep"))
    assert flat.shape == (20, 24) and deep.shape == (20, 24, 1)
    np.testing.assert_array_equal(flat, deep[..., 0])
    assert not np.array_equal(flat, load(tmp_path / "flat" / "a.nii.gz"))


def test_a_folder_of_another_recipe_stays_as_it_is(fog: Path, tmp_path: Path) -> None:
    write(tmp_path / "images" / "a.nii.gz", (20, 24, 2))
    words = ("corrupt", tmp_path / "images", tmp_path / "out", "--workers", 1)
    coopbench(*words, "--recipe", fog)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")
              if path.is_file()}  # fmt: skip
    fog.write_text(FOG.replace("version = 1", "version = 2"))
    said = coopbench(*words, "--recipe", fog, code=1)
    assert "holds images corrupted by fog version 1, which stay as they are" in said
    assert {path: path.read_bytes() for path in before} == before
