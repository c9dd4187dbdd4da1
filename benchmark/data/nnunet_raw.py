"""Read the meaning of label values from the ``dataset.json`` of an nnU-Net raw data set."""

from pathlib import Path

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import read_json

IMAGES = ("imagesTr/*_0000.nii*", "imagesTs/*_0000.nii*")
LABELS = ("labelsTr/*.nii*", "labelsTs/*.nii*")

NAMES = {
    **dict.fromkeys(("lv", "lvc", "lvbp", "lvcavity", "leftventricle", "lvbloodpool"), "LV"),
    **dict.fromkeys(("leftventricularcavity", "leftventricularbloodpool"), "LV"),
    **dict.fromkeys(("myo", "mlv", "lvm", "lvmyo", "myocardium", "lvmyocardium"), "MYO"),
    **dict.fromkeys(("leftventricularmyocardium",), "MYO"),
    **dict.fromkeys(("rv", "rvc", "rvbp", "rvcavity", "rightventricle", "rvbloodpool"), "RV"),
    **dict.fromkeys(("rightventricularcavity",), "RV"),
    **dict.fromkeys(("background", "ignore"), "background"),
}
"""Names of the structures in data sets, without blanks and hyphens, in lower case."""


def nnunet_label_map(root: Path) -> str | None:
    """The meaning of the label values of an nnU-Net raw data set, as ``1=RV,2=MYO,3=LV``.

    None if ``root`` is not such a data set.

    Raises:
        CoopbenchError: its ``dataset.json`` is broken, or has a label name that is not known.
    """
    path = root / "dataset.json"
    if not path.is_file():
        return None
    record = read_json(path)
    labels = record.get("labels") if isinstance(record, dict) else None
    if not isinstance(labels, dict) or not (root / "imagesTr").is_dir():
        return None
    meanings = []
    for one, other in labels.items():
        # Version 2 maps names to values, version 1 maps values to names.
        name, value = (other, one) if str(one).isdecimal() else (one, other)
        known = NAMES.get("".join(c for c in str(name).lower() if c.isalnum()))
        if known is None or not str(value).isdecimal():
            raise CoopbenchError(
                f"{path}: names a label {name!r} ({value}); say by --label-map which are LV, MYO "
                "and RV, as in 1=RV,2=MYO,3=LV,rest=background"
            )
        meanings.append(f"{value}={known}")
    return ",".join(meanings)
