"""Label maps of any framework, scored against labels into the same tidy rows as our own runs'.

Prepared sets are scored as `benchmark.evaluation` does, on the centre 192 × 192, so that such a row
is comparable; plain folders of labels on whole volumes.
"""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from nibabel.affines import apply_affine
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from numpy.typing import NDArray

from benchmark.case_keys import (
    CASE,
    ENDINGS,
    Key,
    as_acquired,
    case_key,
    case_pattern,
    find_cases,
    label_of_each,
    subject_and_frame,
)
from benchmark.data.dataset import Case, Dataset, evaluated_cases, find_datasets, read_dataset
from benchmark.data.field import centre_field
from benchmark.data.labels import STRUCTURES, remap
from benchmark.data.nifti import Volume, read_volume
from benchmark.data.prepared import read_frame
from benchmark.environment import commit, versions
from benchmark.errors import CoopbenchError, UsageError, first_lines
from benchmark.evaluation import COLUMNS
from benchmark.external_rows import (
    COUNTED,
    CorruptedBy,
    ExternalRecord,
    ScoredSet,
    prepared_fingerprint,
)
from benchmark.files import digest, read_json, sha256, write_json, write_text
from benchmark.manifest import VolumeRecord, read_manifest
from benchmark.metrics import IMPLEMENTATION, score_volume
from benchmark.prediction import FIELD
from benchmark.recipe import recipe_again
from benchmark.selection import all_datasets
from benchmark.workers import share_out, sort_out

BACKGROUND = "background"

CLEAN = "clean"
"""The folder of predictions of the clean set beside those of corrupted ones, unless it is named."""

Missing = Literal["fail", "zero", "skip"]
FaultKind = Literal["missing", "unreadable", "geometry", "values"]


def parse_numbering(option: str, text: str) -> dict[int, int]:
    """``1=RV,2=MYO,3=LV`` as raw label values to prepared ones; 0 is background unless named.

    Args:
        option: what it was given by, for the message.
        text: values and structures; several values may be one structure, or ``background``.

    Raises:
        UsageError: it is not of that form, names a value twice, or leaves a structure out.
    """
    names = {name.lower(): value for value, name in STRUCTURES.items()} | {BACKGROUND: 0}
    numbering: dict[int, int] = {}
    for part in text.split(","):
        raw, _, name = (word.strip() for word in part.partition("="))
        if not re.fullmatch(r"-?\d+", raw) or name.lower() not in names:
            raise UsageError(
                f"{option} {text!r}: {part.strip()!r} is not VALUE=STRUCTURE, "
                f"with one of {', '.join(STRUCTURES.values())} or {BACKGROUND}"
            )
        if int(raw) in numbering:
            raise UsageError(f"{option} {text!r}: names the value {int(raw)} twice")
        numbering[int(raw)] = names[name.lower()]
    lacking = [name for value, name in STRUCTURES.items() if value not in numbering.values()]
    if lacking:
        raise UsageError(
            f"{option} {text!r}: names no {' and no '.join(lacking)}, which would score 0; "
            f"where there is none, name a value that never occurs, as 99={lacking[0]}"
        )
    return {0: 0} | numbering


@dataclass(frozen=True)
class Reference:
    """A label: uint8 (x, y, slices), ``affine`` to mm, ``spacing`` in mm along its axes."""

    label: NDArray[np.uint8]
    affine: NDArray[np.float64]
    spacing: tuple[float, ...]
    field: int | None
    """Height and width in pixels of the centre that is scored; None: all of it."""


@dataclass(frozen=True)
class PreparedLabel:
    """The label of a frame of a prepared set, which holds only its own case."""

    dataset: Dataset
    frame: str

    def read(self) -> Reference:
        """Read it, with its image, as our own evaluation does.

        Raises:
            CoopbenchError: a file is missing or not the recorded one.
        """
        found = read_frame(self.dataset, self.dataset.cases[0], self.frame)
        return Reference(found.label.T, found.affine, found.spacing[::-1], FIELD)


@dataclass(frozen=True)
class LabelFile:
    """A label map in a plain folder, and what its values mean."""

    path: Path
    numbering: Mapping[int, int]

    def read(self) -> Reference:
        """Read it.

        Raises:
            CoopbenchError: it cannot be read, or holds a value that nobody named.
        """
        volume = read_volume(self.path)
        try:
            label = remap(volume.data, self.numbering)
        except ValueError as error:
            raise CoopbenchError(f"{self.path}: {error}; name it by --label-map") from error
        return Reference(label, volume.affine, volume.spacing, None)


@dataclass(frozen=True)
class ExpectedCase:
    """A volume that is to be scored, and its prediction, or None where there is none."""

    key: Key
    test_set: str
    subject: str
    draw: int
    frame: str
    label: PreparedLabel | LabelFile
    prediction: Path | None


@dataclass(frozen=True)
class TestSet:
    """A test set, the predictions that were found for it, and what was found besides."""

    __test__ = False  # for pytest, which would take it for a test

    title: str
    labels: str
    predictions: Path
    cases: list[ExpectedCase]
    unmatched: list[Path]
    prepared: bool
    phantom: bool
    fingerprint: str
    corruption: CorruptedBy | None = None

    @property
    def without_folder(self) -> bool:
        """Whether there is no folder of predictions at all."""
        return not self.predictions.is_dir()


@dataclass(frozen=True)
class Row:
    """What the rows of the scores are to say of the model."""

    name: str
    repeat: int
    seed: int
    output: str


@dataclass(frozen=True)
class _Fault:
    """Why a prediction cannot be scored."""

    kind: FaultKind
    line: str


@dataclass(frozen=True)
class _Outcome:
    """Rows of one volume, what was wrong with it, and the checksum of the prediction."""

    rows: list[dict[str, Any]]
    fault: _Fault | None
    checksum: str | None


class _BrokenError(Exception):
    """A prediction that cannot be scored."""

    def __init__(self, kind: FaultKind, line: str) -> None:
        super().__init__(kind, line)
        self.fault = _Fault(kind, line)


def find_test_sets(
    predictions: Path,
    labels: Path,
    *,
    output: str,
    title: str | None = None,
    label_map: str | None = None,
    case: str | None = None,
    corrupted: Path | None = None,
) -> list[TestSet]:
    """The test sets in ``labels``, each with its predictions.

    Args:
        predictions: of a single set, or with a folder named after each set.
        labels: a data folder, a prepared set, or a plain folder of label files.
        output: also a possible ending of the predictions' names, as `coopbench evaluate
            --save-predictions` has it.
        title: of the test set of a plain folder; the folder's name unless given.
        label_map, case: of a plain folder: the values of its labels, and the regular expression
            for subject and frame.
        corrupted: a folder that 'coopbench corrupt IMAGES OUT' made of the images of a plain
            folder's labels: each kind in it is a test set as well.

    Raises:
        CoopbenchError: there is no label, two files are the same case, or no prediction matches.
        UsageError: an option is wrong, or does not go with prepared sets.
    """
    endings = (*ENDINGS, f"_{output.replace('+', '-')}")
    datasets = _prepared_sets(labels)
    if datasets:
        plain = {"--set": title, "--label-map": label_map, "--case": case, "--corrupted": corrupted}
        for option, value in plain.items():
            if value is not None:
                raise UsageError(
                    f"{option}: goes with a plain folder of labels; {labels} holds prepared sets, "
                    "which know all that themselves"
                )
        single = len(datasets) == 1
        found = [_prepared_set(dataset, predictions, endings, single) for dataset in datasets]
    else:
        plain_labels = _plain_labels(labels, title, label_map, case)
        if corrupted is None:
            found = [_plain_set(plain_labels, predictions, endings)]
        else:
            clean = predictions / (CLEAN if title is None else title)
            found = _corrupted_sets(plain_labels, corrupted, predictions, clean, endings)
    _check_matches(found)
    return found


def _prepared_sets(labels: Path) -> list[Dataset]:
    """The prepared sets in a folder, or the one that it is; empty for a plain folder."""
    # Other frameworks have files of this name, too; nnU-Net one beside its labelsTr.
    for path in (labels / "dataset.json", *labels.glob("*/dataset.json")):
        if path.is_file():
            record = read_json(path)
            if not isinstance(record, dict) or "format" not in record:
                raise CoopbenchError(
                    f"{path}: is no prepared set of coopbench; to score against a plain folder of "
                    "label files, give that folder itself (such as nnU-Net's labelsTs)"
                )
    if (labels / "dataset.json").is_file():
        return [read_dataset(labels)]
    if not any(find_datasets(labels)):
        return []
    return all_datasets(labels)


def _prepared_set(
    dataset: Dataset, predictions: Path, endings: Sequence[str], single: bool
) -> TestSet:
    cases = evaluated_cases(dataset)
    if not cases:
        raise CoopbenchError(f"{dataset.root}: holds none of its test subjects")
    folder = predictions / dataset.name
    if single and not folder.is_dir():
        folder = predictions
    found = as_acquired(find_cases(folder, endings))
    expected = [
        _prepared_case(dataset, case, frame, found) for case in cases for frame in case.frames
    ]
    return TestSet(
        title=dataset.title,
        labels=dataset.root.resolve().name,
        predictions=folder,
        cases=expected,
        unmatched=_unmatched(found, expected),
        prepared=True,
        phantom=dataset.phantom,
        fingerprint=prepared_fingerprint(dataset),
    )


def _prepared_case(
    dataset: Dataset, case: Case, frame: str, predictions: Mapping[Key, Path]
) -> ExpectedCase:
    named = case_key(Path(case.folder) / frame)
    key = Key(named.case, case.draw)
    label = PreparedLabel(dataset.model_copy(update={"cases": (case,)}), frame)
    return ExpectedCase(
        key, dataset.title, case.subject, case.draw, frame, label, predictions.get(key)
    )


@dataclass(frozen=True)
class _PlainLabels:
    """The labels in a plain folder, and how they are read."""

    folder: Path
    title: str
    files: Mapping[Key, Path]
    numbering: Mapping[int, int]
    pattern: re.Pattern[str]
    fingerprint: str


def _plain_labels(
    labels: Path, title: str | None, label_map: str | None, case: str | None
) -> _PlainLabels:
    files = find_cases(labels)
    if not files:
        raise CoopbenchError(
            f"{labels}: holds neither a prepared set (dataset.json) nor a label file "
            "(.nii or .nii.gz)"
        )
    numbering = {value: value for value in (0, *STRUCTURES)}
    if label_map is not None:
        numbering = parse_numbering("--label-map", label_map)
    name = labels.resolve().name if title is None else title
    if not name.strip():
        raise UsageError("--set: give the test set a title")
    checksums = {path.relative_to(labels).as_posix(): sha256(path) for path in files.values()}
    pattern = case_pattern(CASE if case is None else case)
    return _PlainLabels(labels, name, files, numbering, pattern, digest(checksums))


def _plain_set(labels: _PlainLabels, predictions: Path, endings: Sequence[str]) -> TestSet:
    found = as_acquired(find_cases(predictions, endings))
    expected = _plain_cases(labels.title, labels, label_of_each(labels.files, found), found)
    return TestSet(
        title=labels.title,
        labels=labels.folder.resolve().name,
        predictions=predictions,
        cases=expected,
        unmatched=_unmatched(found, expected),
        prepared=False,
        phantom=False,
        fingerprint=labels.fingerprint,
    )


def _corrupted_sets(
    labels: _PlainLabels, corrupted: Path, predictions: Path, clean: Path, endings: Sequence[str]
) -> list[TestSet]:
    """The clean set, whose predictions are in a folder of their own, and each kind of its images.

    Raises:
        CoopbenchError: ``corrupted`` has no manifest that can be used.
        UsageError: it is a prepared set's, or one of its kinds has the name of the clean set.
    """
    manifest = read_manifest(corrupted)
    if manifest.layout == "prepared":
        raise UsageError(
            f"--corrupted {corrupted}: was made from a prepared set, which says all that itself; "
            "give the data folder as LABELS, and leave --corrupted out"
        )
    kinds: dict[str, list[VolumeRecord]] = {}
    for volume in manifest.volumes:
        kinds.setdefault(volume.kind, []).append(volume)
    if taken := {labels.title, clean.name} & set(kinds):
        raise UsageError(
            f"--corrupted {corrupted}: has a kind called {taken.pop()}, as the clean set or its "
            "folder is; give another --set"
        )
    recipe = recipe_again(manifest.recipe.name, manifest.recipe.definition)
    found = [_plain_set(labels, clean, endings)]
    for kind, volumes in kinds.items():
        family, severity = recipe.family(kind)
        made_by = CorruptedBy(
            recipe=recipe.name, kind=family, severity=severity, clean=labels.title
        )
        found.append(_corrupted_set(labels, volumes, predictions / kind, endings, made_by))
    return found


def _corrupted_set(
    labels: _PlainLabels,
    volumes: Sequence[VolumeRecord],
    predictions: Path,
    endings: Sequence[str],
    corruption: CorruptedBy,
) -> TestSet:
    kind = volumes[0].kind
    images = [case_key(Path(volume.file).relative_to(kind)) for volume in volumes]
    found = as_acquired(find_cases(predictions, endings))
    expected = _plain_cases(kind, labels, label_of_each(labels.files, images), found)
    made = {volume.file: volume.voxels for volume in volumes}
    return TestSet(
        title=kind,
        labels=labels.folder.resolve().name,
        predictions=predictions,
        cases=expected,
        unmatched=_unmatched(found, expected),
        prepared=False,
        phantom=False,
        fingerprint=digest({"labels": labels.fingerprint, "images": made}),
        corruption=corruption,
    )


def _plain_cases(
    title: str,
    labels: _PlainLabels,
    label_of: Mapping[Key, Path],
    predictions: Mapping[Key, Path],
) -> list[ExpectedCase]:
    expected: dict[tuple[str, int, str], ExpectedCase] = {}
    for key, path in label_of.items():
        subject, frame = subject_and_frame(key, labels.pattern)
        label = LabelFile(path, labels.numbering)
        one = ExpectedCase(key, title, subject, key.draw or 0, frame, label, predictions.get(key))
        twin = expected.setdefault((subject, one.draw, frame), one)
        if twin is not one:
            assert isinstance(twin.label, LabelFile)
            raise UsageError(
                f"--case {labels.pattern.pattern!r}: takes both {twin.label.path} and {path} for "
                f"subject {subject!r}, frame {frame!r}; tell them apart by its groups"
            )
    return list(expected.values())


def _unmatched(found: Mapping[Key, Path], expected: Sequence[ExpectedCase]) -> list[Path]:
    wanted = {case.key for case in expected}
    return [path for key, path in found.items() if key not in wanted]


def _check_matches(sets: Sequence[TestSet]) -> None:
    """Predictions of which none matches are named otherwise, and not all missing.

    Raises:
        CoopbenchError: so it is with a set, or there is no prediction at all.
    """
    for one in sets:
        if one.unmatched and all(case.prediction is None for case in one.cases):
            theirs = case_key(one.unmatched[0].relative_to(one.predictions))
            raise CoopbenchError(
                f"{one.predictions}: none of {len(one.unmatched)} predictions matches a label of "
                f"{one.title}; a prediction here is case '{theirs}' ({one.unmatched[0].name}), a "
                f"label is case '{one.cases[0].key}'; rename the predictions after the labels"
            )
    if all(case.prediction is None for one in sets for case in one.cases):
        folders = " or ".join(dict.fromkeys(str(one.predictions) for one in sets))
        raise CoopbenchError(
            f"{folders}: holds no prediction (.nii or .nii.gz); a label is case "
            f"'{sets[0].cases[0].key}', so its prediction may be {sets[0].cases[0].key.case}.nii.gz"
        )


def in_label_space(prediction: Volume, reference: Reference) -> NDArray[np.generic]:
    """The prediction's voxels (x, y, slices) in the order of the label's.

    Axes that are only turned round or swapped are brought into the label's; nothing is resampled.

    Raises:
        ValueError: the two are not of the same voxels: another shape, or the position of a voxel
            differs by more than a tenth of the spacing.
    """
    to_label = np.linalg.inv(reference.affine)
    axes = io_orientation(to_label @ prediction.affine)
    data, affine = prediction.data, prediction.affine
    if not np.isnan(axes).any():
        affine = affine @ inv_ornt_aff(axes, data.shape)
        data = apply_orientation(data, axes)
    if data.shape != reference.label.shape:
        raise ValueError(
            f"has the shape {prediction.data.shape}, but its label has {reference.label.shape}"
        )
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(data.shape) - 1)
    off = np.abs(apply_affine(to_label @ affine, corners) - corners).max()
    if not off <= 0.1:
        raise ValueError(
            f"lies elsewhere than its label, by up to {off:.3g} voxels (by its affine); "
            "save it with the affine of the image that it was made from"
        )
    return data


def _read_prediction(
    case: ExpectedCase, reference: Reference, numbering: Mapping[int, int]
) -> NDArray[np.uint8]:
    """Prepared label values (x, y, slices) in the label's space.

    Raises:
        _BrokenError: there is no such thing.
    """
    path = case.prediction
    if path is None:
        raise _BrokenError("missing", f"{case.test_set}: no prediction of case {case.key}")
    try:
        volume = read_volume(path)
    except CoopbenchError as error:
        raise _BrokenError("unreadable", str(error)) from error
    try:
        data = in_label_space(volume, reference)
    except ValueError as error:
        raise _BrokenError("geometry", f"{path}: {error}") from error
    try:
        return remap(data, numbering)
    except ValueError as error:
        raise _BrokenError("values", f"{path}: {error}; name it by --map") from error


def _score_case(
    case: ExpectedCase, *, row: Row, numbering: Mapping[int, int], missing: Missing
) -> _Outcome:
    """Score one volume; with nothing predicted where the prediction is broken."""
    reference = case.label.read()
    fault, checksum = None, None
    try:
        prediction = _read_prediction(case, reference, numbering)
        assert case.prediction is not None
        checksum = sha256(case.prediction)
    except _BrokenError as broken:
        fault = broken.fault
        if missing != "zero":
            return _Outcome([], fault, None)
        prediction = np.zeros_like(reference.label)
    ours, theirs = prediction.T, reference.label.T
    if reference.field is not None:
        ours, theirs = (centre_field(one, reference.field) for one in (ours, theirs))
    about = {
        "method": row.name,
        "repeat": row.repeat,
        "seed": row.seed,
        "test_set": case.test_set,
        "subject": case.subject,
        "draw": case.draw,
        "frame": case.frame,
        "output": row.output,
    }
    scores = score_volume(ours, theirs, reference.spacing[::-1])
    return _Outcome([about | asdict(score) for score in scores], fault, checksum)


@dataclass
class Scored:
    """Scores, the record of how they came about, and lines on what is wrong."""

    table: pd.DataFrame
    record: ExternalRecord
    faults: list[str] = field(default_factory=list)

    @property
    def summary(self) -> list[str]:
        """A line for each test set: volumes, mean Dice as in the tables, and broken cases."""
        lines = []
        for one in self.record.test_sets:
            rows = self.table[self.table["test_set"] == one.title]
            each = rows.groupby("structure", sort=False)["dice"].mean()
            broken = sum(one.faults.values())
            kinds = ", ".join(f"{kind} {count}" for kind, count in one.faults.items())
            means = ", ".join(f"{name} {mean:.4f}" for name, mean in each.items())
            lines.append(
                f"{one.title}: {len(rows) // len(STRUCTURES)} of {one.cases} volumes"
                + (f", mean Dice {rows['dice'].mean():.4f} ({means})" if len(rows) else "")
                + (f"; {broken} {COUNTED[self.record.missing]} ({kinds})" if broken else "")
            )
        return lines


def score_predictions(
    sets: Sequence[TestSet],
    predictions: Path,
    row: Row,
    *,
    numbering: Mapping[int, int],
    missing: Missing,
    options: Mapping[str, str | None],
    workers: int,
) -> Scored:
    """Score the predictions of every set.

    Args:
        sets: of `find_test_sets`.
        predictions: the folder of them all.
        row: what the rows are to say.
        numbering: raw label values of the predictions to prepared ones.
        missing: what becomes of a case whose prediction is missing or broken.
        options: of the command, for the record.
        workers: processes.

    Raises:
        CoopbenchError: a label is broken; a prediction is missing or broken, and ``missing`` is
            "fail"; or nothing is left to score.
    """
    cases = [(place, case) for place, one in enumerate(sets) for case in one.cases]
    outcomes = _score_all([case for _, case in cases], row, numbering, missing, workers)
    lines = _fault_lines(sets, outcomes, missing)
    broken = sum(outcome.fault is not None for outcome in outcomes)
    if broken and missing == "fail":
        raise CoopbenchError(
            f"{broken} of {len(cases)} cases cannot be scored, so nothing was written; "
            "--missing zero counts them as Dice 0, --missing skip leaves them out:",
            *lines,
        )
    rows = [score for outcome in outcomes for score in outcome.rows]
    if not rows:
        raise CoopbenchError("no case is left to score:", *lines)
    scored = []
    for place, one in enumerate(sets):
        own = [outcome for (at, _), outcome in zip(cases, outcomes, strict=True) if at == place]
        scored.append(_scored_set(one, own))
    checksums = {
        f"{case.test_set}/{case.key}": outcome.checksum
        for (_, case), outcome in zip(cases, outcomes, strict=True)
        if outcome.checksum is not None
    }
    record = ExternalRecord(
        **asdict(row),
        missing=missing,
        options=dict(options),
        predictions=predictions.resolve().name,
        predictions_fingerprint=digest(checksums),
        test_sets=tuple(scored),
        faults={
            f"{case.test_set}/{case.key}": outcome.fault.kind
            for (_, case), outcome in zip(cases, outcomes, strict=True)
            if outcome.fault is not None
        },
        metrics=IMPLEMENTATION,
        software=versions(),
        commit=commit(),
    )
    return Scored(pd.DataFrame(rows, columns=list(COLUMNS)), record, lines)


def _score_all(
    cases: Sequence[ExpectedCase],
    row: Row,
    numbering: Mapping[int, int],
    missing: Missing,
    workers: int,
) -> list[_Outcome]:
    """Each case's outcome, in the order of the cases.

    Raises:
        CoopbenchError: labels are broken; the first are named.
    """
    place = {id(case): number for number, case in enumerate(cases)}
    with share_out(
        partial(_score_case, row=row, numbering=numbering, missing=missing),
        cases,
        title="score",
        workers=workers,
        preload=[__name__],
    ) as work:
        done, faults = sort_out(work)
    if faults:
        raise CoopbenchError(*first_lines(list(dict.fromkeys(faults))))
    return [outcome for _, outcome in sorted(done, key=lambda one: place[id(one[0])])]


def _scored_set(one: TestSet, outcomes: Sequence[_Outcome]) -> ScoredSet:
    kinds = Counter(outcome.fault.kind for outcome in outcomes if outcome.fault is not None)
    return ScoredSet(
        title=one.title,
        labels=one.labels,
        fingerprint=one.fingerprint,
        prepared=one.prepared,
        phantom=one.phantom,
        field=f"centre {FIELD} × {FIELD}" if one.prepared else "whole volume",
        cases=len(outcomes),
        faults=dict(sorted(kinds.items())),
        unmatched=len(one.unmatched),
        corruption=one.corruption,
    )


def _fault_lines(
    sets: Sequence[TestSet], outcomes: Sequence[_Outcome], missing: Missing
) -> list[str]:
    """A line for each set of which nothing is there or left, and one for each fault of the others.

    The first of either; a set that is left out as a whole does not go under among single cases.
    """
    whole, single, start = [], [], 0
    for one in sets:
        own = outcomes[start : start + len(one.cases)]
        start += len(one.cases)
        faults = [outcome.fault for outcome in own if outcome.fault is not None]
        nothing = all(case.prediction is None for case in one.cases)
        if nothing and missing == "skip":
            whole.append(f"{one.title}: no prediction at all; left out ({_absent(one)})")
        elif nothing:
            whole.append(
                f"{_absent(one)}, so all {len(own)} cases of {one.title} are missing; "
                f"{_where_to_put(one)}"
            )
        else:
            if missing == "skip" and len(faults) == len(own):
                whole.append(f"{one.title}: no prediction that can be scored; left out")
            single += [fault.line for fault in faults]
    return [*first_lines(whole), *first_lines(single)]


def _absent(one: TestSet) -> str:
    what = "no such folder" if one.without_folder else "holds no prediction"
    return f"{one.predictions}: {what}"


def _where_to_put(one: TestSet) -> str:
    """What helps where a whole set has no folder of predictions."""
    if one.prepared:
        return "to score one set, give its own folder as LABELS"
    return f"its predictions belong in a folder called {one.predictions.name}"


def unmatched_line(one: TestSet) -> str | None:
    """A warning of predictions that match no label of a set, or None."""
    if not one.unmatched:
        return None
    names = [path.relative_to(one.predictions).as_posix() for path in one.unmatched[:3]]
    more = ", …" if len(one.unmatched) > len(names) else ""
    return (
        f"warning: {one.predictions}: {len(one.unmatched)} "
        f"{'prediction matches' if len(one.unmatched) == 1 else 'predictions match'} no label of "
        f"{one.title} ({', '.join(names)}{more})"
    )


def check_target(out: Path, row: Row, sets: Sequence[str]) -> None:
    """Let scores be replaced only by a new version of the same.

    Raises:
        UsageError: there is a file already, of other scores or of anything else.
    """
    if out.suffix != ".csv":
        raise UsageError(f"--out {out}: give a name that ends in .csv")
    record = out.with_suffix(".json")
    if not out.exists() and not record.exists():
        return
    try:
        there = ExternalRecord.model_validate_json(record.read_bytes())
    except (OSError, ValueError):
        raise UsageError(
            f"{out}: is there already (or its .json), and not from 'coopbench score'; "
            "give another --out"
        ) from None
    if (there.row, there.titles) != (asdict(row), list(sets)):
        raise UsageError(
            f"{out}: is there already, with scores of {there.name}, repeat {there.repeat}, "
            f"{there.output} on {', '.join(there.titles)}; give another --out"
        )


def write_scores(scored: Scored, out: Path) -> None:
    """Write the scores, and their record as ``.json`` beside them; each whole or not at all."""
    text = io.StringIO()
    scored.table.to_csv(text, index=False, float_format="%.6f", lineterminator="\n")
    content = text.getvalue()
    # The record first: scores that it does not fit are found out, and can be made again.
    checksum = hashlib.sha256(content.encode()).hexdigest()
    record = scored.record.model_copy(update={"sha256": checksum})
    write_json(out.with_suffix(".json"), record.model_dump(mode="json"))
    write_text(out, content)
