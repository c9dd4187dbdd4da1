"""Any folder of images and labels: match the files by subject and frame."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from re import Pattern

import numpy as np

from benchmark.core.errors import CoopbenchError
from benchmark.data.case_keys import (
    NO_FRAME,
    case_key,
    subject_and_frame,
)
from benchmark.data.labels import remap
from benchmark.data.nifti import check_name, find_nifti, frame_count, read_frames
from benchmark.data.raw import RawFrame, RawSubject

Place = tuple[str, str]
"""Subject and frame."""


@dataclass(frozen=True)
class FolderLayout:
    """Where the files are and how their names are read.

    Attributes:
        root: the folder that globs are relative to.
        images, labels: globs, such as ``images/*.nii.gz`` and ``**/*_gt.nii.gz``.
        pattern: expression for subject and frame in a case; see `benchmark.data.case_keys`.
        frame: name of the frame where the file names give none.
    """

    root: Path
    images: tuple[str, ...]
    labels: tuple[str, ...]
    pattern: Pattern[str]
    frame: str


@dataclass(frozen=True)
class Matched:
    """The files that belong together.

    Attributes:
        subjects: the subjects with their frames.
        faults: a line for each label that cannot be used.
        unlabelled: images without a label.
    """

    subjects: tuple[RawSubject, ...]
    faults: tuple[str, ...]
    unlabelled: tuple[Path, ...]


def match_folder(
    layout: FolderLayout,
    numbering: Mapping[int, int],
    phases: Mapping[str, Mapping[str, int]] | None = None,
) -> Matched:
    """Match images and labels by subject and frame.

    Args:
        layout: where the files are.
        numbering: raw label values to prepared ones.
        phases: for subjects with 4D files, the frames (from 0) of ``ED`` and ``ES``. For other
            subjects, all frames with a label count; if there are two, ED is the one with the larger
            LV.

    Raises:
        CoopbenchError: a glob finds nothing, or two files have the same subject and frame.
        UsageError: the pattern finds no subject in a name.
    """
    labels = _by_place(layout, "labels", layout.labels)
    taken = set(labels.values())
    images = _by_place(layout, "images", layout.images, without=taken)
    frames: dict[str, dict[str, RawFrame]] = {}
    faults = []
    for (subject, frame), label in labels.items():
        image = images.get((subject, frame))
        if image is None:
            faults.append(f"{label}: no image of subject {subject}, frame {frame or layout.frame}")
            continue
        known = (phases or {}).get(subject)
        try:
            found = _frames(image, label, frame or layout.frame, numbering, known)
        except CoopbenchError as error:
            faults.append(str(error))
            continue
        if double := set(found) & set(frames.setdefault(subject, {})):
            raise CoopbenchError(
                f"{label}: is frame {double.pop()} of subject {subject}, like "
                f"{frames[subject][next(iter(found))].label}; tell them apart by --case"
            )
        frames[subject].update(found)
    return Matched(
        tuple(RawSubject(one, frames[one]) for one in sorted(frames) if frames[one]),
        tuple(faults),
        tuple(path for place, path in images.items() if place not in labels),
    )


def _by_place(
    layout: FolderLayout, what: str, globs: Sequence[str], without: Iterable[Path] = ()
) -> dict[Place, Path]:
    """The files of globs by subject and frame; the frame is empty where the file name gives
    none."""
    found: dict[Place, Path] = {}
    left_out = set(without)
    for path, below in _globbed(layout.root, globs):
        if path in left_out:
            continue
        key = case_key(below)
        subject, frame = subject_and_frame(key, layout.pattern)
        if key.draw is not None:
            subject = f"{subject}_draw{key.draw}"
        place = subject, "" if frame == NO_FRAME else frame
        if place in found:
            raise CoopbenchError(
                f"{found[place]} and {path}: are both {what} of subject {subject}"
                + (f", frame {frame}" if place[1] else "")
                + f"; tell them apart by --case, or narrow --{what}"
            )
        found[place] = path
    if not found:
        raise CoopbenchError(
            f"{layout.root}: --{what} {' '.join(globs)} finds no NIfTI file (.nii or .nii.gz)"
        )
    return found


def _globbed(root: Path, globs: Sequence[str]) -> list[tuple[Path, Path]]:
    """The NIfTI files of globs, each with its path relative to the fixed first folders of its glob.

    Follows links to folders; Python's globs do not.
    """
    found: dict[Path, Path] = {}
    for glob in globs:
        base = Path()
        for part in Path(glob).parts[:-1]:
            if any(mark in part for mark in "*?["):
                break
            base /= part
        if not (root / base).is_dir():
            continue
        pattern = Path(glob).relative_to(base).as_posix()
        for below in find_nifti(root / base):
            if _matches(below, pattern):
                check_name(root, base / below)
                found.setdefault(root / base / below, below)
    return sorted(found.items())


def _matches(path: Path, pattern: str) -> bool:
    """Whether a pattern matches a whole relative path; ``**`` stands for any number of folders."""
    from fnmatch import fnmatchcase

    def match(parts: Sequence[str], patterns: Sequence[str]) -> bool:
        if not patterns:
            return not parts
        if patterns[0] == "**":
            return any(match(parts[at:], patterns[1:]) for at in range(len(parts) + 1))
        return (
            bool(parts)
            and fnmatchcase(parts[0].lower(), patterns[0].lower())
            and match(parts[1:], patterns[1:])
        )

    return match(path.parts, pattern.split("/"))


def _frames(
    image: Path,
    label: Path,
    frame: str,
    numbering: Mapping[int, int],
    phases: Mapping[str, int] | None,
) -> dict[str, RawFrame]:
    """The frames of a pair of files, by name."""
    in_image, in_label = frame_count(image), frame_count(label)
    if in_image is None and in_label is None:
        return {frame: RawFrame(image, label)}
    if in_image != in_label:
        raise CoopbenchError(
            f"{label}: holds {in_label or 1} of the {in_image or 1} frames of {image.name}; store "
            "both as 3D files of one frame, or both with all frames"
        )
    if phases is None:
        phases = _labelled_frames(label, frame, numbering)
    return {name: RawFrame(image, label, index) for name, index in phases.items()}


def _labelled_frames(label: Path, frame: str, numbering: Mapping[int, int]) -> dict[str, int]:
    """The frames of a 4D label map that are not empty."""
    volume = read_frames(label)
    try:
        structures = remap(volume.data, numbering)
    except ValueError as error:
        raise CoopbenchError(f"{label}: {error}; name it by --label-map") from error
    drawn = [int(index) for index in np.flatnonzero(structures.any(axis=(0, 1, 2)))]
    if not drawn:
        raise CoopbenchError(f"{label}: is empty in all frames")
    if len(drawn) == 1:
        return {frame: drawn[0]}
    if len(drawn) == 2:
        cavity = [int((structures[..., index] == 1).sum()) for index in drawn]
        ed = drawn[int(np.argmax(cavity))]
        return {"ED": ed, "ES": next(index for index in drawn if index != ed)}
    return {f"frame{index:02d}": index for index in drawn}
