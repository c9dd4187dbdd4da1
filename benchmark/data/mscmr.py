"""The raw layout of MS-CMRSeg 2019 (Zhuang et al., Medical Image Analysis 2022).

    RAW/**/patient1_C0.nii.gz           image; C0 = bSSFP, LGE, T2, in whatever folders
    RAW/**/patient1_C0_manual.nii.gz    200 = MYO, 500 = LV, 600 = RV

One frame per subject and sequence, prepared as ED.
"""

import re
from pathlib import Path

from benchmark.data.labels import MSCMR_LABELS
from benchmark.data.raw import RawFrame, RawSet, RawSubject
from benchmark.errors import CoopbenchError


def read_mscmr(raw: Path, sequence: str = "C0") -> RawSet:
    """Find the subjects of MS-CMRSeg that have labels of ``sequence`` under ``raw``.

    Raises:
        CoopbenchError: no label is there, a name is found twice, or a label has no image.
    """
    images = _by_subject(raw, re.compile(rf"patient(\d+)_{sequence}\.nii\.gz"))
    labels = _by_subject(raw, re.compile(rf"patient(\d+)_{sequence}_manual\.nii\.gz"))
    if not labels:
        raise CoopbenchError(
            f"{raw}: holds no patient1_{sequence}_manual.nii.gz …; "
            "give the folder of the MS-CMRSeg download"
        )
    for number in labels.keys() - images.keys():
        raise CoopbenchError(f"{labels[number]}: no image patient{number}_{sequence}.nii.gz")
    subjects = tuple(
        RawSubject(f"{number:02d}", {"ED": RawFrame(images[number], labels[number])})
        for number in sorted(labels)
    )
    name = f"mscmr-{sequence.lower()}"
    source = f"MS-CMRSeg 2019, sequence {sequence} (doi 10.1016/j.media.2022.102528)"
    return RawSet(name, f"MS-CMRSeg {sequence}", source, MSCMR_LABELS, subjects)


def _by_subject(raw: Path, pattern: re.Pattern[str]) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in sorted(raw.rglob("patient*.nii.gz")):
        if match := pattern.fullmatch(path.name):
            number = int(match[1])
            if number in found:
                raise CoopbenchError(f"{path}: also found as {found[number]}; keep one of them")
            found[number] = path
    return found
