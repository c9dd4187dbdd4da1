"""Which file is which case: one key, however a framework names and nests its label maps."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.data.nifti import check_name, find_nifti, stem

ENDINGS = (*("_0000", "_img", "_seg", "_gt", "_label", "_pred", "_prediction", "_dseg", "_mask"),)
"""What may follow a case in a file's name; ``_0000`` is nnU-Net's number of the channel."""

CASE = r"(?P<subject>.+?)(?:_(?P<frame>ED|ES|frame\d+))?"
"""Subject and frame in a key, unless told otherwise."""

NO_FRAME = "volume"
"""The frame of a case whose key names none."""

_DRAW = re.compile(r"(?:^|_)draw(\d+)(?=_|$)")


@dataclass(frozen=True, order=True)
class Key:
    """A case's name without its draw, and the draw; None where the file names none."""

    case: str
    draw: int | None

    def __str__(self) -> str:
        return f"{self.case} (draw {self.draw})" if self.draw else self.case


def case_key(path: Path, endings: Sequence[str] = ENDINGS) -> Key:
    """The key of a file, given its path below the folder of all.

    ``007/draw1/ED_seg.nii.gz``, ``007_draw1_ED.nii.gz`` and ``draw1/007/ED.nii.gz`` are one case.

    Raises:
        CoopbenchError: the path names two draws, or nothing but a draw.
    """
    joined = "_".join((*path.parent.parts, stem(path)))
    while ending := next((end for end in endings if joined.endswith(end)), None):
        joined = joined.removesuffix(ending)
    draws = _DRAW.findall(joined)
    if len(draws) > 1:
        raise CoopbenchError(f"{path}: names {len(draws)} draws (draw<N>); leave one in its path")
    case = _DRAW.sub("", joined, count=1).strip("_")
    if not case:
        raise CoopbenchError(f"{path}: names no case; rename it after its subject and frame")
    return Key(case, int(draws[0]) if draws else None)


def find_cases(folder: Path, endings: Sequence[str] = ENDINGS) -> dict[Key, Path]:
    """The NIfTI files at any depth below ``folder``, by their keys; hidden ones do not count.

    Raises:
        CoopbenchError: two files are the same case, both are named; or a name cannot be printed.
    """
    found: dict[Key, Path] = {}
    for below in find_nifti(folder):
        check_name(folder, below)
        path, key = folder / below, case_key(below, endings)
        if (twin := found.setdefault(key, path)) is not path:
            raise CoopbenchError(
                f"{twin} and {path}: are both case {key}; move one of them out of {folder}"
            )
    return found


def as_acquired(cases: Mapping[Key, Path]) -> dict[Key, Path]:
    """The same with draw 0, as acquired, where a file names no draw.

    Raises:
        CoopbenchError: two files are the same case by that.
    """
    found: dict[Key, Path] = {}
    for key, path in cases.items():
        named = Key(key.case, key.draw or 0)
        if (twin := found.setdefault(named, path)) is not path:
            raise CoopbenchError(f"{twin} and {path}: are both case {named}; move one of them away")
    return found


def label_of_each(labels: Mapping[Key, Path], others: Iterable[Key]) -> dict[Key, Path]:
    """The label of every case that a prediction is expected of.

    A label that names a draw is that draw's. One that names none serves every draw that any of the
    ``others``, predictions or images, of such a label is of; where there is none, the case as
    acquired.
    """
    serving = {key.case for key in labels if key.draw is None}
    draws = sorted({key.draw or 0 for key in others if key.case in serving}) or [0]
    expected = {
        Key(key.case, draw): path
        for key, path in labels.items()
        if key.draw is None
        for draw in draws
    }
    expected |= {key: path for key, path in labels.items() if key.draw is not None}
    return dict(sorted(expected.items(), key=lambda item: (item[0].case, item[0].draw or 0)))


def case_pattern(text: str) -> re.Pattern[str]:
    """A regular expression for subject and frame in a key.

    Raises:
        UsageError: it is none, or has no group ``subject``.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(f"--case {text!r}: is no regular expression ({error})") from error
    if "subject" not in pattern.groupindex:
        raise UsageError(f"--case {text!r}: has no group (?P<subject>…), which names the subject")
    return pattern


def subject_and_frame(key: Key, pattern: re.Pattern[str]) -> tuple[str, str]:
    """What ``pattern`` finds in a key, the draw left out; the frame is "volume" where none is.

    Raises:
        UsageError: it does not match the whole of it, or finds no subject.
    """
    found = pattern.fullmatch(key.case)
    parts = found.groupdict() if found else {}
    if not parts.get("subject"):
        raise UsageError(
            f"--case {pattern.pattern!r}: finds no subject in the case {key.case!r}; "
            "it has to match the whole of it"
        )
    return parts["subject"], parts.get("frame") or NO_FRAME
