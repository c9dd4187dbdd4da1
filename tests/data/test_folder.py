"""Any folder of images and labels becomes a prepared set."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from benchmark.cli import cli
from benchmark.data.dataset import evaluated_cases, read_dataset, read_splits
from benchmark.data.nifti import read_volume, write_volume
from tests.helpers.acdc_files import ACDC_AFFINE, heart

RESTORED = np.array([0, 3, 2, 1], dtype=np.uint8)  # of ACDC's values: 1 LV, 2 MYO, 3 RV
MAP = ("--label-map", "1=LV,2=MYO,3=RV")


def pair(seed: int, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    image, label = heart(np.random.default_rng(seed), size=60, scale=scale)
    return image, RESTORED[label]


def write_pair(image: Path, label: Path, seed: int, scale: float = 1.0) -> np.ndarray:
    values, structures = pair(seed, scale)
    write_volume(image, values, ACDC_AFFINE)
    write_volume(label, structures, ACDC_AFFINE)
    return structures


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli, ["prepare", "folder", *map(str, words)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.fixture
def restored(tmp_path: Path) -> Path:
    """MS-CMRSeg's LGE as others stored it anew: another name, another numbering, scar as 4."""
    raw = tmp_path / "restored"
    for number in (1, 2, 3):
        stem = f"subject{number}_DE"
        label = raw / "labels" / f"{stem}_manual.nii.gz"
        structures = write_pair(raw / "images" / f"{stem}.nii.gz", label, number)
        wall = np.argwhere(structures == 2)
        structures[tuple(wall[: len(wall) // 5].T)] = 4
        write_volume(label, structures, ACDC_AFFINE)
    return raw


GLOBS = ("--images", "images/*.nii.gz", "--labels", "labels/*.nii.gz")


@pytest.mark.slow
def test_restored_mscmr(restored: Path, tmp_path: Path) -> None:
    counts = {}
    for name, fourth in (("scar", "4=MYO"), ("less", "rest=background")):
        words = (restored, *GLOBS, "--name", name, "--label-map", f"1=LV,2=MYO,3=RV,{fourth}")
        said = run(*words, "--out", tmp_path / "data", "--workers", 1)
        assert f"3 subjects of {name}" in said
        label = read_volume(tmp_path / "data" / name / "subject2_DE" / "ED_seg.nii.gz").data
        counts[name] = [int((label == value).sum()) for value in (1, 2, 3)]
    assert counts["scar"][::2] == counts["less"][::2]
    assert counts["scar"][1] > counts["less"][1] > 0
    said = run(restored, *GLOBS, "--name", "x", *MAP, "--out", tmp_path / "data", code=1)
    assert "holds the label value 4 (" in said


def test_dry_run_shows_what_belongs_together(restored: Path, tmp_path: Path) -> None:
    words = (restored, *GLOBS, "--name", "mine", "--map", "1=LV,2=MYO,3=RV,4=MYO", "--dry-run")
    write_volume(restored / "images" / "subject9_DE.nii.gz", pair(9)[0], ACDC_AFFINE)
    said = run(*words, "--out", tmp_path / "data")
    assert "subject1_DE ED images/subject1_DE.nii.gz labels/subject1_DE_manual.nii.gz" in said
    assert "60 × 60 × 2, 1.562 × 1.562 × 10" in said
    assert "1 images have no label" in said and "3 subjects, 3 frames; nothing was written" in said
    assert not (tmp_path / "data").exists()
    (restored / "images" / "subject2_DE.nii.gz").unlink()
    said = run(*words, code=1)
    assert "subject2_DE_manual.nii.gz: no image of subject subject2_DE, frame ED" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "x"), "--images GLOB, --labels GLOB: missing; give both"),
        (("--name", "x", *GLOBS), "--label-map: missing; say what the label values mean"),
        (("--name", "x", *GLOBS, *MAP, "--case", r"\d+"), "has no group (?P<subject>"),
        (("--name", "../x", *GLOBS, *MAP), "../x"),
        (("--name", "x", *GLOBS, "--label-map", "1=LV"), "names no MYO and no RV"),
    ],
)
def test_wrong_options_are_usage(words: tuple[str, ...], said: str, restored: Path) -> None:
    assert said in run(restored, *words, code=2)


def test_globs_that_find_nothing_and_ambiguous_ones(restored: Path) -> None:
    words = ("--name", "x", *MAP)
    said = run(restored, "--images", "a/*", "--labels", "labels/*", *words, code=1)
    assert "--images a/* finds no NIfTI file" in said
    write_volume(restored / "images" / "b" / "subject1_DE.nii.gz", pair(1)[0], ACDC_AFFINE)
    case = ("--case", r"(?:b_)?(?P<subject>.+)_DE")
    said = run(
        *(restored, "--images", "images/**/*.nii.gz", "--labels", "labels/*.nii.gz"),
        *(*words, *case),
        code=1,
    )
    assert "are both images of subject subject1" in said


def test_mnms2_with_frames_and_a_split(tmp_path: Path) -> None:
    raw = tmp_path / "mnms2"
    for number in ("001", "002", "003"):
        for frame, scale in (("ED", 1.0), ("ES", 0.7)):
            stem = raw / number / f"{number}_SA_{frame}"
            write_pair(Path(f"{stem}.nii.gz"), Path(f"{stem}_gt.nii.gz"), int(number), scale)
    table = tmp_path / "split.csv"
    table.write_bytes("subject;split\r\n001;train\r\n002;val\r\n003;test\r\n".encode("utf-16"))
    run(
        *(raw, "--images", "*/*_SA_E?.nii.gz", "--labels", "*/*_SA_E?_gt.nii.gz"),
        *("--name", "mnms2", "--title", "M&Ms-2", *MAP, "--split", table),
        *("--case", r"(?P<subject>\d+)_SA_(?P<frame>ED|ES)"),
        *("--out", tmp_path / "data", "--workers", 1),
    )
    dataset = read_dataset(tmp_path / "data" / "mnms2")
    assert dataset.title == "M&Ms-2"
    assert [(one.subject, one.frames) for one in dataset.cases] == [
        (number, ("ED", "ES")) for number in ("001", "002", "003")
    ]
    splits = read_splits(dataset)
    assert (splits.repeats[0].train, splits.repeats[0].validation) == (("001",), ("002",))
    assert [one.subject for one in evaluated_cases(dataset)] == ["003"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subject,split\nsubject1_DE,train\n", "has no test subject"),
        ("subject,split\nsubject1_DE,test\nsubject7,train\nsubject2_DE,val\n", "(subject7)"),
        ("subject,split\nsubject1_DE,maybe\n", "line 2: split 'maybe'"),
        ("case,split\n1,test\n", "has no column subject"),
        ("subject,split\nsubject1_DE,test\nsubject2_DE,train\n", "has no validation subject"),
        (
            "subject,split\nsubject1_DE,test\nsubject1_DE,train\nsubject2_DE,val\n",
            "repeat 0 uses subject1_DE twice",
        ),
    ],
)
def test_splits_that_cannot_be_used(text: str, said: str, restored: Path, tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text(text)
    words = ("--name", "x", "--label-map", "1=LV,2=MYO,3=RV,4=MYO", "--split")
    assert said in run(restored, *GLOBS, *words, tmp_path / "split.csv", "--dry-run", code=1)


def write_nnunet(raw: Path, labels: dict[str, object]) -> Path:
    for part, cases in (("Tr", ("a_frame01", "a_frame09", "b_frame01")), ("Ts", ("c_frame01",))):
        for number, case in enumerate(cases):
            image = raw / f"images{part}" / f"{case}_0000.nii.gz"
            write_pair(image, raw / f"labels{part}" / f"{case}.nii.gz", number)
    record = {"channel_names": {"0": "cineMRI"}, "labels": labels, "file_ending": ".nii.gz"}
    (raw / "dataset.json").write_text(json.dumps(record))
    return raw


@pytest.mark.parametrize(
    "labels",
    [
        {"background": 0, "LVC": 1, "MLV": 2, "RV": 3},
        {"0": "background", "1": "left ventricle", "2": "Myocardium", "3": "right ventricle"},
    ],
    ids=["version 2", "version 1"],
)
def test_nnunet_raw_data_set(labels: dict[str, object], tmp_path: Path) -> None:
    raw = write_nnunet(tmp_path / "Dataset027_ACDC", labels)
    folds = [{"train": ["a_frame01", "a_frame09"], "val": ["b_frame01"]}]
    (tmp_path / "splits_final.json").write_text(json.dumps(folds))
    words = ("--split", tmp_path / "splits_final.json", "--out", tmp_path / "data", "--workers", 1)
    run(raw, "--name", "acdc27", *words)
    dataset = read_dataset(tmp_path / "data" / "acdc27")
    assert [(one.subject, one.frames) for one in dataset.cases] == [
        ("a", ("frame01", "frame09")),
        ("b", ("frame01",)),
        ("c", ("frame01",)),
    ]
    splits = read_splits(dataset)
    assert (splits.test, splits.repeats[0].train) == (("c",), ("a",))


def test_nnunet_labels_that_nobody_can_tell(tmp_path: Path) -> None:
    raw = write_nnunet(tmp_path / "raw", {"background": 0, "atrium": 1, "whole": [1, 2]})
    said = run(raw, "--name", "x", "--dry-run", code=1)
    assert "names a label 'atrium' (1); say by --label-map" in said


def test_frames_of_4d_files(tmp_path: Path) -> None:
    """Of the frames with a label, ED is the one with the larger LV, unless a table says it."""
    images, labels = zip(*(pair(1, scale) for scale in (0.7, 0.9, 1.0)), strict=True)
    label = np.stack(labels, axis=-1)
    label[..., 1] = 0
    for name, data in (("a_img", np.stack(images, axis=-1)), ("a_seg", label)):
        nib.save(nib.Nifti1Image(data, ACDC_AFFINE), tmp_path / f"{name}.nii.gz")
    globs = ("--images", "*_img*", "--labels", "*_seg*", "--name", "x", *MAP, "--dry-run")
    said = run(tmp_path, *globs)
    assert "a ED a_img.nii.gz a_seg.nii.gz 2" in said and "a ES a_img.nii.gz a_seg.nii.gz 0" in said
    (tmp_path / "t.csv").write_text("subject,ED,ES\na,0,2\n")
    assert "a ED a_img.nii.gz a_seg.nii.gz 0" in run(
        tmp_path, *globs, "--split", tmp_path / "t.csv"
    )
    nib.save(nib.Nifti1Image(label[..., 0], ACDC_AFFINE), tmp_path / "a_seg.nii.gz")
    assert "holds 1 of the 3 frames of a_img.nii.gz" in run(tmp_path, *globs, code=1)
