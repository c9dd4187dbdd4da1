"""Match predictions to labels."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.conversion.record import cases_fingerprint
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.files import digest, read_json, sha256
from benchmark.corrupted_sets.manifest import VolumeRecord, read_manifest
from benchmark.corrupted_sets.recipe import recipe_again
from benchmark.data.case_keys import (
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
from benchmark.data.dataset import (
    Case,
    Dataset,
    all_datasets,
    evaluated_cases,
    find_datasets,
    read_dataset,
)
from benchmark.data.labels import STRUCTURES
from benchmark.data.numbering import parse_numbering
from benchmark.data.set_names import CLEAN as CLEAN_SET
from benchmark.evaluation.external.label_space import LabelFile, PreparedLabel
from benchmark.evaluation.external.record import CorruptedBy

CLEAN = "clean"
"""Default name of the folder with predictions of the clean set, beside those of corrupted sets."""


@dataclass(frozen=True)
class ExpectedCase:
    """A volume to score, and its prediction; None if there is no prediction."""

    key: Key
    test_set: str
    subject: str
    draw: int
    frame: str
    label: PreparedLabel | LabelFile
    prediction: Path | None


@dataclass(frozen=True)
class TestSet:
    """A test set, the predictions found for it, and the predictions that match no label."""

    __test__ = False  # else pytest takes the class for a test

    title: str
    labels: str
    predictions: Path
    cases: list[ExpectedCase]
    unmatched: list[Path]
    prepared: bool
    phantom: bool
    fingerprint: str
    corruption: CorruptedBy | None = None
    kind: str | None = None
    """For a corrupted folder, the recipe's name for the kind."""
    untested: tuple[Path, ...] = ()
    """The unmatched predictions that are of training and validation subjects."""

    @property
    def without_folder(self) -> bool:
        """Whether there is no folder of predictions at all."""
        return not self.predictions.is_dir()


def find_test_sets(
    predictions: Path,
    labels: Path,
    *,
    output: str,
    title: str | None = None,
    label_map: str | None = None,
    case: str | None = None,
    corrupted: Path | None = None,
    only: Collection[str] | None = None,
) -> list[TestSet]:
    """The test sets in ``labels``, each with its predictions.

    Args:
        predictions: folder with a subfolder for each set. A subfolder has the name of the set,
            ``clean`` for the set that is not corrupted, or only the kind if no other set has this
            kind. Predictions of a single set may also lie directly in the folder.
        labels: a data folder, a prepared set, or a plain folder of label files.
        output: name of the output; predictions may have it as an ending, as written by `coopbench
            evaluate --save-predictions`.
        title: title of a plain folder as a test set; None: the folder's name.
        label_map: for a plain folder, the meaning of its label values.
        case: for a plain folder, the regular expression for subject and frame.
        corrupted: folder written by 'coopbench corrupt IMAGES OUT' from the images of a plain
            folder's labels; each kind in it becomes a test set too.
        only: names of the prepared sets to use in a data folder; None: all.

    Raises:
        CoopbenchError: there is no label, two files are the same case, or no prediction matches.
        UsageError: an option is wrong, or cannot be used with prepared sets.
    """
    endings = (*ENDINGS, f"_{output.replace('+', '-')}")
    datasets = _prepared_sets(labels)
    if datasets:
        plain = {
            "--test-set": title,
            "--label-map": label_map,
            "--case": case,
            "--corrupted": corrupted,
        }
        for option, value in plain.items():
            if value is not None:
                raise UsageError(
                    f"{option}: works with a plain folder of labels only; {labels} holds prepared "
                    "sets, whose records already have this information"
                )
        single = len(datasets) == 1
        datasets = [one for one in datasets if only is None or one.name in only]
        kinds = Counter(dataset.kind for dataset in datasets)
        found = []
        for one in datasets:
            # The published set keeps the plain names, even if other sets have the same kinds.
            alone = kinds[one.kind] == 1 or one.title == one.kind
            names = (one.name, one.kind) if alone else (one.name,)
            if one.corruption is None and (single or one.name == CLEAN_SET):
                names = (*names, CLEAN)
            found.append(_prepared_set(one, predictions, names, endings, single))
        _check_folders(found, datasets, labels, predictions, endings)
    else:
        plain_labels = _plain_labels(labels, title, label_map, case)
        if corrupted is None:
            folder = _first_folder(predictions, (plain_labels.title, CLEAN))
            found = [_plain_set(plain_labels, folder or predictions, endings)]
        else:
            names = (CLEAN, plain_labels.title) if title is None else (title, CLEAN)
            clean = _first_folder(predictions, names) or predictions / names[0]
            found = _corrupted_sets(plain_labels, corrupted, predictions, clean, endings)
    _check_matches(found)
    return found


def _prepared_sets(labels: Path) -> list[Dataset]:
    """The prepared sets in a folder, or the folder itself if it is one; empty for a plain
    folder."""
    # Other frameworks also have files of this name; nnU-Net has one beside its labelsTr.
    for path in (labels / "dataset.json", *labels.glob("*/dataset.json")):
        if path.is_file():
            record = read_json(path)
            if not isinstance(record, dict) or "format" not in record:
                raise CoopbenchError(
                    f"{path}: is not a prepared set of coopbench; to score against a plain "
                    f"folder of "
                    "label files, give that folder itself (such as nnU-Net's labelsTs)"
                )
    if (labels / "dataset.json").is_file():
        return [read_dataset(labels)]
    if not any(find_datasets(labels)):
        return []
    return all_datasets(labels)


def _prepared_set(
    dataset: Dataset,
    predictions: Path,
    names: Sequence[str],
    endings: Sequence[str],
    single: bool,
) -> TestSet:
    cases = evaluated_cases(dataset)
    folder = _first_folder(predictions, names) or (
        predictions if single else predictions / names[0]
    )
    found = as_acquired(find_cases(folder, endings, "prediction"))
    untested = _untested(dataset)
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
        fingerprint=cases_fingerprint(dataset),
        untested=tuple(path for key, path in found.items() if key in untested),
    )


def _first_folder(predictions: Path, names: Sequence[str]) -> Path | None:
    """The first of these folders in ``predictions`` that exists."""
    folders = (predictions / name for name in names)
    return next((folder for folder in folders if folder.is_dir()), None)


def _untested(dataset: Dataset) -> frozenset[Key]:
    """The training and validation cases of a set, which are not scored."""
    subjects = {case.subject for case in evaluated_cases(dataset)}
    return frozenset(
        Key(case_key(Path(case.folder) / frame).case, case.draw)
        for case in dataset.cases
        if case.subject not in subjects
        for frame in case.frames
    )


def _check_folders(
    found: Sequence[TestSet],
    datasets: Sequence[Dataset],
    labels: Path,
    predictions: Path,
    endings: Sequence[str],
) -> None:
    """Check that several sets have a folder of predictions each.

    Raises:
        UsageError: there are predictions, but no folders; the message names the set that fits best.
    """
    if len(found) < 2 or not all(one.without_folder for one in found):
        return
    keys = set(as_acquired(find_cases(predictions, endings, "prediction")))
    if not keys:
        return
    tested = ({case.key for case in one.cases} for one in found)
    fits = [
        len(keys & (of_set | _untested(dataset)))
        for of_set, dataset in zip(tested, datasets, strict=True)
    ]
    best = datasets[fits.index(max(fits))]
    raise UsageError(
        f"{predictions}: has no folder for any of the {len(found)} sets in {labels}; if these are "
        f"predictions of {best.title}, give {best.root} as LABELS"
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
    """The labels in a plain folder, and how to read them."""

    folder: Path
    title: str
    files: Mapping[Key, Path]
    numbering: Mapping[int, int]
    pattern: re.Pattern[str]
    fingerprint: str


def _plain_labels(
    labels: Path, title: str | None, label_map: str | None, case: str | None
) -> _PlainLabels:
    files = find_cases(labels, role="label")
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
        raise UsageError("--test-set: give the test set a title")
    checksums = {path.relative_to(labels).as_posix(): sha256(path) for path in files.values()}
    pattern = case_pattern(CASE if case is None else case)
    return _PlainLabels(labels, name, files, numbering, pattern, digest(checksums))


def _plain_set(labels: _PlainLabels, predictions: Path, endings: Sequence[str]) -> TestSet:
    found = as_acquired(find_cases(predictions, endings, "prediction"))
    expected = _plain_cases(labels.title, labels, label_of_each(labels.files, found), found)
    return _set_of_plain_labels(labels, labels.title, predictions, found, expected)


def _set_of_plain_labels(
    labels: _PlainLabels,
    title: str,
    predictions: Path,
    found: Mapping[Key, Path],
    expected: list[ExpectedCase],
) -> TestSet:
    return TestSet(
        title=title,
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
    """The clean set, whose predictions have their own folder, and the set of each kind of
    corruption.

    Raises:
        CoopbenchError: ``corrupted`` has no manifest that can be used.
        UsageError: the manifest is of a prepared set, or a kind has the name of the clean set.
    """
    manifest = read_manifest(corrupted)
    if manifest.layout == "prepared":
        raise UsageError(
            f"--corrupted {corrupted}: was made from a prepared set, whose records suffice; "
            "give the data folder as LABELS, and leave --corrupted out"
        )
    kinds: dict[str, list[VolumeRecord]] = {}
    for volume in manifest.volumes:
        kinds.setdefault(volume.kind, []).append(volume)
    if taken := {labels.title, clean.name} & set(kinds):
        raise UsageError(
            f"--corrupted {corrupted}: has a kind called {taken.pop()}, like the clean set or "
            "its folder; give another --test-set"
        )
    recipe = recipe_again(manifest.recipe.name, manifest.recipe.definition)
    found = [_plain_set(labels, clean, endings)]
    for kind, volumes in kinds.items():
        family, severity = recipe.family(kind)
        made_by = CorruptedBy(
            recipe=manifest.recipe.name,
            version=manifest.recipe.version,
            kind=family,
            severity=severity,
            clean=labels.title,
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
    title = corruption.made_by.title(kind)
    images = [case_key(Path(volume.file).relative_to(kind)) for volume in volumes]
    found = as_acquired(find_cases(predictions, endings, "prediction"))
    expected = _plain_cases(title, labels, label_of_each(labels.files, images), found)
    made = {volume.file: volume.voxels for volume in volumes}
    return replace(
        _set_of_plain_labels(labels, title, predictions, found, expected),
        fingerprint=digest({"labels": labels.fingerprint, "images": made}),
        corruption=corruption,
        kind=kind,
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
    """Refuse a set of which no prediction matches: the names are wrong, the files not missing.

    Raises:
        CoopbenchError: there is such a set, or there is no prediction at all.
    """
    for one in sets:
        twice = next((case for case in one.cases if _is_own_label(case)), None)
        if twice is not None:
            raise CoopbenchError(
                f"{twice.prediction}: counts both as label and as prediction of case "
                f"{twice.key}; if both lie in one folder, let their names end in _gt and _pred"
            )
        if one.unmatched and all(case.prediction is None for case in one.cases):
            if len(one.untested) == len(one.unmatched):
                raise CoopbenchError(
                    f"{one.predictions}: all {len(one.unmatched)} predictions are of training or "
                    f"validation subjects of {one.title}; predict its test subjects, such as case "
                    f"'{one.cases[0].key}'"
                )
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


def _is_own_label(case: ExpectedCase) -> bool:
    label = case.label
    if case.prediction is None or not isinstance(label, LabelFile):
        return False
    return case.prediction.resolve() == label.path.resolve()


def unmatched_line(one: TestSet) -> str | None:
    """A warning on predictions that match no label of a set, or None."""
    lines = []
    if one.untested:
        lines.append(
            f"{len(one.untested)} of training or validation subjects of {one.title} left out; "
            "only test subjects are scored"
        )
    other = [path for path in one.unmatched if path not in set(one.untested)]
    if other:
        names = [path.relative_to(one.predictions).as_posix() for path in other[:3]]
        more = ", …" if len(other) > len(names) else ""
        matches = "prediction matches" if len(other) == 1 else "predictions match"
        lines.append(f"{len(other)} {matches} no label of {one.title} ({', '.join(names)}{more})")
    return f"warning: {one.predictions}: {'; '.join(lines)}" if lines else None
