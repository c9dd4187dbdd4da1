"""A challenge's parts are sets of their own, and no set takes the place of another unasked."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.data.acdc import read_acdc
from benchmark.data.mnms import read_mnms
from benchmark.data.mscmr import read_mscmr
from benchmark.data.prepare import prepare
from tests.helpers.acdc_files import write_acdc


def renumbered(raw: Path, old: str, new: str) -> None:
    folder = raw / f"patient{old}"
    for path in folder.iterdir():
        path.rename(path.with_name(path.name.replace(f"patient{old}", f"patient{new}")))
    folder.rename(raw / f"patient{new}")


@pytest.fixture
def download(tmp_path: Path) -> Path:
    """Training subjects 001 and 002, and testing subject 101."""
    raw = write_acdc(tmp_path / "raw", 3, size=60)
    (raw / "testing").mkdir()
    (raw / "training" / "patient003").rename(raw / "testing" / "patient003")
    renumbered(raw / "testing", "003", "101")
    return raw


def command(*words: object) -> Result:
    return CliRunner().invoke(cli, ["prepare", *map(str, words), "--workers", "1"])


def subjects(data: Path, name: str) -> list[str]:
    record = json.loads((data / name / "dataset.json").read_text())
    return [case["subject"] for case in record["cases"]]


def test_training_and_testing_become_two_sets(download: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for part in ("training", "testing"):
        result = command("acdc", download / part, "--out", data)
        assert result.exit_code == 0, result.output
    assert subjects(data, "acdc") == ["001", "002"]
    assert subjects(data, "acdc-test") == ["101"]
    assert not (data / "acdc-test" / "splits.json").exists()


def test_the_download_is_its_training_part_and_says_so(download: Path, tmp_path: Path) -> None:
    result = command("acdc", download, "--out", tmp_path / "data")
    assert f"coopbench prepare acdc {download / 'testing'}" in result.output
    assert subjects(tmp_path / "data", "acdc") == ["001", "002"]
    command("acdc", download, "--out", tmp_path / "data", "--part", "testing")
    assert subjects(tmp_path / "data", "acdc-test") == ["101"]
    shutil.rmtree(download / "testing")
    result = command("acdc", download, "--out", tmp_path / "data", "--part", "testing")
    assert result.exit_code == 1 and "holds no training" in result.output


def test_all_patients_in_one_folder(download: Path) -> None:
    (download / "testing" / "patient101").rename(download / "training" / "patient101")
    assert [one.subject for one in read_acdc(download / "training").subjects] == ["001", "002"]
    testing = read_acdc(download / "training", "testing")
    assert (testing.name, [one.subject for one in testing.subjects]) == ("acdc-test", ["101"])


def test_other_subjects_need_to_be_told(download: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare(read_acdc(download), data, workers=0)
    renumbered(download / "training", "002", "005")
    with pytest.raises(UsageError, match=r"holds 1 subject that ACDC as given lacks \(002\)"):
        prepare(read_acdc(download), data, workers=0)
    assert subjects(data, "acdc") == ["001", "002"]
    prepare(read_acdc(download), data, workers=0, replace_set=True)
    assert subjects(data, "acdc") == ["001", "005"]
    assert not (data / "acdc" / "002").exists()
    with pytest.raises(UsageError, match="already holds another set"):
        prepare(read_acdc(download), data, workers=0, phantom=True)


def test_parts_of_mnms(tmp_path: Path) -> None:
    for place, code in (("Training/Labeled", "A1"), ("Validation", "B2"), ("Testing", "C3")):
        folder = tmp_path / place / code
        folder.mkdir(parents=True)
        (folder / f"{code}_sa.NII.GZ").touch()
        (folder / f"{code}_sa_gt.nii").touch()
    rows = "".join(f"{code},A,1,0,9\n" for code in ("A1", "B2", "C3"))
    (tmp_path / "info.csv").write_text("External code,Vendor,Centre,ED,ES\n" + rows)
    for raw, part, name, code in (
        (tmp_path, None, "mnms", "A1"),
        (tmp_path, "validation", "mnms-validation", "B2"),
        (tmp_path / "Validation", None, "mnms-validation", "B2"),
        (tmp_path / "Testing", None, "mnms-test", "C3"),
    ):
        found = read_mnms(raw, part)  # type: ignore[arg-type]
        assert (found.name, [one.subject for one in found.subjects]) == (name, [code])
        frame = found.subjects[0].frames["ED"]
        assert frame.image.name == f"{code}_sa.NII.GZ" and frame.label.name == f"{code}_sa_gt.nii"


def test_links_and_capitals_in_downloads(download: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    for folder in (download / "training").iterdir():
        (linked / folder.name).symlink_to(folder)
    one = download / "training" / "patient001" / "patient001_frame01.nii.gz"
    one.rename(one.with_name("patient001_frame01.NII.GZ"))
    found = read_acdc(linked)
    assert len(found.subjects) == 2
    assert found.subjects[0].frames["ED"].image.name == "patient001_frame01.NII.GZ"
    disk = tmp_path / "disk" / "a"
    disk.mkdir(parents=True)
    for name in ("patient1_LGE.NII.GZ", "patient1_LGE_manual.nii"):
        (disk / name).touch()
    (tmp_path / "mscmr").mkdir()
    (tmp_path / "mscmr" / "images").symlink_to(disk)
    assert [one.subject for one in read_mscmr(tmp_path / "mscmr", "LGE").subjects] == ["01"]
    with pytest.raises(CoopbenchError, match="holds no"):
        read_mscmr(tmp_path / "linked", "LGE")
