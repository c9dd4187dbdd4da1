"""Where voxels lie: headers that disagree, and voxels in any order."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError
from benchmark.data.acdc import read_acdc
from benchmark.data.headers import BELIEVED_PIXDIM, BELIEVED_QFORM, BELIEVED_SFORM
from benchmark.data.nifti import Volume, read_volume
from benchmark.data.orientation import in_order_of, turned, turned_back, upright_axes
from benchmark.data.prepare import prepare
from benchmark.data.resample import IN_PLANE_SPACING
from benchmark.evaluation.external.matching import find_test_sets
from benchmark.evaluation.external.scoring import Row, score_predictions
from tests.helpers.acdc_files import heart
from tests.helpers.headers import HEADERS, ORIENTATIONS, reordered, write_with_header

OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = np.linalg.qr(np.array([[-0.7, -0.4, 0.6], [0.1, -0.8, -0.5], [-0.7, 0.4, -0.6]]))[
    0
] * (1.4, 1.5, 8.0)
OBLIQUE[:3, 3] = 30, -20, 10
NOMINAL = np.diag([-1.4, -1.5, 8.0, 1.0])
NOMINAL[:3, 3] = 30, -20, 10
SPACING = (1.4, 1.5, 8.0)

orientations = st.sampled_from(ORIENTATIONS)
headers = st.sampled_from(HEADERS)
affines = st.sampled_from([NOMINAL, OBLIQUE])
property_of_files = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize(
    ("header", "doubt"),
    [
        ("both", ""),
        ("sform", ""),
        ("qform", ""),
        ("unit sform", BELIEVED_QFORM),
        ("unit sform, no qform", BELIEVED_PIXDIM),
        ("pixdim 1", BELIEVED_SFORM),
        ("pixdim and qform 1", BELIEVED_SFORM),
        ("singular sform", "sform cannot be inverted; the qform is believed"),
    ],
)
@pytest.mark.parametrize("affine", [NOMINAL, OBLIQUE], ids=["nominal", "oblique"])
def test_every_header_is_read_as_the_same_place(
    header: str, doubt: str, affine: np.ndarray, tmp_path: Path
) -> None:
    path = write_with_header(tmp_path / "a.nii.gz", np.ones((5, 6, 3), np.uint8), affine, header)
    volume = read_volume(path)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-4)
    assert volume.spacing == pytest.approx(SPACING, rel=1e-6)
    assert volume.doubt == doubt


def test_neither_one_nor_believed_spacing(tmp_path: Path) -> None:
    """Where both are set and neither is 1, pixdim holds: it is what the scanner's spacing is."""
    image = nib.Nifti1Image(np.ones((5, 6, 3), np.uint8), np.diag([2.0, 2.0, 5.0, 1.0]))
    image.header["pixdim"][1:4] = 1.5, 1.5, 9.0
    image.to_filename(tmp_path / "a.nii.gz")
    volume = read_volume(tmp_path / "a.nii.gz")
    assert volume.spacing == (1.5, 1.5, 9.0)
    np.testing.assert_allclose(volume.affine.diagonal(), (1.5, 1.5, 9.0, 1.0))


def write_subject(
    raw: Path,
    affine: np.ndarray,
    turns: tuple[np.ndarray, np.ndarray],
    kinds: tuple[str, str],
) -> Path:
    """One ACDC subject, its images and labels each in an order and with a header of their own."""
    folder = raw / "training" / "patient001"
    for number, scale in ((1, 1.0), (7, 0.7)):
        image, label = heart(np.random.default_rng(number), size=60, slices=3, scale=scale)
        image, label = image[:, 4:], label[:, 4:]
        for data, end, turn, kind in zip((image, label), ("", "_gt"), turns, kinds, strict=True):
            path = folder / f"patient001_frame{number:02d}{end}.nii.gz"
            write_with_header(path, *reordered(data, affine, turn), kind)
    (folder / "Info.cfg").write_text("ED: 1\nES: 7\n")
    return raw


PLAIN = (ORIENTATIONS[7], ORIENTATIONS[7])  # as it is


@pytest.mark.slow
@given(affines, orientations, orientations, headers, headers)
@property_of_files
def test_any_order_and_header_is_prepared_to_the_same_voxels(
    tmp_path_factory: pytest.TempPathFactory,
    affine: np.ndarray,
    image_turn: np.ndarray,
    label_turn: np.ndarray,
    image_header: str,
    label_header: str,
) -> None:
    place = tmp_path_factory.mktemp("any")
    write_subject(place / "plain", affine, PLAIN, ("both", "both"))
    turns, kinds = (image_turn, label_turn), (image_header, label_header)
    write_subject(place / "turned", affine, turns, kinds)
    done = {
        name: prepare(read_acdc(place / name), place / f"data-{name}", workers=0)
        for name in ("plain", "turned")
    }
    assert done["plain"].warnings == done["turned"].warnings == []
    for frame in ("ED", "ES"):
        for part, accuracy in (("img", 1e-5), ("seg", 0)):
            wanted, found = (
                read_volume(place / f"data-{name}" / "acdc" / "001" / f"{frame}_{part}.nii.gz")
                for name in ("plain", "turned")
            )
            assert found.spacing == pytest.approx((IN_PLANE_SPACING, IN_PLANE_SPACING, 8.0))
            assert wanted.spacing == pytest.approx(found.spacing)
            same = in_order_of(found, wanted.affine, wanted.data.shape, "plain one")
            np.testing.assert_allclose(same.data, wanted.data, atol=accuracy)
            if affine is NOMINAL:  # even the order is the same, but perhaps for that of slices
                stored = wanted.data, wanted.data[..., ::-1]
                assert any(np.allclose(found.data, one, atol=1e-5) for one in stored)


@pytest.mark.slow
@given(affines, orientations, orientations, headers, headers)
@property_of_files
def test_any_order_and_header_has_the_same_scores(
    tmp_path_factory: pytest.TempPathFactory,
    affine: np.ndarray,
    label_turn: np.ndarray,
    own_turn: np.ndarray,
    label_header: str,
    own_header: str,
) -> None:
    place = tmp_path_factory.mktemp("any")
    _, label = heart(np.random.default_rng(3), size=50, slices=3)
    own = np.roll(label[:, 3:], (2, 1), axis=(0, 1))
    found = []
    for name, turns, kinds in (
        ("plain", PLAIN, ("both", "both")),
        ("turned", (label_turn, own_turn), (label_header, own_header)),
    ):
        for data, at, turn, kind in zip(
            (label[:, 3:], own), ("labels", "mine"), turns, kinds, strict=True
        ):
            write_with_header(
                place / name / at / "001_ED.nii.gz", *reordered(data, affine, turn), kind
            )
        scored = score_predictions(
            find_test_sets(place / name / "mine", place / name / "labels", output="FTN"),
            place / name / "mine",
            Row("mine", 0, 0, "FTN"),
            numbering={0: 0, 1: 1, 2: 2, 3: 3},
            missing="fail",
            options={},
            workers=0,
        )
        found.append(scored.table[["dice", "hd95_mm", "nsd_2mm"]].to_numpy(float))
    assert found[0][:, 0].min() > 0.5 and found[0][:, 0].max() < 1
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)


@given(orientations, affines)
@property_of_files
def test_slices_are_turned_as_scanners_show_them_and_back(
    turn: np.ndarray, affine: np.ndarray
) -> None:
    data = np.random.default_rng(0).random((5, 6, 3))
    stored, own = reordered(data, affine, turn)
    x, y, z = np.linalg.norm(own[:3, :3], axis=0)
    volume = Volume(stored, own, (x, y, z))
    axes = upright_axes(own, volume.spacing)
    shown = turned(volume, axes)
    np.testing.assert_array_equal(turned_back(shown.data, axes), stored)
    assert shown.spacing[2] == pytest.approx(8.0)
    if affine is NOMINAL:
        assert any(np.array_equal(shown.data, one) for one in (data, data[..., ::-1]))


def test_acdc_as_downloaded(tmp_path: Path) -> None:
    """The sform of unit scale, which ACDC's own files have; said once, with the number of files."""
    write_subject(tmp_path / "raw", NOMINAL, PLAIN, ("unit sform", "unit sform"))
    words = ["prepare", "acdc", str(tmp_path / "raw"), "--out", str(tmp_path / "data")]
    result = CliRunner().invoke(cli, [*words, "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert result.output.count("sform") == 1
    assert f"4 files, in the header: {BELIEVED_QFORM}" in result.output
    image = nib.load(tmp_path / "data/acdc/001/ED_img.nii.gz")
    assert image.header.get_zooms() == pytest.approx((IN_PLANE_SPACING, IN_PLANE_SPACING, 8.0))


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (np.diag([-1.4, -1.4, 8.0, 1.0]), "lies elsewhere than its image"),
        (np.diag([-1.4, -1.5, 8.0, 1.0]), "by up to 21.4 voxels or 37.4 mm"),
    ],
)
def test_label_elsewhere_is_refused_with_the_distance(
    move: np.ndarray, said: str, tmp_path: Path
) -> None:
    raw = write_subject(tmp_path / "raw", NOMINAL, PLAIN, ("both", "both"))
    path = raw / "training/patient001/patient001_frame01_gt.nii.gz"
    write_with_header(path, np.asarray(nib.load(path).dataobj), move)
    with pytest.raises(CoopbenchError, match=said) as fault:
        prepare(read_acdc(raw), tmp_path / "data", workers=0)
    assert "patient001_frame01_gt.nii.gz" in str(fault.value)


def test_directions_that_a_library_made_orthonormal_are_accepted(tmp_path: Path) -> None:
    """A label map that SimpleITK wrote for an image of slightly sheared directions."""
    sitk = pytest.importorskip("SimpleITK")
    sheared = OBLIQUE.copy()
    sheared[:3, 0] += 0.02 * 1.4 * sheared[:3, 1] / 1.5
    data = np.zeros((120, 130, 3), np.uint8)
    data[40:60, 50:70] = 1
    write_with_header(tmp_path / "image.nii.gz", data, sheared, "sform")
    theirs = sitk.GetImageFromArray(data.T)
    q = nib.Nifti1Image(data, sheared)
    q.set_qform(sheared, 1, strip_shears=True)
    rigid = q.get_qform()
    theirs.SetSpacing([float(x) for x in np.linalg.norm(rigid[:3, :3], axis=0)])
    to_lps = np.diag([-1.0, -1.0, 1.0])
    theirs.SetDirection((to_lps @ rigid[:3, :3] / theirs.GetSpacing()).ravel().tolist())
    theirs.SetOrigin((to_lps @ rigid[:3, 3]).tolist())
    sitk.WriteImage(theirs, str(tmp_path / "theirs.nii.gz"))
    image, label = (read_volume(tmp_path / f"{name}.nii.gz") for name in ("image", "theirs"))
    corner = np.array([119, 129, 2, 1])
    assert np.linalg.norm((image.affine - label.affine) @ corner) > 1.0  # mm: more than a tenth
    same = in_order_of(label, image.affine, image.data.shape, "image")
    np.testing.assert_array_equal(same.data, data)
