"""Label maps of other frameworks, scored and put into the table."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from benchmark.cli import cli
from benchmark.core.errors import UsageError
from benchmark.data.case_keys import (
    ENDINGS,
    Key,
    case_key,
    case_pattern,
    subject_and_frame,
)
from benchmark.data.dataset import evaluated_cases, read_dataset
from benchmark.data.labels import implausible
from results.scores.score_table import COLUMNS, read_scores
from tests.helpers.acdc_files import heart

AFFINE = np.diag([-2.0, -1.5, 8.0, 1.0])
SPACING = np.array([2.0, 1.5, 8.0])
TINY = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=2", "--set", "precision=float32")


def coopbench(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def fails(code: int, *words: object) -> str:
    """What a command that must fail says, on one line; nothing of it may be left behind."""
    result = coopbench(*words)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def does(*words: object) -> str:
    result = coopbench(*words)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def volume(lv: slice = slice(2, 6), *, rv: bool = True) -> NDArray[np.uint8]:
    """A label map (10, 8, 2): LV of 4 × 2 × 2 voxels, MYO of 1 × 2 × 2, RV of 2 × 2 × 2."""
    label = np.zeros((10, 8, 2), dtype=np.uint8)
    label[lv, 2:4] = 1
    label[7, 2:4] = 2
    if rv:
        label[8:10, 5:7] = 3
    return label


def save(path: Path, data: NDArray[Any], affine: NDArray[np.float64] = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A plain folder of two labels: of a whole heart, and of one without RV."""
    folder = tmp_path / "labelsTs"
    save(folder / "007_ED.nii.gz", volume())
    save(folder / "008_ES.nii.gz", volume(rv=False))
    return folder


@pytest.fixture
def predictions(tmp_path: Path, labels: Path) -> Path:
    """A plain folder of predictions that are the labels."""
    return Path(shutil.copytree(labels, tmp_path / "mine"))


def scored(path: Path) -> pd.DataFrame:
    read_scores(path)  # the tables can use it
    frame = pd.read_csv(path, dtype={"subject": str}, keep_default_na=False)
    assert tuple(frame.columns) == COLUMNS
    return frame.set_index(["subject", "draw", "frame", "structure"])


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of one method, evaluated on ``data``, with predictions."""
    runs = tmp_path_factory.mktemp("runs")
    words = ("--data", data, "--runs", runs)
    does("train", "--method", "standard", "--preset", "demo", *words, *TINY)
    does("evaluate", "--save-predictions", "--workers", 1, *words)
    return runs


# Keys


@pytest.mark.parametrize(
    "path",
    [
        "007/draw1/ED_seg.nii.gz",
        "007_draw1_ED.nii.gz",
        "007/draw1/ED.nii.gz",
        "draw1/007_ED.nii",
        "007/ED_draw1_0000.nii.gz",
        *(f"draw1/007/ED{ending}.nii.gz" for ending in ENDINGS),
    ],
)
def test_one_case_by_many_names(path: str) -> None:
    assert case_key(Path(path)) == Key("007_ED", 1)


@pytest.mark.parametrize(
    ("case", "subject", "frame"),
    [
        ("007_ED", "007", "ED"),
        ("patient007_frame01", "patient007", "frame01"),
        ("a_b_ES", "a_b", "ES"),
        ("la_003", "la_003", "volume"),
        ("ED", "ED", "volume"),
    ],
)
def test_subject_and_frame_of_a_key(case: str, subject: str, frame: str) -> None:
    from benchmark.data.case_keys import CASE

    assert subject_and_frame(Key(case, None), case_pattern(CASE)) == (subject, frame)


def test_a_single_group_is_the_subject() -> None:
    pattern = case_pattern(r"\(?(subject\d+)_DE")
    assert subject_and_frame(Key("subject12_DE", None), pattern)[0] == "subject12"


@pytest.mark.parametrize("text", ["(", r"\d+", "(?P<frame>ED)"])
def test_bad_regular_expression_is_usage(text: str) -> None:
    with pytest.raises(UsageError, match="--case"):
        case_pattern(text)


# Prepared sets


@pytest.mark.parametrize("output", ["FTN", "FTN+STN"])
def test_equals_our_own_evaluation(data: Path, trained: Path, tmp_path: Path, output: str) -> None:
    run = trained / "acdc-demo" / "standard-r0-s40"
    out = tmp_path / "scores" / "mine.csv"
    text = does(
        *("score", run / "predictions", data, "--name", "mine", "--output", output),
        *("--out", out, "--workers", 1, "--seed", 40),
    )
    assert "2 predictions match no label of ACDC" in text  # those of the other output
    ours = pd.read_csv(run / "scores" / "acdc.csv", dtype=str, keep_default_na=False)
    ours = ours[ours["output"] == output].reset_index(drop=True)
    theirs = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert len(theirs) == 6
    pd.testing.assert_frame_equal(theirs.drop(columns="method"), ours.drop(columns="method"))
    record = json.loads(out.with_suffix(".json").read_text())
    assert record["predictions"] == "predictions" and str(data) not in json.dumps(record)


def test_one_prepared_set_and_predictions_without_its_folder(data: Path, tmp_path: Path) -> None:
    for frame in ("ED", "ES"):
        source = data / "acdc" / "004" / f"{frame}_seg.nii.gz"
        (tmp_path / "mine").mkdir(exist_ok=True)
        shutil.copy(source, tmp_path / "mine" / f"004_{frame}_pred.nii.gz")
    out = tmp_path / "out.csv"
    text = does("score", tmp_path / "mine", data / "acdc", "--out", out, "--workers", 1)
    assert "ACDC: 2 of 2 volumes, mean Dice 1.0000" in text
    table = scored(out)  # subjects that are trained on do not count
    assert (table["dice"] == 1).all() and set(table["method"]) == {"mine"}
    again = fails(
        2, "score", tmp_path / "mine", data / "acdc", "--set", "X", "--out", tmp_path / "x.csv"
    )
    assert "--test-set" in again


@pytest.mark.slow
def test_set_without_a_folder_of_predictions(data: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(data / "acdc", tmp_path / "data" / "acdc"))
    other = Path(shutil.copytree(data / "acdc", tmp_path / "data" / "suite" / "Kind"))
    text = (other / "dataset.json").read_text().replace('"ACDC"', '"Kind"')
    (other / "dataset.json").write_text(text.replace('"name": "acdc"', '"name": "Kind"'))
    for frame in ("ED", "ES"):
        source = folder / "004" / f"{frame}_seg.nii.gz"
        target = tmp_path / "mine" / "acdc" / "004" / f"{frame}.nii.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    words = ("score", tmp_path / "mine", tmp_path / "data", "--out", tmp_path / "out.csv")
    assert "Kind: no such folder, so all 2 cases of Kind are missing" in fails(1, *words)
    assert not (tmp_path / "out.csv").exists()
    text = does(*words, "--missing", "skip")
    assert "Kind: 0 of 2 volumes; 2 left out (missing 2)" in text
    absent = tmp_path / "mine" / "Kind"
    assert f"warning: Kind: no prediction at all; left out ({absent}: no such folder)" in text
    absent.mkdir()
    text = does(*words, "--missing", "skip")
    assert f"warning: Kind: no prediction at all; left out ({absent}: holds no prediction)" in text
    for frame in ("ED", "ES"):
        (absent / f"004_{frame}.nii.gz").write_bytes(b"torn")
    text = does(*words, "--missing", "skip")
    assert "warning: Kind: no prediction that can be scored; left out" in text
    assert "004_ED.nii.gz: cannot be read as NIfTI" in text
    shutil.rmtree(absent)
    assert set(scored(tmp_path / "out.csv")["test_set"]) == {"ACDC"}
    does(*words, "--missing", "zero")
    table = scored(tmp_path / "out.csv").query("test_set == 'Kind'")
    assert len(table) == 6 and (table["dice"].astype(float) == 0).all()
    # The diagonal of the centre 192 × 192 and two slices.
    record = json.loads((folder / "dataset.json").read_text())
    pixel = 192 * record["in_plane_spacing_mm"]
    np.testing.assert_allclose(
        table["hd95_mm"].astype(float), np.hypot(np.hypot(pixel, pixel), 2 * 10.0), atol=1e-3
    )


def test_foreign_dataset_json_is_explained(labels: Path, predictions: Path) -> None:
    (labels.parent / "nnunet").mkdir()
    folder = labels.rename(labels.parent / "nnunet" / "labelsTs")
    (folder.parent / "dataset.json").write_text('{"channel_names": {"0": "cineMRI"}}')
    text = fails(1, "score", predictions, folder.parent, "--out", folder.parent / "x.csv")
    assert "not a prepared set of coopbench" in text and "labelsTs" in text


# Plain folders


def test_known_scores_of_a_plain_folder(labels: Path, predictions: Path, tmp_path: Path) -> None:
    # LV is shifted by a voxel of 2 mm, so that 12 of 16 voxels overlap; 008 has no RV.
    save(predictions / "007_ED.nii.gz", volume(slice(1, 5)).astype(np.float32))
    save(predictions / "008_ES.nii.gz", volume())
    out = tmp_path / "out.csv"
    does("score", predictions, labels, "--out", out, "--workers", 1, "--repeat", 2, "--seed", 5)
    table = scored(out)
    assert table["dice"].map(float)["007", 0, "ED", "LV"] == pytest.approx(12 / 16)
    assert table["hd95_mm"].map(float)["007", 0, "ED", "LV"] == pytest.approx(2.0)
    assert table["dice"].map(float)["007", 0, "ED", "MYO"] == 1
    rv = table.loc["008", 0, "ES", "RV"]
    assert (float(rv["dice"]), rv["absent"]) == (0, "label")
    assert float(rv["hd95_mm"]) == pytest.approx(np.linalg.norm(SPACING * (10, 8, 2)), abs=1e-5)
    assert set(table["test_set"]) == {"labelsTs"} and set(table["output"]) == {"FTN"}
    assert set(table["repeat"]) == {2} and set(table["seed"]) == {5}


@pytest.mark.slow
def test_values_are_mapped(labels: Path, predictions: Path, tmp_path: Path) -> None:
    other = np.array([0, 3, 2, 1], dtype=np.int16)  # RV, MYO, LV as in nnU-Net's ACDC
    raw = np.array([0, 500, 200, 600], dtype=np.int16)
    for name in ("007_ED", "008_ES"):
        data = np.asarray(nib.load(labels / f"{name}.nii.gz").dataobj)
        mine = other[data]
        mine[0, 0, 0] = 7  # an atrium, say
        save(predictions / f"{name}.nii.gz", mine)
        save(labels / f"{name}.nii.gz", raw[data])
    out = tmp_path / "out.csv"
    words = ("score", predictions, labels, "--out", out, "--label-map", "500=LV,200=myo,600=RV")
    text = fails(1, *words, "--map", "1=RV,2=MYO,3=LV")
    assert "007_ED.nii.gz: holds the label value 7" in text and "--map" in text
    does(*words, "--map", "1=RV,2=MYO,3=LV,7=background", "--set", "ACDC", "--name", "nnU-Net")
    table = scored(out)
    assert set(table["dice"]) == {"1.000000", ""}  # RV of 008 is in neither
    assert set(table["test_set"]) == {"ACDC"} and set(table["method"]) == {"nnU-Net"}
    # A label's own value that nobody named is never a matter of --missing.
    text = fails(1, "score", predictions, labels, "--missing", "zero", "--out", tmp_path / "x.csv")
    assert "labelsTs/007_ED.nii.gz: holds the label value" in text and "--label-map" in text
    assert not list(tmp_path.glob("x.*"))


@pytest.mark.slow
def test_values_that_mean_something_else_are_suspected(tmp_path: Path) -> None:
    _, label = heart(np.random.default_rng(0), size=60)  # ACDC's numbers: 1 RV, 2 MYO, 3 LV
    for folder in ("labelsTs", "mine"):
        save(tmp_path / folder / "007_ED.nii.gz", label)
    words = ("score", tmp_path / "mine", tmp_path / "labelsTs", "--workers", 1)
    words = (*words, "--out", tmp_path / "out.csv")
    theirs = "1=RV,2=MYO,3=LV"
    text = does(*words, "--map", theirs)
    assert "warning: 1 of 1 labels look wrongly numbered" in text and "by --label-map" in text
    assert "1 of 1 predictions look wrongly numbered" in does(*words, "--label-map", theirs)
    assert "wrongly" not in does(*words, "--map", theirs, "--label-map", theirs)


def test_a_weak_model_is_not_taken_for_wrongly_numbered(tmp_path: Path) -> None:
    """It finds half of LV, and LV where nothing is, so that MYO borders hardly any of it."""
    _, label = heart(np.random.default_rng(0), size=60)
    weak = label.copy()
    weak[:30][label[:30] == 3] = 0
    weak[:, ::2][label[:, ::2] == 0] = 3
    save(tmp_path / "labelsTs" / "007_ED.nii.gz", label)
    save(tmp_path / "weak" / "007_ED.nii.gz", weak)
    theirs = ("--map", "1=RV,2=MYO,3=LV", "--label-map", "1=RV,2=MYO,3=LV")
    words = ("score", tmp_path / "weak", tmp_path / "labelsTs", *theirs, "--workers", 1)
    assert implausible(np.array([0, 3, 2, 1], dtype=np.uint8)[weak]) is not None
    assert "wrongly" not in does(*words, "--out", tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1=LV,2=MYO", "names no RV"),
        ("1=LV,1=MYO,3=RV", "value 1 twice"),
        ("1=LV,2=Myo,3=XY", "'3=XY'"),
        ("LV", "'LV'"),
        ("1.5=LV", "'1.5=LV'"),
    ],
)
def test_bad_map_is_usage(labels: Path, predictions: Path, text: str, said: str) -> None:
    assert said in fails(2, "score", predictions, labels, "--map", text)


def _break(predictions: Path, how: str) -> None:
    path = predictions / "007_ED.nii.gz"
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:60])
    elif how == "no NIfTI":
        path.write_text("no image")
    elif how == "shape":
        save(path, np.zeros((10, 9, 2), dtype=np.uint8))
    elif how == "affine":
        moved = AFFINE.copy()
        moved[0, 3] = 0.3  # of 2 mm
        save(path, volume(), moved)
    elif how == "spacing":
        save(path, volume(), AFFINE @ np.diag([1.1, 1, 1, 1]))
    elif how == "value":
        save(path, 2 * volume())
    elif how == "NaN":
        save(path, np.full((10, 8, 2), np.nan, dtype=np.float32))
    elif how == "4D":
        save(path, np.stack([volume(), volume()], axis=-1))


HOWS = {
    "missing": "labelsTs: no prediction of case 007_ED",
    "truncated": "007_ED.nii.gz: cannot be read",
    "no NIfTI": "007_ED.nii.gz: cannot be read",
    "shape": "007_ED.nii.gz: has the shape (10, 9, 2), but its label has (10, 8, 2)",
    "affine": "007_ED.nii.gz: lies elsewhere than its label, by up to 0.15 voxels",
    "spacing": "007_ED.nii.gz: lies elsewhere",
    "value": "007_ED.nii.gz: holds the label value",
    "NaN": "007_ED.nii.gz: holds the label value nan",
    "4D": "007_ED.nii.gz: is 4D",
}


@pytest.mark.parametrize("how", HOWS)
def test_broken_predictions_fail_and_nothing_is_written(
    labels: Path, predictions: Path, tmp_path: Path, how: str
) -> None:
    _break(predictions, how)
    out = tmp_path / "scores" / "mine.csv"
    text = fails(1, "score", predictions, labels, "--out", out, "--workers", 1)
    assert HOWS[how] in text and "1 of 2 cases cannot be scored" in text
    assert not out.parent.exists()


@pytest.mark.parametrize("how", ["missing", "truncated", "affine"])
def test_broken_predictions_count_as_zero(
    labels: Path, predictions: Path, tmp_path: Path, how: str
) -> None:
    _break(predictions, how)
    (predictions / "008_ES.nii.gz").unlink()
    save(predictions / "009_ED.nii.gz", volume())
    save(labels / "009_ED.nii.gz", volume())
    out = tmp_path / "out.csv"
    text = does("score", predictions, labels, "--out", out, "--missing", "zero")
    assert HOWS[how] in text and "no prediction of case 008_ES" in text
    assert "3 of 3 volumes" in text and "2 counted as zero" in text
    table = scored(out)
    for structure in ("LV", "MYO", "RV"):
        row = table.loc["007", 0, "ED", structure]
        assert (float(row["dice"]), float(row["nsd_2mm"]), row["absent"]) == (0, 0, "prediction")
        # 10 × 8 × 2 voxels of 2 × 1.5 × 8 mm: √(20² + 12² + 16²)
        assert float(row["hd95_mm"]) == pytest.approx(np.sqrt(800), abs=1e-5)
    both = table.loc["008", 0, "ES", "RV"]
    assert (both["dice"], both["hd95_mm"], both["absent"]) == ("", "", "both")
    assert set(table.loc["009"]["dice"].astype(float)) == {1.0}
    record = json.loads(out.with_suffix(".json").read_text())
    assert len(record["faults"]) == 2 and record["missing"] == "zero"


@pytest.mark.slow
def test_broken_predictions_are_left_out(labels: Path, predictions: Path, tmp_path: Path) -> None:
    _break(predictions, "missing")
    out = tmp_path / "out.csv"
    words = ("score", predictions, labels, "--out", out, "--missing", "skip")
    assert "1 of 2 volumes" in does(*words)
    assert set(scored(out).index.get_level_values("subject")) == {"008"}
    before = out.read_bytes()
    (predictions / "008_ES.nii.gz").write_text("no image")
    assert "no case is left to score" in fails(1, *words)
    assert out.read_bytes() == before


def test_other_orientations_of_the_same_voxels(
    labels: Path, predictions: Path, tmp_path: Path
) -> None:
    tilt = AFFINE.copy()
    tilt[:3, :3] = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]) @ AFFINE[:3, :3]
    tilt[:3, 3] = (30, -20, 5)
    for name, data in (("007_ED", volume()), ("008_ES", volume(rv=False))):
        image = nib.Nifti1Image(data, tilt)
        nib.save(image, labels / f"{name}.nii.gz")
        turned = image.as_reoriented(np.array([[1, -1], [2, 1], [0, -1]]))
        assert turned.shape != image.shape
        nib.save(turned, predictions / f"{name}.nii.gz")
    out = tmp_path / "out.csv"
    does("score", predictions, labels, "--out", out)
    assert set(scored(out)["dice"]) == {"1.000000", ""}


def test_two_files_of_one_case(labels: Path, predictions: Path, tmp_path: Path) -> None:
    twin = save(predictions / "007" / "ED_pred.nii.gz", volume())
    text = fails(1, "score", predictions, labels, "--out", tmp_path / "x.csv")
    assert str(twin) in text and str(predictions / "007_ED.nii.gz") in text
    twin.unlink()
    acquired = save(predictions / "draw0" / "007_ED.nii.gz", volume())
    text = fails(1, "score", predictions, labels, "--out", tmp_path / "x.csv")
    assert str(acquired) in text
    acquired.unlink()
    twin = save(labels / "007_ED_gt.nii.gz", volume())
    text = fails(1, "score", predictions, labels, "--out", tmp_path / "x.csv")
    assert str(twin) in text
    text = fails(
        2, "score", predictions, predictions, "--case", r"(?P<subject>00)\d.*", "--name", "x"
    )
    assert "007_ED.nii.gz" in text and "008_ES.nii.gz" in text


@pytest.mark.slow
def test_nnunet_names_with_draws(tmp_path: Path) -> None:
    labels, out = tmp_path / "labelsTs", tmp_path / "out.csv"
    for case in ("la_003", "la_004"):
        save(labels / f"{case}.nii.gz", volume())
        for draw in (1, 2):
            save(tmp_path / "mine" / f"draw{draw}" / f"{case}.nii.gz", volume(slice(1, 4 + draw)))
    save(tmp_path / "mine" / "draw7" / "la_099_0000.nii.gz", volume())
    text = does("score", tmp_path / "mine", labels, "--out", out)
    assert "1 prediction matches no label of labelsTs (draw7/la_099_0000.nii.gz)" in text
    table = scored(out)
    assert list(table.index.unique("subject")) == ["la_003", "la_004"]
    assert set(table.index.get_level_values("draw")) == {1, 2} and len(table) == 12
    assert set(table.index.get_level_values("frame")) == {"volume"}
    assert float(table.loc["la_003", 1, "volume", "LV"]["dice"]) == pytest.approx(24 / 32)
    assert float(table.loc["la_003", 2, "volume", "LV"]["dice"]) == pytest.approx(32 / 36)
    (tmp_path / "mine" / "draw2" / "la_004.nii.gz").unlink()
    assert "no prediction of case la_004 (draw 2)" in fails(
        1, "score", tmp_path / "mine", labels, "--out", tmp_path / "x.csv"
    )


def test_own_regular_expression(labels: Path, predictions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    words = ("score", predictions, labels, "--out", out, "--case")
    does(*words, r"0*(?P<subject>\d+)_(?P<frame>\w+)")
    assert set(scored(out).index.get_level_values("subject")) == {"7", "8"}
    assert "not a regular expression" in fails(2, *words, "(")
    assert "(?P<subject>…)" in fails(2, *words, r"\d+")
    assert "finds no subject in the case '007_ED'" in fails(2, *words, r"(?P<subject>x)")


def test_nothing_matches(labels: Path, predictions: Path, tmp_path: Path) -> None:
    for path in list(predictions.iterdir()):
        path.rename(predictions / f"heart-{path.name}")
    words = ("score", predictions, labels, "--missing", "zero", "--out", tmp_path / "x.csv")
    text = fails(1, *words)
    assert "none of 2 predictions matches" in text
    assert "'heart-007_ED'" in text and "'007_ED'" in text
    (tmp_path / "empty").mkdir()
    text = fails(1, "score", tmp_path / "empty", labels, "--out", tmp_path / "x.csv")
    assert "holds no prediction" in text and "007_ED" in text
    text = fails(1, "score", predictions, tmp_path / "empty", "--out", tmp_path / "x.csv")
    assert "neither a prepared set" in text
    fails(2, "score", tmp_path / "nowhere", labels)


@pytest.fixture
def two_sets(data: Path, tmp_path: Path) -> Path:
    """A folder of data with a second prepared set, which has no splits."""
    shutil.copytree(data / "acdc", tmp_path / "two" / "acdc")
    other = shutil.copytree(data / "acdc", tmp_path / "two" / "other")
    (other / "splits.json").unlink()
    record = json.loads((other / "dataset.json").read_text())
    (other / "dataset.json").write_text(json.dumps(record | {"name": "other", "title": "Other"}))
    return tmp_path / "two"


def copy_labels(data: Path, out: Path, *, tested: bool = True) -> Path:
    """Predictions that are the labels, of the test subjects or of all the others."""
    dataset = read_dataset(data / "acdc")
    test = {case.subject for case in evaluated_cases(dataset)}
    out.mkdir(parents=True, exist_ok=True)
    for case in dataset.cases:
        if (case.subject in test) == tested:
            for frame in case.frames:
                label = dataset.root / case.folder / f"{frame}_seg.nii.gz"
                shutil.copyfile(label, out / f"{case.subject}_{frame}.nii.gz")
    return out


@pytest.mark.slow
@pytest.mark.parametrize("below", ["", "acdc", "clean"])
def test_one_rule_where_predictions_lie(two_sets: Path, tmp_path: Path, below: str) -> None:
    copy_labels(two_sets, tmp_path / "mine" / below)
    words = ("score", tmp_path / "mine", two_sets / "acdc", "--out", tmp_path / "x.csv")
    assert "ACDC: " in does(*words, "--workers", 1)
    of_all = ("score", tmp_path / "mine", two_sets, "--out", tmp_path / "y.csv", "--workers", 1)
    if below:
        assert "ACDC: " in does(*of_all, "--missing", "skip")
    else:
        said = fails(2, *of_all)
        assert "no folder for any of the 2 sets" in said
        assert f"give {two_sets / 'acdc'} as LABELS" in said


def test_predictions_of_training_subjects_are_recognised(data: Path, tmp_path: Path) -> None:
    others = copy_labels(data, tmp_path / "mine", tested=False)
    words = ("score", others, data / "acdc", "--out", tmp_path / "x.csv", "--workers", 1)
    assert "are of training or validation subjects of ACDC" in fails(1, *words)
    count = len(list(others.iterdir()))
    copy_labels(data, others)
    said = does(*words)
    assert f"{count} of training or validation subjects of ACDC left out" in said
    assert "no label" not in said


def test_a_folder_of_runs_that_does_not_exist_is_no_table_of_scores_alone(
    data: Path, labels: Path, predictions: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.csv"
    does("score", predictions, labels, "--out", out, "--workers", 1)
    words = ("report", "--data", data, "--scores", out, "--runs", tmp_path / "nowhere")
    said = fails(2, *words)
    assert "nowhere: is not a folder" in said and "--runs none" in said


@pytest.mark.slow
def test_only_a_new_version_replaces_scores(
    labels: Path, predictions: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    words = ("score", predictions, labels, "--out", out)
    does(*words)
    before = out.read_bytes(), out.with_suffix(".json").read_bytes()
    does(*words)
    assert (out.read_bytes(), out.with_suffix(".json").read_bytes()) == before
    assert "give another --out" in fails(2, *words, "--repeat", 1)
    assert "give another --out" in fails(2, *words, "--set", "ACDC")
    assert "ends in .csv" in fails(2, "score", predictions, labels, "--out", tmp_path / "out")
    other = tmp_path / "other.csv"
    other.write_text("mine\n")
    assert "not from 'coopbench score'" in fails(2, "score", predictions, labels, "--out", other)
    assert other.read_text() == "mine\n"
    assert "--name" in fails(2, *words, "--name", "../x")


def test_faults_are_listed_up_to_ten(tmp_path: Path) -> None:
    for number in range(15):
        save(tmp_path / "labelsTs" / f"{number:03d}.nii.gz", volume())
    save(tmp_path / "mine" / "000.nii.gz", volume())
    text = fails(1, "score", tmp_path / "mine", tmp_path / "labelsTs", "--out", tmp_path / "x.csv")
    assert "14 of 15 cases" in text and "and 4 more" in text
    assert "case 010" in text and "case 011" not in text


# The report


# Corrupted folders

FOGGY = """
format = "coopbench-recipe-1"
name = "foggy"
title = "Foggy"
version = 1

[kinds.Noise]
corruption = "noise"
severities = [1, 3]

[kinds.Shade]
corruption = "bias"
strength = { coefficient = 0.7 }
"""


@pytest.fixture
def corrupted(tmp_path: Path, labels: Path) -> Path:
    """The images of the labels, corrupted by a recipe of three kinds, two of them graded."""
    rng = np.random.default_rng(0)
    for path in labels.iterdir():
        image = tmp_path / "imagesTs" / path.name.replace(".nii", "_0000.nii")
        save(image, rng.random((10, 8, 2)).astype(np.float32))
    recipe = tmp_path / "foggy.toml"
    recipe.write_text(FOGGY)
    out = tmp_path / "imagesTs-c"
    does("corrupt", "--recipe", recipe, tmp_path / "imagesTs", out, "--workers", 1)
    return out


def predict_all(labels: Path, folder: Path, clean: str = "clean") -> Path:
    """Predictions that lose more and more of LV, from the clean set to the strong noise."""
    for place, kind in enumerate([clean, "Noise-1", "Noise-3", "Shade"]):
        for label in labels.iterdir():
            data = np.asarray(nib.load(label).dataobj).copy()
            data[2 : 2 + place] = 0
            save(folder / kind / label.name, data)
    return folder


@pytest.mark.slow
@pytest.mark.usefixtures("few_figures")
def test_corrupted_folder_is_scored_at_once_and_reported(
    data: Path, labels: Path, corrupted: Path, tmp_path: Path
) -> None:
    files = []
    for name, title in (("mine", None), ("yours", "MyData"), ("theirs", "MyData")):
        files.append(tmp_path / f"{name}.csv")
        found = predict_all(labels, tmp_path / name, title or "clean")
        said = does(
            "score", found, labels, "--corrupted", corrupted, *(["--set", title] if title else []),
            "--out", files[-1], "--workers", 1,
        )  # fmt: skip
        clean = title or "labelsTs"
        for kind in ("Noise-1", "Noise-3", "Shade"):
            assert f"{kind} (foggy on {clean}): 2 of 2 volumes" in said
        assert f"{clean}: 2 of 2 volumes" in said
    record = json.loads(files[1].with_suffix(".json").read_text())
    assert record["options"]["corrupted"] == "imagesTs-c"
    assert [one["corruption"] for one in record["test_sets"]] == [
        None,
        {"recipe": "foggy", "version": 1, "kind": "Noise", "severity": 1, "clean": "MyData"},
        {"recipe": "foggy", "version": 1, "kind": "Noise", "severity": 3, "clean": "MyData"},
        {"recipe": "foggy", "version": 1, "kind": "Shade", "severity": None, "clean": "MyData"},
    ]
    words = ("--data", data, "--runs", tmp_path / "none", "--no-pictures")
    words = (*words, "--out", tmp_path / "out")
    # One recipe on two clean sets, as their names have it, is two comparisons.
    does("report", *words, "--scores", files[0], "--scores", files[1])
    tables = tmp_path / "out" / "tables"
    for title in ("MyData", "labelsTs"):
        assert title in (tables / f"robustness-foggy-on-{title}.md").read_text()
    does("report", *words, "--scores", files[1], "--scores", files[2])
    severity = pd.read_csv(tables / "severity.csv")
    severity = severity[(severity["method"] == "yours") & (severity["kind"] == "Noise")]
    dice = severity[severity["measure"] == "dice"].set_index("severity")["mean"]
    means = read_scores(files[1]).groupby("test_set")["dice"].mean()
    of = {1: "Noise-1 (foggy on MyData)", 3: "Noise-3 (foggy on MyData)"}
    wanted = {0: means["MyData"]} | {severity: means[name] for severity, name in of.items()}
    assert dice.to_dict() == pytest.approx(wanted, abs=1e-6)
    assert wanted[0] == 1 > wanted[1] > wanted[3]
    robustness = (tables / "robustness.md").read_text()
    for word in ("mCE", "ROOD", "MyData"):
        assert word in robustness, word
    remark = "MyData and 3 sets of foggy: whole volume of the labels in labelsTs"
    assert remark in (tables / "dice-ftn.md").read_text()


@pytest.mark.slow
def test_scores_are_reported_without_pytorch(
    data: Path, labels: Path, predictions: Path, tmp_path: Path
) -> None:
    """It takes a second to import, which a report of scores alone is not to wait for."""
    out = tmp_path / "mine.csv"
    does("score", predictions, labels, "--name", "mine", "--out", out, "--workers", 1)
    code = "import sys; sys.modules['torch'] = None; from benchmark.cli import cli; cli()"
    words = ["report", "--data", data, "--runs", "none", "--scores", out, "--no-pictures"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout and (tmp_path / "report/external/report.html").is_file()


@pytest.mark.slow
def test_other_labels_under_one_title_do_not_mix(
    data: Path, labels: Path, predictions: Path, tmp_path: Path
) -> None:
    predict_all(labels, predictions.parent / "all", "all")
    found = predictions.parent / "all" / "all"
    words: list[object] = ["report", "--data", data, "--runs", tmp_path / "none"]
    for name in ("mine", "yours"):
        out = tmp_path / f"{name}.csv"
        does("score", found, labels, "--set", "X", "--name", name, "--out", out, "--workers", 1)
        words += ["--scores", out]
        label = next(labels.glob("*.nii.gz"))
        data_of = np.asarray(nib.load(label).dataobj).copy()
        data_of[2] = 0
        save(label, data_of)
    assert "its X is not the one of" in fails(1, *words)


@pytest.mark.slow
def test_draws_of_a_corrupted_folder_are_all_expected(labels: Path, tmp_path: Path) -> None:
    save(tmp_path / "images" / "007_ED_0000.nii.gz", np.arange(160.0).reshape(10, 8, 2))
    save(tmp_path / "images" / "008_ES_0000.nii.gz", np.arange(160.0).reshape(10, 8, 2))
    recipe = tmp_path / "foggy.toml"
    recipe.write_text(FOGGY.replace("version = 1", "version = 1\ndraws = 2"))
    out = tmp_path / "out"
    does("corrupt", "--recipe", recipe, tmp_path / "images", out, "--workers", 1)
    found = predict_all(labels, tmp_path / "mine")
    for kind in ("Noise-1", "Noise-3", "Shade"):
        shutil.copytree(found / kind, found / kind / "draw1")
        for label in labels.iterdir():
            (found / kind / label.name).rename(
                found / kind / label.name.replace(".nii", "_draw2.nii")
            )
    words = ("score", found, labels, "--corrupted", out, "--out", tmp_path / "mine.csv")
    does(*words, "--workers", 1)
    assert set(scored(tmp_path / "mine.csv").index.unique("draw")) == {0, 1, 2}
    (found / "Shade" / "draw1" / "007_ED.nii.gz").unlink()
    said = "Shade (foggy on labelsTs): no prediction of case 007_ED (draw 1)"
    assert said in fails(1, *words, "--workers", 1)


def test_corrupted_folders_that_do_not_fit(
    data: Path, labels: Path, corrupted: Path, tmp_path: Path
) -> None:
    found = predict_all(labels, tmp_path / "mine")
    words = ("--corrupted", corrupted, "--workers", 1)
    said = fails(2, "score", found, labels, *words, "--set", "Shade")
    assert "has a kind called Shade, like the clean set" in said
    assert "works with a plain folder of labels only" in fails(2, "score", found, data, *words)
    no_manifest = fails(1, "score", found, labels, "--corrupted", labels)
    assert "holds no manifest.json" in no_manifest
    shutil.rmtree(found / "Noise-3")
    said = fails(1, "score", found, labels, *words, "--out", tmp_path / "mine.csv")
    assert "its predictions belong in a folder called Noise-3" in said
    assert not (tmp_path / "mine.csv").exists()


def _external(data: Path, tmp_path: Path, *words: object, frames: tuple[str, ...]) -> Path:
    for frame in frames:
        target = tmp_path / "theirs" / f"004_{frame}.nii.gz"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(data / "acdc" / "004" / f"{frame}_seg.nii.gz", target)
    out = tmp_path / "scores" / "theirs.csv"
    does("score", tmp_path / "theirs", data / "acdc", "--out", out, *words)
    return out


@pytest.mark.slow
@pytest.mark.usefixtures("without_figures")
@pytest.mark.usefixtures("few_figures")
def test_external_model_is_a_row(data: Path, trained: Path, tmp_path: Path) -> None:
    path = _external(data, tmp_path, "--missing", "zero", frames=("ED",))
    words = ("report", "--data", data, "--runs", trained, "--scores", path)
    out = tmp_path / "report"
    text = does(*words, "--out", out)
    assert "theirs‡" in text
    note = (
        "‡ theirs: external: scored by 'coopbench score' from theirs; 1 of 2 cases missing, "
        "counted as zero."
    )
    assert note in text
    table = (out / "tables" / "dice-ftn.md").read_text()
    row = next(line for line in table.splitlines() if line.startswith("| theirs"))
    assert "0.5000" in row and "Standard training" in table
    joined = read_scores(out / "scores.csv")
    assert joined["method"].value_counts().to_dict() == {"standard": 12, "theirs": 6}
    # Rows without a record, and several files.
    bare = tmp_path / "bare.csv"
    bare.write_text(path.read_text().replace("theirs,", "bare,"))
    text = does(*words, "--scores", bare, "--out", out)
    assert "‡ bare: external scores." in text and "theirs‡" in text


@pytest.mark.slow
@pytest.mark.usefixtures("few_figures")
def test_report_of_external_models_alone(data: Path, tmp_path: Path) -> None:
    path = _external(data, tmp_path, frames=("ED", "ES"))
    out = tmp_path / "report"
    words = ("report", "--data", data, "--runs", tmp_path / "none")
    text = does(*words, "--scores", path, "--out", out)
    assert "1.0000" in text and "theirs‡" in text and "(external)" in text
    assert (out / "figures" / "scores.png").is_file()
    assert "holds no finished run" in fails(1, *words)


def test_report_refuses_rows_that_do_not_fit(data: Path, trained: Path, tmp_path: Path) -> None:
    path = _external(data, tmp_path, frames=("ED", "ES"))
    words = ("report", "--data", data, "--runs", trained, "--out", tmp_path / "report", "--scores")
    twin = tmp_path / "twin.csv"
    twin.write_text(path.read_text().replace("theirs,", "standard,"))
    assert "its row is called standard" in fails(2, *words, twin)
    assert "given twice" in fails(1, *words, path, "--scores", path)
    assert "no such file" in fails(1, *words, tmp_path / "none.csv")
    record = json.loads(path.with_suffix(".json").read_text())
    changed = record | {"test_sets": [record["test_sets"][0] | {"fingerprint": "other"}]}
    path.with_suffix(".json").write_text(json.dumps(changed))
    assert "another ACDC than" in fails(1, *words, path)
    path.with_suffix(".json").write_text(json.dumps(record))
    path.write_text(path.read_text().replace("1.000000", "0.500000", 1))
    assert "does not fit the record theirs.json beside it" in fails(1, *words, path)
    assert not (tmp_path / "report").exists()


# Values that are almost whole, and probabilities


@pytest.mark.slow
def test_values_almost_whole_are_rounded(labels: Path, predictions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    words = ("score", predictions, labels, "--out", out, "--workers", 1)
    for path in predictions.iterdir():
        data = np.asarray(nib.load(path).dataobj).astype(float)
        data[data > 0] += np.resize([2e-10, -9e-4, 9e-4, 0], int((data > 0).sum()))
        save(path, data)
    does(*words)
    assert (pd.to_numeric(scored(out)["dice"]).dropna() == 1).all()
    whole = volume().astype(float)
    image = nib.Nifti1Image(whole, AFFINE)
    image.set_data_dtype(np.int16)  # with slope and intercept
    image.to_filename(predictions / "007_ED.nii.gz")
    does(*words)
    assert (pd.to_numeric(scored(out)["dice"]).dropna() == 1).all()
    whole[2, 2, 0], whole[3, 2, 0], whole[4, 2, 0] = 0.5, 2.5, 2.5
    save(predictions / "007_ED.nii.gz", whole)
    said = fails(1, *words)
    assert "007_ED.nii.gz: holds the label value 0.5 (1 voxel), 2.5 (2 voxels)" in said


@pytest.mark.slow
def test_probabilities_are_scored_by_the_greatest(
    labels: Path, predictions: Path, tmp_path: Path
) -> None:
    for path in predictions.iterdir():
        data = np.asarray(nib.load(path).dataobj)
        soft = np.stack([np.where(data == value, 0.4, 0.2) for value in range(4)], axis=-1)
        save(path, soft.astype(np.float32))
    out = tmp_path / "out.csv"
    words = ("score", predictions, labels, "--out", out, "--workers", 1)
    assert "is 4D" in fails(1, *words)
    does(*words, "--probabilities")
    assert (pd.to_numeric(scored(out)["dice"]).dropna() == 1).all()
    save(predictions / "007_ED.nii.gz", volume())
    assert "holds 1 channel on its fourth axis" in fails(1, *words, "--probabilities")
