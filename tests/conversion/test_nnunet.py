"""Prepared sets for nnU-Net, and its predictions scored into one row."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from benchmark.cli import cli
from benchmark.core.files import sha256


def coopbench(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def fails(code: int, *words: object) -> str:
    result = coopbench(*words)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def does(*words: object) -> str:
    result = coopbench(*words)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def sets(data: Path, tmp_path: Path) -> Path:
    """A folder of data with ACDC and a corrupted set, whose case has a folder for its draw."""
    folder = tmp_path / "data"
    shutil.copytree(data / "acdc", folder / "acdc")
    kind = folder / "acdc-c" / "RandBias"
    shutil.copytree(data / "acdc" / "004", kind / "004" / "draw1")
    record = json.loads((folder / "acdc" / "dataset.json").read_text())
    (case,) = [one for one in record["cases"] if one["subject"] == "004"]
    record |= {"name": "RandBias", "title": "RandBias"}
    record["cases"] = [{**case, "draw": 1, "folder": "004/draw1"}]
    record["preparation"] |= {"recipe": "acdc-c", "recipe_version": 2, "kind": "RandBias"}
    (kind / "dataset.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def converted(sets: Path, tmp_path: Path) -> Path:
    out = tmp_path / "nnunet"
    does("convert", "nnunet", out, "--data", sets, "--workers", 1)
    return out


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_holds_exactly_the_subjects_of_the_repeat(sets: Path, converted: Path) -> None:
    splits = json.loads((sets / "acdc" / "splits.json").read_text())
    split = splits["repeats"]["0"]
    cases = {
        fold: sorted(f"{subject}_{frame}" for subject in split[own] for frame in ("ED", "ES"))
        for fold, own in (("train", "train"), ("val", "validation"))
    }
    name = "Dataset500_acdc_r0"
    raw = converted / "nnUNet_raw" / name
    every = sorted(cases["train"] + cases["val"])
    assert names(raw / "imagesTr") == [f"{case}_0000.nii.gz" for case in every]
    assert names(raw / "labelsTr") == [f"{case}.nii.gz" for case in every]
    folds = json.loads((converted / "nnUNet_preprocessed" / name / "splits_final.json").read_text())
    assert folds == [cases]
    about = json.loads((raw / "dataset.json").read_text())
    assert about["numTraining"] == len(every)
    assert about["labels"] == {"background": 0, "LV": 1, "MYO": 2, "RV": 3}
    # Images are those of the prepared set, to the byte, and labels lie on them.
    case = every[0]
    subject, frame = case.split("_")
    image = raw / "imagesTr" / f"{case}_0000.nii.gz"
    assert sha256(image) == sha256(sets / "acdc" / subject / f"{frame}_img.nii.gz")
    one, other = (nib.load(path) for path in (image, raw / "labelsTr" / f"{case}.nii.gz"))
    np.testing.assert_array_equal(one.affine, other.affine)
    assert not image.is_symlink() and image.stat().st_nlink == 1


def test_holds_the_test_subjects_of_every_set(sets: Path, converted: Path) -> None:
    splits = json.loads((sets / "acdc" / "splits.json").read_text())
    expected = [f"{one}_{frame}_0000.nii.gz" for one in splits["test"] for frame in ("ED", "ES")]
    assert names(converted / "images" / "acdc") == sorted(expected)
    assert names(converted / "images" / "acdc-c_RandBias") == [
        "004_draw1_ED_0000.nii.gz",
        "004_draw1_ES_0000.nii.gz",
    ]


def test_the_script_runs_nnunet_and_goes_on(converted: Path, tmp_path: Path) -> None:
    """The commands of nnU-Net are stood in for by ones that note how they were called."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("nnUNetv2_plan_and_preprocess", "nnUNetv2_train", "nnUNetv2_predict"):
        path = tools / tool
        path.write_text(f'#!/bin/sh\necho "{tool} $*" >> "{tmp_path}/calls"\n')
        path.chmod(0o755)
    environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "DEVICE": "cpu"}
    for _ in range(2):
        done = subprocess.run(
            [converted / "run.sh"], env=environment, check=True, cwd="/", capture_output=True
        )
    assert f"coopbench score --nnunet {converted}/predictions" in done.stdout.decode()
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls].count("nnUNetv2_plan_and_preprocess") == 1
    assert calls[1] == "nnUNetv2_train 500 2d 0 -tr nnUNetTrainer -device cpu --c"
    assert [call.split()[2] for call in calls[2:4]] == ["images/acdc", "images/acdc-c_RandBias"]
    # Predictions are gone on with, so those of another model must not be among them.
    other = environment | {"TRAINER": "nnUNetTrainer_1epoch"}
    failed = subprocess.run([converted / "run.sh"], env=other, capture_output=True, text=True)
    assert failed.returncode == 1
    assert "predictions/ is of another model (2d nnUNetTrainer );" in failed.stderr
    assert (tmp_path / "calls").read_text().splitlines() == calls


def predict(converted: Path, sets: Path) -> None:
    """The labels, as nnU-Net would write them, and the files that it leaves beside."""
    sources = {"acdc": sets / "acdc", "acdc-c_RandBias": sets / "acdc-c" / "RandBias"}
    for name, root in sources.items():
        folder = converted / "predictions" / name
        folder.mkdir(parents=True)
        for image in (converted / "images" / name).iterdir():
            *parts, frame = image.name.removesuffix("_0000.nii.gz").split("_")
            label = root.joinpath(*parts) / f"{frame}_seg.nii.gz"
            shutil.copy(label, folder / image.name.replace("_0000", ""))
        for extra in ("dataset.json", "plans.json", "predict_from_raw_data_args.json"):
            (folder / extra).write_text("{}")


@pytest.mark.slow
def test_all_sets_become_one_row_without_a_warning(
    sets: Path, converted: Path, tmp_path: Path
) -> None:
    predict(converted, sets)
    out = tmp_path / "nnU-Net.csv"
    for folder in (converted / "predictions", converted):
        text = does("score", "--nnunet", folder, "--out", out, "--workers", 1)
        assert "warning" not in text
    table = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert set(table["method"]) == {"nnU-Net"} and set(table["repeat"]) == {"0"}
    assert set(table["test_set"]) == {"ACDC", "RandBias"}
    assert (table["dice"].astype(float) == 1).all()
    assert set(table.loc[table["test_set"] == "RandBias", "draw"]) == {"1"}


def test_a_set_without_predictions_is_named(sets: Path, converted: Path, tmp_path: Path) -> None:
    predict(converted, sets)
    shutil.rmtree(converted / "predictions" / "acdc-c_RandBias")
    out = tmp_path / "n.csv"
    text = fails(1, "score", "--nnunet", converted, "--out", out, "--workers", 1)
    assert "RandBias" in text and "no such folder" in text
    assert not out.exists()


@pytest.mark.slow
def test_only_the_sets_that_were_converted_are_scored(sets: Path, tmp_path: Path) -> None:
    out = tmp_path / "some"
    text = does(
        "convert", "nnunet", out, "--data", sets, "--sets", "acdc-c_RandBias", "--workers", 1
    )
    assert names(out / "images") == ["acdc-c_RandBias"] and "acdc: " not in text
    folder = out / "predictions" / "acdc-c_RandBias"
    folder.mkdir(parents=True)
    for frame in ("ED", "ES"):
        label = sets / "acdc-c" / "RandBias" / "004" / "draw1" / f"{frame}_seg.nii.gz"
        shutil.copy(label, folder / f"004_draw1_{frame}.nii.gz")
    scores = tmp_path / "n.csv"
    does("score", "--nnunet", out, "--out", scores, "--workers", 1)
    assert set(pd.read_csv(scores)["test_set"]) == {"RandBias"}
    assert "--sets Nothing" in fails(
        2, "convert", "nnunet", out, "--data", sets, "--sets", "Nothing"
    )


def test_goes_on_and_mends_but_replaces_nothing_else(sets: Path, tmp_path: Path) -> None:
    out = tmp_path / "nnunet"
    words = ("convert", "nnunet", out, "--data", sets, "--workers", 1)
    does(*words)
    whole = {path: sha256(path) for path in out.rglob("*") if path.is_file()}
    images = sorted((out / "images" / "acdc").iterdir())
    images[0].unlink()
    images[1].write_bytes(b"torn")
    (out / "run.sh").unlink()
    does(*words)
    assert {path: sha256(path) for path in out.rglob("*") if path.is_file()} == whole
    text = fails(2, *words, "--sets", "acdc")
    assert "holds a conversion of other data, sets or repeat" in text
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    assert "holds other files" in fails(2, "convert", "nnunet", other, "--data", sets)
    assert names(other) == ["mine.txt"]
    assert "has the repeats 0" in fails(
        2, "convert", "nnunet", tmp_path / "x", "--data", sets, "--repeat", 7
    )


def test_a_damaged_prepared_file_is_not_handed_on(sets: Path, tmp_path: Path) -> None:
    (sets / "acdc" / "004" / "ED_img.nii.gz").write_bytes(b"torn")
    text = fails(1, "convert", "nnunet", tmp_path / "n", "--data", sets, "--workers", 1)
    assert "004/ED_img.nii.gz: is missing, or differs from its recorded checksum" in text
    assert not (tmp_path / "n" / "run.sh").exists()


def test_predictions_of_other_data_are_refused(sets: Path, converted: Path, tmp_path: Path) -> None:
    predict(converted, sets)
    words = ("score", "--nnunet", converted, "--out", tmp_path / "n.csv", "--workers", 1)
    assert "has predictions for repeat 0" in fails(2, *words, "--repeat", 1)
    moved = sets.rename(tmp_path / "moved")
    assert "as LABELS" in fails(1, *words)
    does("score", "--nnunet", converted, moved, "--out", tmp_path / "n.csv", "--workers", 1)
    record = json.loads((moved / "acdc" / "dataset.json").read_text())
    record["cases"][0]["files"]["ED_img.nii.gz"] = "0" * 64
    (moved / "acdc" / "dataset.json").write_text(json.dumps(record))
    text = fails(1, "score", "--nnunet", converted, moved, "--out", tmp_path / "n.csv")
    assert "is not the set acdc" in text
    plain = tmp_path / "plain"
    plain.mkdir()
    assert "has no coopbench.json beside it" in fails(1, "score", "--nnunet", plain)
    assert "LABELS is missing" in fails(2, "score", plain)
