"""Which file is which case, as the frameworks name and nest their label maps."""

from pathlib import Path

import pytest

from benchmark.core.errors import CoopbenchError
from benchmark.data.case_keys import Key, case_key, find_cases, role_of


@pytest.mark.parametrize(
    ("path", "case", "draw"),
    [
        ("008_ED/008_ED_seg.nii.gz", "008_ED", None),  # MONAI's SaveImage, postfix "seg"
        ("008_ED_img/008_ED_img_trans.nii.gz", "008_ED", None),  # its default
        ("008/ED_img/ED_img_trans.nii.gz", "008_ED", None),  # with data_root_dir
        ("008/draw1/ED_seg.nii.gz", "008_ED", 1),
        ("fold_3/validation/008_ED.nii.gz", "008_ED", None),  # nnU-Net's cross-validation
        ("validation/008_ED.nii.gz", "008_ED", None),
        ("a/validation/008_ED.nii.gz", "a_validation_008_ED", None),
        ("patient8/image_ED.nii.gz", "patient8_ED", None),  # MaxStyle
        ("patient8/label_ED.nii.gz", "patient8_ED", None),
        ("patient008/patient008_frame01_gt.nii.gz", "patient008_frame01", None),
        ("A0S9V9/A0S9V9_sa_gt.NII.GZ", "A0S9V9_sa", None),
        ("1/10_ED.nii.gz", "1_10_ED", None),
        ("007/seg.nii.gz", "007_seg".removesuffix("_seg"), None),
        ("image_.nii", "image", None),
    ],
)
def test_names_of_the_frameworks(path: str, case: str, draw: int | None) -> None:
    assert case_key(Path(path)) == Key(case, draw)


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_images_labels_and_predictions_in_one_folder(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{case}_{end}.nii.gz" for case in "ab" for end in ("img", "gt", "pred")))
    fill(tmp_path, "c_img.nii.gz", "c_gt.nii.gz")  # of which there is no prediction
    for role, end, cases in (("prediction", "pred", "ab"), ("label", "gt", "abc")):
        found = find_cases(tmp_path, role=role)  # type: ignore[arg-type]
        assert {key.case: path.name for key, path in found.items()} == {
            case: f"{case}_{end}.nii.gz" for case in cases
        }
    assert role_of(Path("image_ED.nii.gz")) == "image" and role_of(Path("ED.nii")) == "plain"


def test_a_label_is_never_taken_for_a_prediction(tmp_path: Path) -> None:
    fill(tmp_path, "a_img.nii.gz", "a_gt.nii.gz")
    assert find_cases(tmp_path, role="prediction") == {}


def test_two_files_of_a_case_and_a_role_are_named(tmp_path: Path) -> None:
    fill(tmp_path, "fold_0/validation/a.nii.gz", "fold_1/validation/a.nii.gz")
    with pytest.raises(CoopbenchError, match="are both case a"):
        find_cases(tmp_path, role="prediction")


def test_a_name_without_ending_among_others_is_ambiguous(tmp_path: Path) -> None:
    fill(tmp_path, "a.nii.gz", "a_pred.nii.gz")  # as 'coopbench predict' has it: image, result
    assert [path.name for path in find_cases(tmp_path, role="prediction").values()] == [
        "a_pred.nii.gz"
    ]
    fill(tmp_path, "b.nii.gz")
    with pytest.raises(CoopbenchError, match="are both case a"):
        find_cases(tmp_path, role="prediction")


def test_links_and_capitals_are_found(tmp_path: Path) -> None:
    real = fill(tmp_path / "disk", "x/008_ED.NII.GZ", "y/009_ES.nii")
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "008").symlink_to(real / "x")
    (folder / "linked.nii").symlink_to(real / "y" / "009_ES.nii")
    (folder / "loop").symlink_to(folder)
    found = {key.case for key in find_cases(folder)}
    assert found == {"008_ED", "linked"}
