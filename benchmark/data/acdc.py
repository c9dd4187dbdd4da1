"""The raw layout of ACDC (Bernard et al., IEEE TMI 2018).

RAW/database/training/patient001/Info.cfg           as the challenge's archive unpacks; or
RAW/training/patient001/Info.cfg                    ED: 1, ES: 12, ...; frames count from 1
RAW/training/patient001/patient001_frame01.nii.gz   image
RAW/training/patient001/patient001_frame01_gt.nii.gz    1 = RV, 2 = MYO, 3 = LV
"""

import re
from pathlib import Path

from benchmark.core.errors import CoopbenchError
from benchmark.data.labels import ACDC_LABELS
from benchmark.data.raw import RawFrame, RawSet, RawSubject, read_each


def read_acdc(raw: Path) -> RawSet:
    """Find the subjects of ACDC under ``raw`` (the download, or a folder in it).

    A subject that lacks ``Info.cfg`` or its frames is among the set's ``faults``.

    Raises:
        CoopbenchError: no subject is there.
    """
    places = ("database/training", "training", ".")
    folders = next(filter(None, (sorted((raw / at).glob("patient*/")) for at in places)), [])
    if not folders:
        raise CoopbenchError(
            f"{raw}: holds no training/patient001/ …; give the folder of the ACDC download"
        )
    subjects, faults = read_each(_subject, folders)
    source = "ACDC (doi 10.1109/TMI.2018.2837502)"
    return RawSet("acdc", "ACDC", source, ACDC_LABELS, subjects, faults)


def _subject(folder: Path) -> RawSubject:
    frames = {}
    for phase, number in _phases(folder / "Info.cfg").items():
        stem = f"{folder.name}_frame{number:02d}"
        frames[phase] = RawFrame(_nifti(folder, stem), _nifti(folder, f"{stem}_gt"))
    return RawSubject(folder.name.removeprefix("patient"), frames)


def _nifti(folder: Path, stem: str) -> Path:
    """``stem.nii.gz``, or ``stem.nii`` where a download has been unpacked."""
    plain = folder / f"{stem}.nii"
    return plain if plain.is_file() else folder / f"{stem}.nii.gz"


def _phases(path: Path) -> dict[str, int]:
    """ED and ES as numbered in ``Info.cfg``, from 1."""
    if not path.is_file():
        raise CoopbenchError(f"{path}: no such file; it says which frames are ED and ES")
    text = path.read_text(encoding="utf-8", errors="replace")
    phases = {}
    for phase in ("ED", "ES"):
        match = re.search(rf"^\s*{phase}\s*:\s*(\d+)\s*$", text, flags=re.MULTILINE)
        if match is None:
            raise CoopbenchError(f"{path}: has no line '{phase}: <frame number>'")
        phases[phase] = int(match[1])
    return phases
