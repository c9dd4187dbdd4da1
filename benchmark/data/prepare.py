"""Prepare raw volumes (protocol, section 1).

Per volume: clip the intensities to the 2nd and 98th percentile and scale them to [0, 1]; resample
in plane to 1.36719 mm, linear for images and nearest for labels; renumber the labels. The axes stay
as scanners write them; `benchmark.data.orientation.upright_axes` reorders files that other tools
have changed.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.core.errors import CoopbenchError, UsageError, first_lines
from benchmark.core.files import sha256, whole_folder, write_json
from benchmark.core.lock import folder_lock
from benchmark.core.parallel import run_parallel, split_errors
from benchmark.data.dataset import Case, Dataset, Splits, read_case, read_dataset
from benchmark.data.headers import doubt_lines
from benchmark.data.labels import REST, implausible, remap
from benchmark.data.nifti import Volume, finite_float32, read_volume, write_volume
from benchmark.data.orientation import in_order_of, turned, upright_axes
from benchmark.data.raw import RawFrame, RawSet, RawSubject
from benchmark.data.resample import IN_PLANE_SPACING, resample_in_plane

PERCENTILES = (2.0, 98.0)
PREPARATION = {
    "intensities": "clipped to percentiles, scaled to [0, 1], per volume",
    "percentiles": list(PERCENTILES),
    "in_plane_spacing_mm": IN_PLANE_SPACING,
    "interpolation": {"image": "linear", "label": "nearest"},
    "version": 2,
}


def scale_intensities(
    image: NDArray[np.generic], percentiles: tuple[float, float] = PERCENTILES
) -> NDArray[np.float32]:
    """Clip to the given percentiles of the whole volume and scale to [0, 1].

    Raises:
        ValueError: the image holds NaN or infinity, or the percentiles coincide.
    """
    values = finite_float32(image)
    low, high = np.percentile(values, percentiles)
    if not high > low:
        raise ValueError(
            f"is constant between its percentiles {percentiles[0]:g} and {percentiles[1]:g}"
        )
    return ((np.clip(values, low, high) - low) / (high - low)).astype(np.float32)


def prepare_image(volume: Volume) -> Volume:
    """Prepare a raw image: float32 in [0, 1] at the protocol's in-plane spacing."""
    scaled = replace(volume, data=scale_intensities(volume.data))
    return resample_in_plane(scaled, order=1)


@dataclass(frozen=True)
class PreparedPair:
    """The prepared image and label of a raw frame, warnings, and contradictions in the headers."""

    image: Volume
    label: Volume
    warnings: list[str]
    doubts: list[str]


def prepare_frame(raw: RawFrame, numbering: Mapping[int, int]) -> PreparedPair:
    """Prepare a raw frame; the label's voxels are brought into the order of the image's.

    Raises:
        CoopbenchError: a file cannot be used; the message names it.
    """
    image = read_volume(raw.image, raw.index)
    label = read_volume(raw.label, raw.index)
    try:
        label = in_order_of(label, image.affine, image.data.shape, f"image {raw.image.name}")
        renumbered = remap(label.data, numbering)
    except ValueError as error:
        raise CoopbenchError(f"{raw.label}: {error}") from error
    axes = upright_axes(image.affine, image.spacing)
    doubts = [image.doubt, label.doubt]
    image, aligned = turned(image, axes), turned(replace(image, data=renumbered), axes)
    renumbered = aligned.data.astype(np.uint8, copy=False)
    warnings = []
    if not renumbered.any():
        raise CoopbenchError(f"{raw.label}: the label of this frame is empty (index {raw.index})")
    if reason := implausible(renumbered):
        warnings.append(f"{raw.label}: {reason}; is the numbering of the labels right?")
    try:
        prepared = prepare_image(image)
    except ValueError as error:
        raise CoopbenchError(f"{raw.image}: {error}") from error
    return PreparedPair(prepared, resample_in_plane(aligned, order=0), warnings, doubts)


@dataclass(frozen=True)
class _Job:
    subject: RawSubject
    numbering: Mapping[int, int]
    root: Path


@dataclass(frozen=True)
class _Done:
    case: Case
    warnings: list[str]
    new: bool
    doubts: list[str] = field(default_factory=list)


def _prepare_subject(job: _Job) -> _Done:
    subject, folder = job.subject, job.root / job.subject.subject
    if not re.fullmatch(r"\w[\w.-]*", subject.subject):
        where = next(iter(subject.frames.values())).image.parent
        raise CoopbenchError(
            f"{where}: {subject.subject!r} cannot be the name of a folder; rename the subject"
        )
    made_from = {
        "preparation": PREPARATION,
        "numbering": {
            "rest" if raw == REST else str(raw): value for raw, value in job.numbering.items()
        },
        "frames": {
            name: {
                "image": _checksum(frame.image),
                "label": _checksum(frame.label),
                "index": frame.index,
            }
            for name, frame in subject.frames.items()
        },
    }
    done = read_case(folder / "case.json")
    if done is not None and done.made_from == made_from and done.intact(job.root):
        return _Done(done, [], new=False)
    warnings: list[str] = []
    doubts: list[str] = []
    cavity = {}
    with whole_folder(folder) as partial_folder:
        for name, frame in subject.frames.items():
            pair = prepare_frame(frame, job.numbering)
            warnings += pair.warnings
            doubts += pair.doubts
            cavity[name] = int((pair.label.data == 1).sum())
            for part, volume in (("img", pair.image), ("seg", pair.label)):
                write_volume(partial_folder / f"{name}_{part}.nii.gz", volume.data, volume.affine)
        case = Case(
            subject=subject.subject,
            folder=subject.subject,
            frames=tuple(subject.frames),
            files={path.name: sha256(path) for path in sorted(partial_folder.iterdir())},
            made_from=made_from,
        )
        write_json(partial_folder / "case.json", case.model_dump(mode="json"), durable=False)
    if {"ED", "ES"} <= cavity.keys() and cavity["ED"] <= cavity["ES"]:
        warnings.append(f"{subject.subject}: LV is not larger at ED than at ES; check the frames")
    return _Done(case, warnings, new=True, doubts=doubts)


def _checksum(path: Path) -> str:
    if not path.is_file():
        raise CoopbenchError(f"{path}: no such file")
    return sha256(path)


@dataclass(frozen=True)
class Prepared:
    """The result of `prepare`.

    Attributes:
        dataset: the prepared set.
        made: number of subjects prepared in this call.
        warnings: warnings on the cases.
        notes: on the headers of the files prepared in this call, a line for each kind of
            contradiction with the number of files.
    """

    dataset: Dataset
    made: int
    warnings: list[str]
    notes: list[str]


def prepare(
    raw: RawSet,
    data: Path,
    *,
    workers: int,
    splits: Splits | None = None,
    phantom: bool = False,
    skip_bad: bool = False,
    replace_set: bool = False,
) -> Prepared:
    """Prepare every subject of ``raw`` into ``data/<name>``; cases that exist intact are kept.

    With ``skip_bad``, subjects that cannot be prepared are left out, with a warning. Only with
    ``replace_set`` may it replace another set, or a set with other subjects.

    Raises:
        WriteError: a file cannot be written.
        UsageError: another set has this name, or the existing set has subjects that ``raw`` lacks.
        CoopbenchError: a subject cannot be prepared, or another process is preparing this set. The
            other subjects are prepared, but ``dataset.json`` is written only when all are done.
    """
    root = data / raw.name
    if not raw.subjects:
        raise _not_prepared(raw.faults, len(raw.faults))
    with folder_lock(root, "preparing"):
        before = None
        if (root / "dataset.json").is_file():
            before = read_dataset(root)
            if not replace_set:
                _check_same_set(before, raw, phantom=phantom)
        done = _prepare(raw, root, workers, splits, phantom=phantom, skip_bad=skip_bad)
        if before is not None and replace_set:
            _remove_others(before, done.dataset)
            if splits is None and before.source != raw.source:
                (root / "splits.json").unlink(missing_ok=True)
        return done


def _check_same_set(before: Dataset, raw: RawSet, *, phantom: bool) -> None:
    """Let a set be prepared again, and grow, but not become another one.

    Raises:
        UsageError: the set would become another one.
    """
    here = {case.subject for case in before.cases}
    lost = sorted(here - {subject.subject for subject in raw.subjects})
    told = "; give another --out, or --replace to replace it"
    if (before.phantom, before.source) != (phantom, raw.source):
        raise UsageError(f"{before.root}: already holds another set ({before.source}){told}")
    if len(lost) > len(raw.faults):  # lost subjects may be among those that cannot be read
        shown = " ".join(lost[:5]) + (" …" if len(lost) > 5 else "")
        count = f"{len(lost)} {'subject' if len(lost) == 1 else 'subjects'}"
        raise UsageError(
            f"{before.root}: holds {count} that {raw.title} as given lacks ({shown}){told}"
        )


def _remove_others(before: Dataset, now: Dataset) -> None:
    """Remove the cases of a set that was replaced."""
    kept = {case.folder for case in now.cases}
    for case in before.cases:
        if case.folder not in kept:
            shutil.rmtree(before.root / case.folder, ignore_errors=True)


def _not_prepared(faults: Sequence[str], of: int) -> CoopbenchError:
    return CoopbenchError(
        *first_lines(faults),
        f"{len(faults)} of {of} subjects not prepared; correct or remove them, then run the same "
        "command again; or leave them out with --skip-bad",
    )


def _prepare(
    raw: RawSet,
    root: Path,
    workers: int,
    splits: Splits | None,
    *,
    phantom: bool,
    skip_bad: bool,
) -> Prepared:
    jobs = [_Job(subject, raw.numbering, root) for subject in raw.subjects]
    with run_parallel(
        _prepare_subject,
        jobs,
        title=f"prepare {raw.title}",
        workers=workers,
        preload=[__name__],
    ) as work:
        done, broken = split_errors(work)
    faults = sorted([*raw.faults, *broken])
    if faults and not (skip_bad and done):
        raise _not_prepared(faults, len(jobs) + len(raw.faults))
    dataset = Dataset(
        name=raw.name,
        title=raw.title,
        source=raw.source,
        phantom=phantom,
        in_plane_spacing_mm=IN_PLANE_SPACING,
        preparation=PREPARATION,
        software={name: version(name) for name in ("coopbench", "numpy", "scipy", "nibabel")},
        cases=tuple(sorted((one.case for _, one in done), key=lambda case: case.folder)),
        left_out=len(faults),
        root=root,
    )
    if splits is not None:
        write_json(root / "splits.json", splits.model_dump(mode="json"))
    dataset.write()
    warnings = sorted(line for _, one in done for line in one.warnings)
    made = sum(one.new for _, one in done)
    notes = doubt_lines(doubt for _, one in done for doubt in one.doubts)
    return Prepared(dataset, made, [*(f"left out: {fault}" for fault in faults), *warnings], notes)
