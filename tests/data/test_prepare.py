import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError
from benchmark.data.acdc import read_acdc
from benchmark.data.acdc_splits import acdc_splits
from benchmark.data.dataset import read_dataset
from benchmark.data.field import centre_field, put_back
from benchmark.data.labels import ACDC_LABELS, MNMS_LABELS, MSCMR_LABELS, implausible, remap
from benchmark.data.mnms import read_mnms
from benchmark.data.mscmr import read_mscmr
from benchmark.data.nifti import Volume, read_volume, write_volume
from benchmark.data.prepare import prepare, scale_intensities
from benchmark.data.resample import IN_PLANE_SPACING, resample_in_plane
from tests.helpers.acdc_files import ACDC_AFFINE, heart, write_acdc


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write_acdc(tmp_path / "raw", 2)


def frame(raw: Path, name: str = "patient001_frame01") -> Path:
    return raw / "training" / "patient001" / f"{name}.nii.gz"


def test_the_download_is_found_as_it_unpacks(raw: Path, tmp_path: Path) -> None:
    names = [one.subject for one in read_acdc(raw).subjects]
    assert len(names) == 2
    assert [one.subject for one in read_acdc(raw / "training").subjects] == names
    archive = tmp_path / "ACDC" / "database"
    archive.parent.mkdir()
    raw.rename(archive)
    assert [one.subject for one in read_acdc(archive.parent).subjects] == names
    with pytest.raises(CoopbenchError, match="holds no training/patient001"):
        read_acdc(tmp_path)


def test_the_folder_of_data_is_that_of_the_environment(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COOPBENCH_DATA", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["prepare", "acdc", str(raw), "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "elsewhere" / "acdc" / "dataset.json").is_file()
    assert not (tmp_path / "data").exists()


def test_prepared_layout_and_numbering(raw: Path, tmp_path: Path) -> None:
    done = prepare(read_acdc(raw), tmp_path / "data", workers=1)
    folder = tmp_path / "data" / "acdc" / "001"
    assert sorted(path.name for path in folder.iterdir()) == [
        "ED_img.nii.gz",
        "ED_seg.nii.gz",
        "ES_img.nii.gz",
        "ES_seg.nii.gz",
        "case.json",
    ]
    assert done.warnings == []
    image, label = nib.load(folder / "ED_img.nii.gz"), nib.load(folder / "ED_seg.nii.gz")
    assert image.header.get_zooms() == pytest.approx((IN_PLANE_SPACING, IN_PLANE_SPACING, 10.0))
    values = np.asarray(image.dataobj)
    assert 0 <= values.min() < 1e-3 and 1 - 1e-3 < values.max() <= 1
    prepared = np.asarray(label.dataobj)
    original = np.asarray(nib.load(frame(raw, "patient001_frame01_gt")).dataobj)
    for raw_value, value in ((3, 1), (2, 2), (1, 3)):
        area = (original == raw_value).sum() * 1.5625**2
        assert (prepared == value).sum() * IN_PLANE_SPACING**2 == pytest.approx(area, rel=0.05)
    described = json.loads((tmp_path / "data" / "acdc" / "dataset.json").read_text())
    assert described["labels"] == {"0": "background", "1": "LV", "2": "MYO", "3": "RV"}


def test_structures_stay_where_they_are_in_millimetres(raw: Path, tmp_path: Path) -> None:
    prepare(read_acdc(raw), tmp_path / "data", workers=1)

    def centre(path: Path, value: int) -> np.ndarray:
        image = nib.load(path)
        return nib.affines.apply_affine(
            image.affine, np.argwhere(np.asarray(image.dataobj) == value)
        ).mean(axis=0)

    there = centre(frame(raw, "patient001_frame01_gt"), 3)
    here = centre(tmp_path / "data/acdc/001/ED_seg.nii.gz", 1)
    np.testing.assert_allclose(here, there, atol=0.3)


@pytest.mark.slow
def test_second_run_keeps_what_is_intact_and_mends_what_is_not(raw: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = prepare(read_acdc(raw), data, workers=1)
    assert (first.made, prepare(read_acdc(raw), data, workers=1).made) == (2, 0)
    broken = data / "acdc" / "002" / "ES_seg.nii.gz"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-20])
    again = prepare(read_acdc(raw), data, workers=2)
    assert again.made == 1
    assert broken.read_bytes() == whole
    assert again.dataset.fingerprint == first.dataset.fingerprint


def test_other_source_is_prepared_again(raw: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare(read_acdc(raw), data, workers=1)
    image, _ = heart(np.random.default_rng(9))
    write_volume(frame(raw), image, ACDC_AFFINE)
    assert prepare(read_acdc(raw), data, workers=1).made == 1


def spoil(path: Path, how: str) -> None:
    image = nib.load(path)
    data = np.asarray(image.dataobj).copy()
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:300])
        return
    if how == "missing":
        path.unlink()
        return
    if how == "NaN":
        data = data.astype(np.float32)
        data[3, 3, 0] = np.nan
    if how == "constant":
        data[:] = 5
    if how == "2D":
        data = data[..., 0]
    if how == "4D":
        data = np.stack([data, data], axis=-1)
    if how == "shape":
        data = data[:-1]
    if how == "value 7":
        data[0, 0, 0] = 7
    if how == "empty":
        data[:] = 0
    nib.save(nib.Nifti1Image(data, image.affine), path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "how", "said"),
    [
        ("patient001_frame01", "missing", "no such file"),
        ("patient001_frame01", "truncated", "cannot be read as NIfTI"),
        ("patient001_frame07", "NaN", "NaN"),
        ("patient001_frame01", "constant", "constant"),
        ("patient001_frame01", "2D", "is 2D"),
        ("patient001_frame01", "4D", "is 4D"),
        ("patient001_frame01_gt", "shape", "has the shape"),
        ("patient001_frame01_gt", "value 7", "label value 7"),
        ("patient001_frame07_gt", "empty", "is empty"),
        ("patient001_frame01_gt", "missing", "no such file"),
    ],
)
def test_faults_are_named_and_nothing_is_half_written(
    raw: Path, tmp_path: Path, file: str, how: str, said: str
) -> None:
    spoil(frame(raw, file), how)
    data = tmp_path / "data"
    with pytest.raises(CoopbenchError, match=said) as fault:
        prepare(read_acdc(raw), data, workers=1)
    assert f"{file}.nii.gz" in str(fault.value)
    assert {p.name for p in (data / "acdc").iterdir()} == {".lock", "002"}  # the good one is done
    assert not (data / "acdc" / "dataset.json").exists()


def test_info_cfg_is_needed_and_followed(raw: Path) -> None:
    info = raw / "training" / "patient001" / "Info.cfg"
    info.write_text("ED: 7\nES: 1\n")
    frames = read_acdc(raw).subjects[0].frames
    assert frames["ED"].image.name == "patient001_frame07.nii.gz"
    info.write_text("ED: 7\n")
    assert "Info.cfg: has no line 'ES" in read_acdc(raw).faults[0]
    info.unlink()
    assert "Info.cfg: no such file" in read_acdc(raw).faults[0]
    with pytest.raises(CoopbenchError, match="patient001"):
        read_acdc(raw.parent)


def test_swapped_frames_and_swapped_numbering_are_warned_of(raw: Path, tmp_path: Path) -> None:
    (raw / "training/patient002/Info.cfg").write_text("ED: 7\nES: 1\n")
    label = frame(raw, "patient001_frame01_gt")
    swapped = np.array([0, 3, 2, 1], dtype=np.uint8)[np.asarray(nib.load(label).dataobj)]
    nib.save(nib.Nifti1Image(swapped, ACDC_AFFINE), label)
    warnings = prepare(read_acdc(raw), tmp_path / "data", workers=1).warnings
    assert any("patient001_frame01_gt" in w and "MYO does not border LV" in w for w in warnings)
    assert any(w.startswith("002: LV is not larger at ED") for w in warnings)


def test_all_three_numberings_give_the_same_labels() -> None:
    wanted = np.array([0, 1, 2, 3], dtype=np.uint8)  # background, LV, MYO, RV
    assert (remap(np.array([0, 3, 2, 1]), ACDC_LABELS) == wanted).all()
    assert (remap(np.array([0, 1, 2, 3]), MNMS_LABELS) == wanted).all()
    assert (remap(np.array([0, 500, 200, 600]), MSCMR_LABELS) == wanted).all()
    with pytest.raises(ValueError, match=r"2\.5"):
        remap(np.array([0, 2.5]), ACDC_LABELS)


def test_missing_structure_is_implausible() -> None:
    assert "missing" in str(implausible(np.full((3, 3, 1), 3, dtype=np.uint8)))


def write_mnms(raw: Path, folder: str = "Training/Labeled") -> Path:
    """One subject, its labels at frames 0 (ED) and 2 (ES), raw M&Ms numbering."""
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "info.csv").write_text("External code,Vendor,Centre,ED,ES\nA0S9V9,A,1,0,2\n")
    case = raw / folder / "A0S9V9"
    case.mkdir(parents=True)
    rng = np.random.default_rng(0)
    images, labels = zip(*(heart(rng, scale=s) for s in (1.0, 0.9, 0.7)), strict=True)
    numbering = np.array([0, 3, 2, 1], dtype=np.uint8)
    label = np.stack([numbering[one] for one in labels], axis=-1)
    label[..., 1] = 0
    # Direction cosines that are not quite orthonormal, as in some headers of the challenge.
    affine = np.diag([1.2, 1.2, 9.0, 1.0])
    affine[0, 1] = 0.01
    nib.save(nib.Nifti1Image(np.stack(images, axis=-1), affine), case / "A0S9V9_sa.nii.gz")
    nib.save(nib.Nifti1Image(label, affine), case / "A0S9V9_sa_gt.nii.gz")
    return raw


def test_mnms_frames_count_from_zero(tmp_path: Path) -> None:
    raw = write_mnms(tmp_path / "mnms")
    done = prepare(read_mnms(raw), tmp_path / "data", workers=1)
    assert done.warnings == []
    folder = tmp_path / "data/mnms/A0S9V9"
    ed, es = (read_volume(folder / f"{name}_seg.nii.gz").data for name in ("ED", "ES"))
    assert (ed == 1).sum() > (es == 1).sum() > 0
    assert done.dataset.cases[0].frames == ("ED", "ES")


def test_mnms_finds_its_table_among_other_files(tmp_path: Path) -> None:
    raw = write_mnms(tmp_path / "a" / "mnms")
    (raw / "a_photo.csv").write_bytes(bytes(range(256)))
    (tmp_path / "a" / "other.csv").write_text("name,value\nx,1\n")
    assert len(read_mnms(raw).subjects) == 1
    (raw / "info.csv").unlink()
    with pytest.raises(CoopbenchError, match="no CSV with the columns External code"):
        read_mnms(raw)


def test_mnms_refuses_what_is_no_label(tmp_path: Path) -> None:
    raw = write_mnms(tmp_path / "mnms", "Training/Unlabeled")
    with pytest.raises(CoopbenchError, match="are not labels"):
        read_mnms(raw / "Training" / "Unlabeled")
    raw = write_mnms(tmp_path / "late")
    (raw / "info.csv").write_text("External code,Vendor,Centre,ED,ES\nA0S9V9,A,1,1,2\n")
    with pytest.raises(CoopbenchError, match="empty"):
        prepare(read_mnms(raw), tmp_path / "data", workers=1)
    (raw / "info.csv").write_text("External code,Vendor,ES\nA0S9V9,A,2\n")
    with pytest.raises(CoopbenchError, match=r"info\.csv: lacks the columns Centre, ED"):
        read_mnms(raw)
    (raw / "info.csv").write_text("External code,Vendor,Centre,ED,ES\nA0S9V9,A,1,0,9\n")
    with pytest.raises(CoopbenchError, match="holds 3 frames"):
        prepare(read_mnms(raw), tmp_path / "data", workers=1)


def test_mscmr(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    numbering = np.array([0, 600, 200, 500], dtype=np.int16)
    image, label = heart(np.random.default_rng(1))
    for name, data in (
        ("images/patient3_LGE", image),
        ("labels/patient3_LGE_manual", numbering[label]),
    ):
        write_volume(raw / f"{name}.nii.gz", data, ACDC_AFFINE)
    done = prepare(read_mscmr(raw, "LGE"), tmp_path / "data", workers=1)
    assert done.dataset.title == "MS-CMRSeg LGE"
    assert [(case.subject, case.frames) for case in done.dataset.cases] == [("03", ("ED",))]
    with pytest.raises(CoopbenchError, match="C0_manual"):
        read_mscmr(raw, "C0")


def test_splits_are_those_of_scikit_learn() -> None:
    """`train_test_split(pool, train_size=10, random_state=k)`, by its own definition."""
    import tomllib
    from importlib.resources import files

    table = tomllib.loads(files("benchmark.data").joinpath("acdc_splits.toml").read_text())
    pool = table["pool"]
    assert len(pool) == 40
    for repeat, split in acdc_splits().repeats.items():
        order = np.random.RandomState(repeat).permutation(40)
        drawn = order[30:40]  # the test part, 30 of 40, comes first
        assert {pool[i] for i in drawn} == set(split.train), repeat


def test_validation_never_overlaps_training() -> None:
    splits = acdc_splits()
    assert splits.repeats[1].dropped_from_validation == ("002", "022")
    assert splits.repeats[4].dropped_from_validation == ("022",)
    assert len(splits.test) == 20
    for split in splits.repeats.values():
        assert not set(split.train) & set(split.validation)
        assert not set(splits.test) & {*split.train, *split.validation}


def test_intensities_by_hand() -> None:
    image = np.arange(101.0).reshape(1, 101, 1)  # percentile p is the value p
    scaled = scale_intensities(image)
    assert scaled.dtype == np.float32
    assert (scaled[0, :3, 0] == 0).all() and (scaled[0, 98:, 0] == 1).all()
    assert scaled[0, 50, 0] == pytest.approx(0.5)


def test_resampling_keeps_a_linear_ramp() -> None:
    x, y, _ = np.meshgrid(np.arange(40), np.arange(30), np.arange(2), indexing="ij")
    affine = np.diag([-2.0, -1.0, 8.0, 1.0])
    ramp = Volume((2.0 * x + 3.0 * y).astype(np.float32), affine, (2, 1, 8))
    out = resample_in_plane(ramp, order=1)
    assert out.data.shape == (round(40 * 2 / IN_PLANE_SPACING), round(30 / IN_PLANE_SPACING), 2)
    i, j = 11, 7
    x, y = i * IN_PLANE_SPACING / 2, j * IN_PLANE_SPACING
    assert out.data[i, j, 1] == pytest.approx(2 * x + 3 * y, rel=1e-5)
    np.testing.assert_allclose(
        out.affine[:3, :3].diagonal(), (-IN_PLANE_SPACING, -IN_PLANE_SPACING, 8)
    )


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_field_and_back(height: int, width: int, size: int) -> None:
    slices = np.random.default_rng(0).random((2, height, width))
    field = centre_field(slices, size)
    assert field.shape == (2, size, size)
    np.testing.assert_array_equal(put_back(field, slices), slices)
    np.testing.assert_array_equal(centre_field(put_back(field, slices * 0), size), field)


def test_broken_description_is_named(raw: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare(read_acdc(raw), data, workers=1)
    path = data / "acdc" / "dataset.json"
    path.write_text(path.read_text()[:200])
    with pytest.raises(CoopbenchError, match=r"dataset\.json"):
        read_dataset(data / "acdc")
    shutil.rmtree(data)
    with pytest.raises(CoopbenchError, match="no prepared set"):
        read_dataset(data / "acdc")
