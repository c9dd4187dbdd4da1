"""Find the case of a file from its path: one key for the naming schemes of all frameworks."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.data.nifti import check_name, find_nifti, stem

Role = Literal["prediction", "segmentation", "label", "image", "plain"]
"""The role of a file by its name; a segmentation may be a label or a prediction."""

ROLES: dict[str, Role] = {
    **dict.fromkeys(("pred", "prediction", "predicted", "trans"), "prediction"),
    **dict.fromkeys(("seg", "dseg", "mask"), "segmentation"),
    **dict.fromkeys(("gt", "label", "labels", "manual"), "label"),
    **dict.fromkeys(("0000", "img", "image"), "image"),
}
"""Words before or after a case in a file's name; ``0000`` is nnU-Net's channel number, and MONAI's
SaveImage writes ``trans``."""

ENDINGS = tuple(f"_{word}" for word in ROLES)
"""Endings that may follow a case in a file's name."""

BEGINNINGS = tuple(f"{word}_" for word in ROLES if word not in ("0000", "trans"))
"""Beginnings that may come before a case in a file's name, as in ``image_ED``."""

WANTED: dict[Role, tuple[Role, ...]] = {
    "prediction": ("prediction", "segmentation", "plain"),
    "label": ("label", "segmentation", "plain"),
    "image": ("image", "plain"),
}
"""Order of roles to look for where a folder holds several files of a case; the first found
counts."""

CASE = r"(?P<subject>.+?)(?:_(?P<frame>ED|ES|frame\d+))?"
"""The default pattern of subject and frame in a key."""

NO_FRAME = "volume"
"""The name of the frame where a key names none."""

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
    So are ``007_ED/007_ED_seg.nii.gz``, in a folder with the name of the file, and
    ``fold_0/validation/007_ED.nii.gz``, as MONAI and nnU-Net write them.

    Raises:
        CoopbenchError: the path names two draws, or nothing but a draw.
    """
    name, folders = _bare(stem(path), endings), _naming(path.parent.parts)
    above = _bare(folders[-1], endings) if folders else ""
    if above and (name == above or name.startswith(f"{above}_")):
        folders = folders[:-1]
    joined = _without_endings("_".join((*folders, name)), endings)
    draws = _DRAW.findall(joined)
    if len(draws) > 1:
        raise CoopbenchError(f"{path}: names {len(draws)} draws (draw<N>); leave one in its path")
    case = _DRAW.sub("", joined, count=1).strip("_")
    if not case:
        raise CoopbenchError(f"{path}: names no case; rename it after its subject and frame")
    return Key(case, int(draws[0]) if draws else None)


def _without_endings(name: str, endings: Sequence[str]) -> str:
    while ending := next((end for end in endings if name.endswith(end)), None):
        name = name.removesuffix(ending)
    return name


def _bare(name: str, endings: Sequence[str]) -> str:
    """Remove the words for the role from a file's name; keep the name if nothing else remains."""
    bare = _without_endings(name, endings)
    beginning = next((one for one in BEGINNINGS if bare.startswith(one)), "")
    return bare.removeprefix(beginning) or bare


def _naming(folders: Sequence[str]) -> tuple[str, ...]:
    """The folders that may name a case: not those of nnU-Net's cross-validation."""
    kept: list[str] = []
    in_fold = True
    for folder in folders:
        fold = re.fullmatch(r"fold_(\d+|all)", folder) is not None
        if not fold and not (in_fold and folder in ("validation", "validation_raw")):
            kept.append(folder)
        in_fold = fold
    return tuple(kept)


def role_of(path: Path, endings: Sequence[str] = ENDINGS) -> Role:
    """The role of a file by its name."""
    name = stem(path)
    if ending := next((end for end in endings if name.endswith(end)), None):
        return ROLES.get(ending.removeprefix("_"), "prediction")  # one of ours, such as _FTN
    beginning = next((one for one in BEGINNINGS if name.startswith(one)), "_")
    return ROLES.get(beginning.removesuffix("_"), "plain")


def find_cases(
    folder: Path, endings: Sequence[str] = ENDINGS, role: Role = "label"
) -> dict[Key, Path]:
    """The NIfTI files at any depth below a folder, by their keys; hidden ones do not count.

    Where a folder holds several files of one case, for example its image, label and prediction, the
    file counts whose name fits ``role``.

    Args:
        folder: the folder to search.
        endings: endings that may follow a case in a name.
        role: the files to find: ``label``, ``prediction`` or ``image``.

    Raises:
        CoopbenchError: two files are the same case (the message names both), or a name cannot be
            printed.
    """
    found: dict[Key, list[Path]] = {}
    for below in find_nifti(folder):
        check_name(folder, below)
        found.setdefault(case_key(below, endings), []).append(folder / below)
    several = [paths for paths in found.values() if len(paths) > 1]
    if several:
        there = {role_of(path, endings) for paths in several for path in paths}
        chosen = next((one for one in WANTED[role] if one in there), None)
        # A plain name without such a twin needs no ending.
        alone = (paths[0] for paths in found.values() if len(paths) == 1)
        if len(there) > 1 and not any(role_of(path, endings) == "plain" for path in alone):
            found = {
                key: kept
                for key, paths in found.items()
                if (kept := [path for path in paths if role_of(path, endings) == chosen])
            }
    cases = {}
    for key, paths in found.items():
        if len(paths) > 1:
            raise CoopbenchError(
                f"{paths[0]} and {paths[1]}: are both case {key}; move one of them out of {folder}"
            )
        cases[key] = paths[0]
    return cases


def as_acquired(cases: Mapping[Key, Path]) -> dict[Key, Path]:
    """Set the draw to 0 (as acquired) where a file names no draw.

    Raises:
        CoopbenchError: two files then are the same case.
    """
    found: dict[Key, Path] = {}
    for key, path in cases.items():
        named = Key(key.case, key.draw or 0)
        if (twin := found.setdefault(named, path)) is not path:
            raise CoopbenchError(f"{twin} and {path}: are both case {named}; move one of them away")
    return found


def label_of_each(labels: Mapping[Key, Path], others: Iterable[Key]) -> dict[Key, Path]:
    """Find the label of every case that needs a prediction.

    A label that names a draw belongs to that draw. A label without a draw serves all draws of its
    case among ``others`` (predictions or images); if there are none, it serves the case as
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

    A single group without a name is the subject, and the rest of the key does not matter.

    Raises:
        UsageError: the text is not a regular expression, or has no group ``subject``.
    """
    try:
        pattern = re.compile(text)
        if pattern.groups == 1 and not pattern.groupindex:
            named = re.sub(r"(?<!\\)\((?!\?)", "(?P<subject>", text, count=1)
            pattern = re.compile(f".*?(?:{named}).*")
    except re.error as error:
        raise UsageError(f"--case {text!r}: is not a regular expression ({error})") from error
    if "subject" not in pattern.groupindex:
        raise UsageError(f"--case {text!r}: has no group (?P<subject>…), which names the subject")
    return pattern


def subject_and_frame(key: Key, pattern: re.Pattern[str]) -> tuple[str, str]:
    """Find subject and frame in a key, ignoring the draw; the frame is "volume" where none is
    named.

    Raises:
        UsageError: the pattern does not match the whole key, or finds no subject.
    """
    found = pattern.fullmatch(key.case)
    parts = found.groupdict() if found else {}
    if not parts.get("subject"):
        raise UsageError(
            f"--case {pattern.pattern!r}: finds no subject in the case {key.case!r}; "
            "the expression must match the whole case"
        )
    return parts["subject"], parts.get("frame") or NO_FRAME
