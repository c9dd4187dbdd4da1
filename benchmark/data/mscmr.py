"""The raw layout of MS-CMRSeg 2019 (Zhuang et al., Medical Image Analysis 2022).

    RAW/**/patient1_C0.nii.gz           image; C0 = bSSFP, LGE, T2, in any folders
    RAW/**/patient1_C0_manual.nii.gz    200 = MYO, 500 = LV, 600 = RV

One frame per subject and sequence, prepared as ED.
"""

import re
from pathlib import Path

from benchmark.core.errors import CoopbenchError
from benchmark.data.labels import MSCMR_LABELS
from benchmark.data.nifti import find_nifti, stem
from benchmark.data.raw import RawFrame, RawSet, RawSubject, read_each


def read_mscmr(raw: Path, sequence: str = "C0") -> RawSet:
    """Find the subjects of MS-CMRSeg that have labels of ``sequence`` under ``raw``.

    A label without an image is among the set's ``faults``.

    Raises:
        CoopbenchError: there is no label, or a name occurs twice.
    """
    images = _by_subject(raw, re.compile(rf"patient(\d+)_{sequence}", re.IGNORECASE))
    labels = _by_subject(raw, re.compile(rf"patient(\d+)_{sequence}_manual", re.IGNORECASE))
    if not labels:
        raise CoopbenchError(
            f"{raw}: holds no patient1_{sequence}_manual.nii.gz …; "
            "give the folder of the MS-CMRSeg download"
        )

    def subject(number: int) -> RawSubject:
        if number not in images:
            raise CoopbenchError(f"{labels[number]}: no image patient{number}_{sequence}.nii.gz")
        return RawSubject(f"{number:02d}", {"ED": RawFrame(images[number], labels[number])})

    subjects, faults = read_each(subject, sorted(labels))
    name = f"mscmr-{sequence.lower()}"
    source = f"MS-CMRSeg 2019, sequence {sequence} (doi 10.1016/j.media.2022.102528)"
    return RawSet(name, f"MS-CMRSeg {sequence}", source, MSCMR_LABELS, subjects, faults)


def _by_subject(raw: Path, pattern: re.Pattern[str]) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in (raw / below for below in find_nifti(raw)):
        if match := pattern.fullmatch(stem(path)):
            number = int(match[1])
            if number in found:
                raise CoopbenchError(f"{path}: also found as {found[number]}; keep one of them")
            found[number] = path
    return found
