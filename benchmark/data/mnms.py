"""The raw layout of M&Ms (Campello et al., IEEE TMI 2021).

RAW/*.csv                                     External code, Vendor, Centre, ED, ES
RAW/Training/Labeled/A0S9V9/A0S9V9_sa.nii.gz      4D image; frames count from 0
RAW/Training/Labeled/A0S9V9/A0S9V9_sa_gt.nii.gz   1 = LV, 2 = MYO, 3 = RV; most frames empty
RAW/Validation/..., RAW/Testing/...               the same
"""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.core.errors import CoopbenchError
from benchmark.core.text import read_table
from benchmark.data.labels import MNMS_LABELS
from benchmark.data.nifti import nifti_called
from benchmark.data.raw import Part, RawFrame, RawSet, RawSubject, read_each

COLUMNS = ("External code", "Vendor", "Centre", "ED", "ES")


SETS: dict[Part, tuple[str, str, tuple[str, ...]]] = {
    "training": ("mnms", "M&Ms", ("Training/Labeled", "Training", "Labeled")),
    "validation": ("mnms-validation", "M&Ms validation", ("Validation",)),
    "testing": ("mnms-test", "M&Ms test", ("Testing",)),
}
"""For each part: name and title of its set, and its folders in the download."""


def read_mnms(raw: Path, part: Part | None = None) -> RawSet:
    """Find the annotated subjects of a part of M&Ms under ``raw`` (the download, or one subset).

    A subject without frame numbers in the table is among the set's ``faults``.

    Args:
        raw: the folder.
        part: each part is a set of its own: ``mnms``, ``mnms-validation``, ``mnms-test``. None: the
            part that the folder's name (Validation, Testing) says, else the training part.

    Raises:
        CoopbenchError: ``raw`` is the subset without labels, or there is no table of subjects or it
            lacks columns.
    """
    called = raw.resolve().name.lower()
    named: Part = "validation" if called == "validation" else "training"
    chosen = part or ("testing" if called == "testing" else named)
    name, title, places = SETS[chosen]
    folder = next((raw / place for place in places if (raw / place).is_dir()), raw)
    if "unlabeled" in folder.name.lower():
        raise CoopbenchError(
            f"{folder}: the _gt files of this subset are not labels; give Training/Labeled"
        )
    table = _table(raw)
    rows = {str(row["External code"]): row for row in table.to_dict("records")}
    codes = sorted(p.name for p in folder.iterdir() if nifti_called(p, f"{p.name}_sa").is_file())
    if not codes:
        raise CoopbenchError(
            f"{folder}: holds no CODE/CODE_sa.nii.gz; give the folder of the M&Ms download"
        )
    subjects, faults = read_each(lambda code: _subject(folder / code, rows.get(code)), codes)
    source = "M&Ms (doi 10.1109/TMI.2021.3090082)"
    if chosen != "training":
        source += f", {chosen} part"
    return RawSet(name, title, source, MNMS_LABELS, subjects, faults)


def _table(raw: Path) -> pd.DataFrame:
    """The challenge's table of subjects, beside ``raw`` or up to two folders above it."""
    faults = []
    for path in [path for near in (raw, *raw.resolve().parents[:2]) for path in near.glob("*.csv")]:
        try:
            table = read_table(path)
        except CoopbenchError as error:
            faults.append(str(error))
            continue
        missing = [name for name in COLUMNS if name not in table.columns]
        if missing:
            faults.append(f"{path}: lacks the columns {', '.join(missing)}")
            continue
        if table["External code"].duplicated().any():
            raise CoopbenchError(f"{path}: lists a subject twice")
        return table
    wanted = f"{raw}: no CSV with the columns {', '.join(COLUMNS)}"
    raise CoopbenchError(wanted, *faults)


def _subject(folder: Path, row: Mapping[Hashable, Any] | None) -> RawSubject:
    if row is None:
        raise CoopbenchError(f"{folder}: not listed in the table of subjects")
    code = folder.name
    frames = {}
    for phase in ("ED", "ES"):
        number = pd.to_numeric(str(row[phase]), errors="coerce")
        if not (number >= 0 and float(number).is_integer()):
            raise CoopbenchError(f"{folder}: the table gives no {phase} frame ({row[phase]})")
        image, label = nifti_called(folder, f"{code}_sa"), nifti_called(folder, f"{code}_sa_gt")
        frames[phase] = RawFrame(image, label, int(number))
    return RawSubject(code, frames)
