"""Prepared sets in nnU-Net's layout: raw data of a repeat, test images, and the commands to run.

OUT/coopbench.json                     its origin (`benchmark.conversion.record`)
OUT/nnUNet_raw/Dataset500_acdc_r0/     dataset.json, imagesTr/007_ED_0000.nii.gz, labelsTr/...
OUT/nnUNet_preprocessed/.../splits_final.json    fold 0: the repeat's training and validation
OUT/images/acdc/, OUT/images/RandBias/, ...      the test subjects of every set
OUT/run.sh                             planning, training and prediction

The layout is that of nnU-Net 2 (Isensee et al., Nature Methods 18, 2021).
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.conversion.record import PREDICTIONS, RECORD, Converted, cases_fingerprint
from benchmark.core.errors import CoopbenchError, UsageError, first_lines
from benchmark.core.files import sha256, whole_file, write_json, write_text
from benchmark.core.lock import LOCK, folder_lock
from benchmark.core.parallel import run_parallel, split_errors
from benchmark.data.dataset import Case, Dataset, evaluated_cases, read_record, read_splits
from benchmark.data.labels import STRUCTURES
from benchmark.data.prepared import MEND

SCRIPT = "run.sh"


@dataclass(frozen=True)
class _Copy:
    """A file of a prepared set, and the path of its copy."""

    source: Path
    checksum: str
    target: Path


def dataset_name(training_set: str, repeat: int, nnunet_id: int) -> str:
    """The name of the training data in nnU-Net."""
    return f"Dataset{nnunet_id:03d}_{training_set}_r{repeat}"


def case_name(case: Case, frame: str) -> str:
    """The name of a frame in nnU-Net: ``007_ED``, ``007_draw1_ED``."""
    return "_".join((*Path(case.folder).parts, frame))


def convert_nnunet(
    training: Dataset,
    test_sets: Sequence[Dataset],
    out: Path,
    *,
    repeat: int,
    nnunet_id: int,
    workers: int,
) -> list[str]:
    """Write everything that nnU-Net needs into ``out``; files that already exist intact are kept.

    Args:
        training: the set with splits; its images and labels of the repeat's training and
            validation subjects become the raw data.
        test_sets: sets whose test subjects' images are to be predicted.
        out: created if it does not exist.
        repeat: the repeat whose subjects are written.
        nnunet_id: number of the data set in nnU-Net.
        workers: number of processes.

    Returns:
        A line for each folder or file written.

    Raises:
        UsageError: the repeat does not exist, or ``out`` holds something else.
        CoopbenchError: a file is missing, or differs from its record.
    """
    splits = read_splits(training)
    if repeat not in splits.repeats:
        known = ", ".join(map(str, sorted(splits.repeats)))
        raise UsageError(f"--repeat {repeat}: {training.root} has the repeats {known}")
    split = splits.repeats[repeat]
    record = Converted(
        data=str(training.root.parent.resolve()),
        training_set=training.name,
        repeat=repeat,
        nnunet_id=nnunet_id,
        fingerprints={one.name: cases_fingerprint(one) for one in test_sets},
    )
    _check_target(out, record)
    name = dataset_name(training.name, repeat, nnunet_id)
    raw = out / "nnUNet_raw" / name
    subjects = {"train": split.train, "val": split.validation}
    cases = {fold: training.of_subjects(own) for fold, own in subjects.items()}
    copies = [
        copy
        for own in cases.values()
        for case in own
        for frame in case.frames
        for copy in (
            _copy(training, case, frame, "img", raw / "imagesTr", "_0000"),
            _copy(training, case, frame, "seg", raw / "labelsTr", ""),
        )
    ]
    numbers: list[tuple[str, int]] = []
    for one in test_sets:
        images = list(_test_images(one, out / "images" / one.name))
        copies += images
        numbers.append((one.name, len(images)))
    with folder_lock(out, "converting into"):
        write_json(out / RECORD, record.model_dump(mode="json"))
        _copy_all(copies, workers)
        write_json(raw / "dataset.json", _description(training, sum(map(_frames, cases.values()))))
        folds = {
            fold: sorted(case_name(case, frame) for case in own for frame in case.frames)
            for fold, own in cases.items()
        }
        write_json(out / "nnUNet_preprocessed" / name / "splits_final.json", [folds])
        script = out / SCRIPT
        write_text(script, _script(name, nnunet_id, [one.name for one in test_sets]))
        script.chmod(0o755)
    return [
        f"{raw}: {_frames(cases['train'])} training and {_frames(cases['val'])} validation volumes",
        *(f"{out / 'images' / one}: {number} volumes" for one, number in numbers),
        f"next: {script}, or its commands one by one",
    ]


def _frames(cases: Sequence[Case]) -> int:
    return sum(len(case.frames) for case in cases)


def _check_target(out: Path, record: Converted) -> None:
    """Refuse a folder that is neither empty nor of the same conversion.

    Raises:
        UsageError: it holds something else.
        CoopbenchError: its record is broken.
    """
    path = out / RECORD
    if path.is_file():
        there = read_record(path, Converted)
        if there.model_copy(update={"data": record.data}) != record:
            raise UsageError(
                f"{out}: holds a conversion of other data, sets or repeat (of repeat "
                f"{there.repeat}); give another OUT"
            )
    elif out.is_dir() and any(one.name != LOCK for one in out.iterdir()):
        raise UsageError(f"{out}: holds other files; give a folder that is new or empty")


def _copy(dataset: Dataset, case: Case, frame: str, what: str, folder: Path, ending: str) -> _Copy:
    name = f"{frame}_{what}.nii.gz"
    target = folder / f"{case_name(case, frame)}{ending}.nii.gz"
    return _Copy(dataset.root / case.folder / name, case.files[name], target)


def _test_images(dataset: Dataset, folder: Path) -> Iterator[_Copy]:
    for case in evaluated_cases(dataset):
        for frame in case.frames:
            yield _copy(dataset, case, frame, "img", folder, "_0000")


def _copy_all(copies: Sequence[_Copy], workers: int) -> None:
    with run_parallel(_make, copies, title="convert", workers=workers, preload=[__name__]) as work:
        _, faults = split_errors(work)
    if faults:
        raise CoopbenchError(*first_lines(faults))


def _make(one: _Copy) -> None:
    """Copy a file, unless it already exists.

    It is a copy, not a link, so that changes of nnU-Net's files do not change the prepared set.

    Raises:
        CoopbenchError: the source is missing, or differs from its record.
    """
    if one.target.is_file() and sha256(one.target) == one.checksum:
        return
    if not one.source.is_file() or sha256(one.source) != one.checksum:
        raise CoopbenchError(
            f"{one.source}: is missing, or differs from its recorded checksum; {MEND}"
        )
    with whole_file(one.target, durable=False) as partial:
        shutil.copyfile(one.source, partial)


def _description(training: Dataset, number: int) -> dict[str, object]:
    return {
        "channel_names": {"0": "cine MRI"},
        "labels": {"background": 0} | {name: value for value, name in STRUCTURES.items()},
        "numTraining": number,
        "file_ending": ".nii.gz",
        # SimpleITK, nnU-Net's first choice, refuses some headers of M&Ms.
        "overwrite_image_reader_writer": "NibabelIO",
        "name": training.title,
        "reference": training.source,
    }


def _script(name: str, nnunet_id: int, sets: Sequence[str]) -> str:
    return f"""#!/bin/sh
# Plan, train and predict with nnU-Net 2; after an interruption it goes on by itself.
# Change what is run by variables:  DEVICE=cpu PREDICT=--disable_tta ./{SCRIPT}
set -eu
cd "$(dirname "$0")"
: "${{CONFIGURATION:=2d}}" "${{TRAINER:=nnUNetTrainer}}" "${{DEVICE:=cuda}}" "${{PREDICT:=}}"
export nnUNet_raw="$PWD/nnUNet_raw" nnUNet_preprocessed="$PWD/nnUNet_preprocessed"
export nnUNet_results="$PWD/nnUNet_results"

if [ ! -e "nnUNet_preprocessed/{name}/$CONFIGURATION.done" ]; then
  nnUNetv2_plan_and_preprocess -d {nnunet_id} -c "$CONFIGURATION" --verify_dataset_integrity
  touch "nnUNet_preprocessed/{name}/$CONFIGURATION.done"
fi

# Predictions that are there are kept, so they have to be of the same model.
model="$CONFIGURATION $TRAINER $PREDICT"
if [ -e {PREDICTIONS}.model ] && [ "$(cat {PREDICTIONS}.model)" != "$model" ]; then
  echo "{PREDICTIONS}/ is of another model ($(cat {PREDICTIONS}.model));" \\
    "move it and {PREDICTIONS}.model away" >&2
  exit 1
fi
echo "$model" > {PREDICTIONS}.model

# Fold 0 of splits_final.json: the repeat's training and validation subjects.
nnUNetv2_train {nnunet_id} "$CONFIGURATION" 0 -tr "$TRAINER" -device "$DEVICE" --c

for set in {" ".join(sets)}; do
  nnUNetv2_predict -i "images/$set" -o "{PREDICTIONS}/$set" -d {nnunet_id} \\
    -c "$CONFIGURATION" -f 0 -tr "$TRAINER" -device "$DEVICE" --continue_prediction $PREDICT
done

echo "next: coopbench score --nnunet $PWD/{PREDICTIONS}"
"""
