"""The raw layout of ACDC (Bernard et al., IEEE TMI 2018).

RAW/database/training/patient001/Info.cfg           as the challenge's archive unpacks; or
RAW/training/patient001/Info.cfg                    ED: 1, ES: 12, ...; frames count from 1
RAW/training/patient001/patient001_frame01.nii.gz   image
RAW/training/patient001/patient001_frame01_gt.nii.gz    1 = RV, 2 = MYO, 3 = LV
RAW/testing/patient101/...                          the same for the challenge's testing part
"""

import re
from pathlib import Path

from benchmark.core.errors import CoopbenchError
from benchmark.core.text import read_text
from benchmark.data.labels import ACDC_LABELS
from benchmark.data.nifti import nifti_called
from benchmark.data.raw import Part, RawFrame, RawSet, RawSubject, read_each

TESTING = range(101, 151)
"""The numbers of the challenge's testing subjects; the protocol's splits hold none of them."""


def read_acdc(raw: Path, part: Part | None = None) -> RawSet:
    """Find the subjects of ACDC under ``raw`` (the download, or a folder in it).

    A subject that lacks ``Info.cfg`` or its frames is among the set's ``faults``.

    Args:
        raw: the folder.
        part: patients 101 to 150 are ``testing``, a set of their own (``acdc-test``), all others
            ``training`` (``acdc``). None: the training part where any of its subjects exist.

    Raises:
        CoopbenchError: there is no subject, or none of that part.
    """
    folders = _folders(raw, part)
    if not folders:
        raise CoopbenchError(
            f"{raw}: holds no training/patient001/ …; give the folder of the ACDC download"
        )
    testing = [folder for folder in folders if _is_testing(folder)]
    training = [folder for folder in folders if not _is_testing(folder)]
    if part is None:
        part = "training" if training else "testing"
    chosen = training if part == "training" else testing
    if not chosen:
        numbers = "101 to 150" if part == "testing" else "001 to 100"
        raise CoopbenchError(f"{raw}: holds no patient of the {part} part, {numbers}")
    subjects, faults = read_each(_subject, chosen)
    name, title = ("acdc", "ACDC") if part == "training" else ("acdc-test", "ACDC test")
    source = "ACDC (doi 10.1109/TMI.2018.2837502)"
    if part == "testing":
        source += ", testing part"
    return RawSet(name, title, source, ACDC_LABELS, subjects, faults)


def _folders(raw: Path, part: Part | None) -> list[Path]:
    """The subjects' folders, from the first place that has any."""
    places: tuple[str, ...] = ("database/training", "training", ".")
    if part == "testing":
        places = ("database/testing", "testing", ".")
    elif part is None:
        places = (*places, "database/testing", "testing")
    return next(filter(None, (sorted((raw / at).glob("patient*/")) for at in places)), [])


def _is_testing(folder: Path) -> bool:
    number = folder.name.removeprefix("patient")
    return number.isdecimal() and int(number) in TESTING


def other_part(raw: Path) -> Path | None:
    """The folder of the testing part, beside the training part of a download or inside it; or
    None."""
    places = (raw / at for at in ("database/testing", "testing", "database/training", "training"))
    return next(
        (place for place in (*places, raw) if any(map(_is_testing, place.glob("patient*/")))), None
    )


def _subject(folder: Path) -> RawSubject:
    frames = {}
    for phase, number in read_phases(folder / "Info.cfg").items():
        stem = f"{folder.name}_frame{number:02d}"
        frames[phase] = RawFrame(nifti_called(folder, stem), nifti_called(folder, f"{stem}_gt"))
    return RawSubject(folder.name.removeprefix("patient"), frames)


def read_phases(path: Path) -> dict[str, int]:
    """ED and ES as numbered in ``Info.cfg``, from 1."""
    if not path.is_file():
        raise CoopbenchError(
            f"{path}: no such file; it is needed to know which frames are ED and ES"
        )
    text = read_text(path)
    phases = {}
    for phase in ("ED", "ES"):
        match = re.search(rf"^\s*{phase}\s*:\s*(\d+)\s*$", text, flags=re.MULTILINE)
        if match is None:
            raise CoopbenchError(f"{path}: has no line '{phase}: <frame number>'")
        phases[phase] = int(match[1])
    return phases
