"""``coopbench prepare folder``: any folder of images and labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.cli.options import (
    EXISTING_FOLDER,
    FILE,
    count_workers,
    examples,
    skip_bad_option,
    workers_option,
)
from benchmark.cli.prepare import finish_preparing, out_option, prepare, replace_option
from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.streams import say, show

if TYPE_CHECKING:
    from benchmark.data.dataset import Splits
    from benchmark.data.folder import FolderLayout, Matched


@prepare.command(
    "folder",
    epilog=examples(
        "coopbench prepare folder lge --name lge --images 'images/*.nii.gz' "
        "--labels 'labels/*.nii.gz' --label-map 1=LV,2=MYO,3=RV,4=MYO --dry-run",
        "coopbench prepare folder nnUNet_raw/Dataset027_ACDC --name acdc27",
        "coopbench prepare folder mnms2 --name mnms2 --images '*/*_SA_E[DS].nii.gz' "
        "--labels '*/*_SA_E[DS]_gt.nii.gz' "
        "--label-map 1=LV,2=MYO,3=RV --case '(?P<subject>\\d+)_SA_(?P<frame>ED|ES)'",
    ),
)
@click.argument("raw", type=EXISTING_FOLDER, default=Path())
@click.option("--name", required=True, help="Name of the set and of its folder, data/NAME.")
@click.option("--title", help="Title of its column in tables.  [default: NAME]")
@click.option("--images", multiple=True, metavar="GLOB", help="Images in RAW; may be repeated.")
@click.option("--labels", multiple=True, metavar="GLOB", help="Labels in RAW; may be repeated.")
@click.option(
    "--label-map",
    "--map",
    "label_map",
    metavar="VALUE=STRUCTURE,…",
    help="What the label values mean: LV, MYO, RV or background; rest=background for all others.",
)
@click.option(
    "--case",
    metavar="REGEX",
    help="Regular expression with the groups 'subject' and 'frame'.  [default: SUBJECT_FRAME, "
    "frame ED, ES or "
    "frame<N>, or SUBJECT alone]",
)
@click.option(
    "--frame",
    default="ED",
    show_default=True,
    help="Name of a frame where the files' names say nothing of it.",
)
@click.option(
    "--split",
    type=FILE,
    help="CSV with the columns subject and split (train, validation, test), and where needed "
    "repeat, ED, ES (frames of 4D files, from 0); or nnU-Net's splits_final.json.  "
    "[default: all are test subjects]",
)
@click.option(
    "--dry-run", is_flag=True, help="Only show which files belong together; write nothing."
)
@out_option
@replace_option
@skip_bad_option
@workers_option
def prepare_folder(
    raw: Path,
    name: str,
    title: str | None,
    images: tuple[str, ...],
    labels: tuple[str, ...],
    label_map: str | None,
    case: str | None,
    frame: str,
    split: Path | None,
    dry_run: bool,
    out: Path,
    replace_set: bool,
    skip_bad: bool,
    workers: int | None,
) -> None:
    """Prepare any folder of images and labels.

    RAW (the working folder unless given) holds NIfTI images and their label maps, told apart by
    --images and --labels. They are matched by case, as 'coopbench score' does it: endings such as
    _img, _gt and _0000 do not count. For an nnU-Net raw data set, only --name is needed.

    Files are 3D, or 4D; of 4D files, the frames with a label are taken.
    """
    from benchmark.core.validation import check_name
    from benchmark.data.case_keys import CASE, case_pattern
    from benchmark.data.folder import FolderLayout, match_folder
    from benchmark.data.nnunet_raw import IMAGES, LABELS, nnunet_label_map
    from benchmark.data.numbering import parse_numbering
    from benchmark.data.prepare import prepare as prepare_set
    from benchmark.data.raw import RawSet
    from benchmark.data.split_file import read_nnunet_splits, read_split_table

    check_name(name)
    if label_map is None:
        label_map = nnunet_label_map(raw)
        if label_map is not None:
            say(f"label map: {label_map}, by {raw / 'dataset.json'}")
            images, labels = images or IMAGES, labels or LABELS
    if not images or not labels:
        raise UsageError(
            "--images GLOB, --labels GLOB: missing; give both, relative to RAW, as in "
            "--images 'images/*.nii.gz'; only an nnU-Net raw data set needs neither"
        )
    if label_map is None:
        raise UsageError(
            "--label-map: missing; say what the label values mean, as in "
            "1=RV,2=MYO,3=LV,rest=background"
        )
    numbering = parse_numbering("--label-map", label_map)
    layout = FolderLayout(raw, images, labels, case_pattern(CASE if case is None else case), frame)
    splits, phases = None, None
    if split is not None and split.suffix.lower() != ".json":
        splits, phases = read_split_table(split)
    found = match_folder(layout, numbering, phases)
    subjects = {one.subject for one in found.subjects}
    if split is not None and split.suffix.lower() == ".json":
        splits = read_nnunet_splits(split, layout.pattern, subjects)
    if splits is not None:
        _check_known(split, splits, subjects)
    if found.unlabelled:
        say(f"{len(found.unlabelled)} images have no label (first {found.unlabelled[0]})")
    if dry_run:
        _show(found, layout, splits)
        return
    source = f"folder {raw.resolve().name}"
    own = RawSet(name, title or name, source, numbering, found.subjects, found.faults)
    prepared = prepare_set(
        own,
        out,
        workers=count_workers(workers),
        splits=splits,
        skip_bad=skip_bad,
        replace_set=replace_set,
    )
    finish_preparing(prepared)


def _check_known(path: Path | None, splits: "Splits", subjects: set[str]) -> None:
    used = {*splits.test}
    for one in splits.repeats.values():
        used |= {*one.train, *one.validation}
    if unknown := sorted(used - subjects):
        shown = " ".join(unknown[:5]) + (" …" if len(unknown) > 5 else "")
        raise CoopbenchError(
            f"{path}: {len(unknown)} of its subjects are not in RAW ({shown}); a subject in RAW "
            f"is called {min(subjects, default='')!r}"
        )


def _show(found: "Matched", layout: "FolderLayout", splits: "Splits | None") -> None:
    """Print a table of the matched files, and what is wrong with them.

    Raises:
        CoopbenchError: lists what is wrong.
    """
    from tabulate import tabulate

    rows: list[Sequence[object]] = []
    faults = list(found.faults)
    for one in found.subjects:
        for name, frame in one.frames.items():
            try:
                size = _size(frame.image)
            except CoopbenchError as error:
                faults.append(str(error))
                continue
            files = [str(path.relative_to(layout.root)) for path in (frame.image, frame.label)]
            index = "" if frame.index is None else frame.index
            rows.append((one.subject, name, *files, index, size, _part(one.subject, splits)))
    headers = ("subject", "frame", "image", "label", "index", "voxels, mm", "split")
    show(tabulate(rows, headers=headers, disable_numparse=True))
    show(f"{len(found.subjects)} subjects, {len(rows)} frames; nothing was written")
    if faults:
        raise CoopbenchError(*faults)


def _size(path: Path) -> str:
    from benchmark.data.nifti import read_shape

    shape, spacing = read_shape(path)
    return f"{' × '.join(map(str, shape))}, {' × '.join(f'{one:.4g}' for one in spacing)}"


def _part(subject: str, splits: "Splits | None") -> str:
    if splits is None or subject in splits.test:
        return "test"
    parts = [
        f"{part} {number}"
        for number, one in splits.repeats.items()
        for part, subjects in (("train", one.train), ("validation", one.validation))
        if subject in subjects
    ]
    return ", ".join(parts) or "none"
