"""A folder, a cine, any order of voxels: label maps in the images' own space, and their volumes."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from benchmark.cli import cli
from benchmark.data.field import centre_field
from benchmark.data.nifti import read_volume
from benchmark.data.resample import IN_PLANE_SPACING
from tests.helpers.acdc_files import heart
from tests.helpers.headers import ORIENTATIONS, reordered, write_with_header

AFFINE = np.diag([-IN_PLANE_SPACING, -IN_PLANE_SPACING, 8.0, 1.0])  # resampled to itself
TINY = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=2", "--set", "precision=float32")
ML = IN_PLANE_SPACING**2 * 8.0 / 1000


def coopbench(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    words = ("train", "--method", "standard", "--data", data, "--preset", "demo", "--runs", runs)
    coopbench(*words, *TINY)
    return runs / "acdc-demo" / "standard-r0-s40"


@pytest.fixture
def bright(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the network: what is bright is LV."""
    found = lambda slices: centre_field((slices > 0.6).astype(np.uint8), 192)  # noqa: E731
    monkeypatch.setattr(
        "benchmark.inference.volume.predict_field",
        lambda network, slices, **_: {"FTN": found(slices), "FTN+STN": found(slices)},
    )


def disc(radius: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(60) - 30, np.arange(56) - 28, indexing="ij")
    lit = np.hypot(x, y) < radius
    image = np.zeros((60, 56, 3), dtype=np.int16)
    image[lit] = 1000
    return image


@pytest.mark.usefixtures("bright")
@pytest.mark.parametrize("turn", [0, 7, 13, 30, 47])
@pytest.mark.parametrize("header", ["both", "unit sform", "qform"])
def test_result_lies_in_the_images_own_space(
    turn: int, header: str, run: Path, tmp_path: Path
) -> None:
    image, affine = reordered(disc(12), AFFINE, ORIENTATIONS[turn])
    path = write_with_header(tmp_path / "SCAN.NII.GZ", image, affine, header)
    said = coopbench("predict", run, path)
    out = tmp_path / "SCAN_seg.nii.gz"
    label, original = nib.load(out), nib.load(path)
    np.testing.assert_array_equal(label.affine, original.affine)
    for name in ("sform_code", "qform_code", "pixdim"):
        np.testing.assert_array_equal(label.header[name], original.header[name])
    found = np.asarray(label.dataobj)
    np.testing.assert_array_equal(found > 0, image > 0)
    assert f"LV {(image > 0).sum()} ({(image > 0).sum() * ML:.1f} ml)" in said
    assert ("note: 1 file, in the header" in said) == (header == "unit sform")


@pytest.mark.usefixtures("bright")
def test_all_frames_of_a_cine(run: Path, tmp_path: Path) -> None:
    cine = np.stack([disc(radius) for radius in (10, 8, 6, 9)], axis=-1)
    path = tmp_path / "cine.nii.gz"
    nib.save(nib.Nifti1Image(cine, AFFINE), path)
    said = coopbench("predict", run, path)
    label = np.asarray(nib.load(tmp_path / "cine_seg.nii.gz").dataobj)
    np.testing.assert_array_equal(label > 0, cine > 0)
    table = pd.read_csv(tmp_path / "cine_seg.csv", keep_default_na=False)
    volumes = (cine > 0).sum(axis=(0, 1, 2)) * ML
    assert table["LV_ml"].tolist() == pytest.approx(volumes, abs=1e-3)
    assert table["phase"].tolist() == ["ED", "", "ES", ""]
    assert set(table["phase_by"]) == {"LV volume", ""}
    fraction = 100 * (volumes[0] - volumes[2]) / volumes[0]
    assert table["LV_EF_percent"].tolist() == pytest.approx([fraction] * 4, abs=0.01)
    assert f"frame 2 is ES (by LV volume), LV {volumes[2]:.1f} ml" in said
    one = tmp_path / "one.nii.gz"
    coopbench("predict", run, path, "--frame", 2, "--out", one)
    np.testing.assert_array_equal(np.asarray(nib.load(one).dataobj), label[..., 2])
    assert "holds 4 frames (from 0)" in coopbench(
        *("predict", run, path, "--frame", 4, "--out", tmp_path / "x.nii.gz"), code=1
    )


@pytest.mark.usefixtures("bright")
def test_a_folder(run: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    for name, radius in (
        *(("007_ED_0000", 10), ("007_ES_0000", 7), ("b/scan", 9)),
        *(("patient001/patient001_frame01", 8), ("patient001/patient001_frame12", 6)),
    ):
        write_with_header(images / f"{name}.nii.gz", disc(radius), AFFINE)
    write_with_header(images / "007_ED_gt.nii.gz", disc(3), AFFINE)  # a label map: left out
    (images / "patient001" / "Info.cfg").write_text("ED: 1\nES: 12\n")
    coopbench("predict", run, images)
    out = tmp_path / "images_seg"
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.nii.gz")}
    assert "b/scan_seg.nii.gz" in names and len(names) == 5
    table = pd.read_csv(out / "summary.csv", dtype=str, keep_default_na=False)
    table = table.set_index("file")
    fractions = table["LV_EF_percent"]
    sizes = {radius: (disc(radius) > 0).sum() for radius in (10, 8, 7, 6)}
    for ed, es, files in (
        (10, 7, ("007_ED_0000", "007_ES_0000")),
        (8, 6, ("patient001/patient001_frame01", "patient001/patient001_frame12")),
    ):
        for file in files:
            wanted = 100 * (1 - sizes[es] / sizes[ed])
            assert float(fractions[f"{file}.nii.gz"]) == pytest.approx(wanted, abs=0.01)
    assert fractions["b/scan.nii.gz"] == ""
    assert table["phase_by"].tolist().count("Info.cfg") == 2
    assert "already exists; give another --out, or --overwrite" in coopbench(
        "predict", run, images, code=2
    )
    (images / "b" / "scan.nii.gz").write_bytes(b"torn")
    words = ("predict", run, images, "--overwrite")
    said = coopbench(*words, code=1)
    assert "scan.nii.gz: cannot be read as NIfTI" in said and "1 of 5 images not segmented" in said
    assert "left out" in coopbench(*words, "--skip-bad")


def test_a_3d_image_has_no_frames(run: Path, tmp_path: Path) -> None:
    path = write_with_header(tmp_path / "a.nii.gz", disc(9), AFFINE)
    for frame in (0, 1):
        said = coopbench("predict", run, path, "--frame", frame, code=1)
        assert said == f"Error: {path}: is 3D and has no frames; leave out --frame" or (
            f"{path}: is 3D and has no frames; leave out --frame" in said
        )


def test_any_order_of_voxels_is_segmented_alike(run: Path, tmp_path: Path) -> None:
    """By the network itself, which would see a heart upside down."""
    image, _ = heart(np.random.default_rng(0), size=60)
    image = image[:, 3:]
    found = []
    for number in (7, 0, 21, 40):
        data, affine = reordered(image, AFFINE, ORIENTATIONS[number])
        path = write_with_header(tmp_path / str(number) / "a.nii.gz", data, affine)
        coopbench("predict", run, path)
        label = read_volume(path.with_name("a_seg.nii.gz"))
        back = nib.as_closest_canonical(nib.Nifti1Image(label.data, label.affine))
        found.append(np.asarray(back.dataobj))
    for other in found[1:]:
        assert (other == found[0]).mean() > 0.999
