"""``coopbench predict``: label maps of a user's own images."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.cli.options import (
    FILE,
    FOLDER,
    OUTPUTS,
    device_option,
    examples,
    skip_bad_option,
)
from benchmark.core.errors import CoopbenchError, UsageError, WriteError, first_lines
from benchmark.core.streams import say, show

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.inference.volume import Segmented


@click.command(
    epilog=examples(
        "coopbench predict runs/acdc-compact/proposed-r0-s40 my_scan.nii.gz",
        "coopbench predict runs/acdc-compact/proposed-r0-s40 cine.nii.gz      # all its frames",
        "coopbench predict runs/acdc-compact/proposed-r0-s40 scans --out segmented",
    )
)
@click.argument("run", type=FOLDER)
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Label map to write; for a folder of images, a folder.  [default: IMAGE_seg.nii.gz, or "
    "IMAGE_seg/, beside IMAGE]",
)
@click.option("--overwrite", is_flag=True, help="Replace label maps that exist already.")
@click.option(
    "--frame", type=click.IntRange(0), help="Segment only this frame of a 4D image, counted from 0."
)
@click.option(
    "--summary",
    type=FILE,
    help="CSV for volumes in ml.  [default: OUT/summary.csv for a folder, OUT.csv for a cine]",
)
@click.option(
    "--output",
    type=OUTPUTS,
    default="FTN+STN",
    show_default=True,
    help="Which output: the FTN's prediction, or the one refined by the STN.",
)
@skip_bad_option
@device_option
def predict(
    run: Path,
    image: Path,
    out: Path | None,
    overwrite: bool,
    frame: int | None,
    summary: Path | None,
    output: str,
    skip_bad: bool,
    device: str,
) -> None:
    """Segment your own short-axis images.

    The network of RUN segments IMAGE, in the space of IMAGE. IMAGE is a NIfTI file, 3D or a 4D
    cine, or a folder with NIfTI files at any depth (files named like label maps, with _gt or _seg,
    are left out). Any spacing, size and order of voxels will do: the image is prepared like the
    training data, its centre is segmented (262 mm wide for preset paper, 175 mm for compact), and
    the result is resampled to the image. Labels: 1 LV, 2 MYO, 3 RV.

    The summary has the volumes of each frame in ml, and the ejection fraction where ED and ES are
    known: from the names of files, from ACDC's Info.cfg, or for a cine from its largest and
    smallest LV.
    """
    from benchmark.core.device import find_device
    from benchmark.core.progress import progress_bar
    from benchmark.data.headers import doubt_lines
    from benchmark.data.nifti import frame_count
    from benchmark.inference.prediction import trained_network
    from benchmark.inference.summary import summarise, write_summary
    from benchmark.inference.volume import segment_file
    from benchmark.runs.run import open_run

    opened = open_run(run)
    where = find_device(device)
    network, precision = trained_network(opened, where)
    folder = image.is_dir()
    root = image if folder else image.parent
    targets = _folder_targets(image, out) if folder else _single_target(image, out)
    _check_targets(root, targets, overwrite=overwrite)
    frames: dict[Path, int] = {}
    faults: list[str] = []
    for below in targets:
        try:
            count = frame_count(root / below)
            if frame is not None and count is None:
                raise CoopbenchError(f"{root / below}: is 3D and has no frames; leave out --frame")
            frames[below] = 1 if frame is not None else count or 1
        except CoopbenchError as error:
            faults.append(str(error))
    if not opened.finished:
        say(f"warning: {run}: its training is not finished; its best weights so far are used")
    done: dict[Path, list[Segmented]] = {}
    with progress_bar("predict", sum(frames.values())) as advance:
        for below in frames:
            try:
                done[below] = segment_file(
                    root / below,
                    targets[below],
                    network,
                    size=opened.config.training.crop,
                    frame=frame,
                    output=output,
                    device=where,
                    precision=precision,
                    advance=advance,
                )
            except WriteError:
                raise
            except CoopbenchError as error:
                faults.append(str(error))
    for line in doubt_lines(found[0].doubt for found in done.values()):
        say(f"note: {line}")
    cine = any(len(found) > 1 for found in done.values())
    if done and (folder or cine or summary):
        table = summarise(done, root)
        first = targets[next(iter(done))]
        default = (out or _beside(image)) / "summary.csv" if folder else _csv_beside(first)
        write_summary(table, summary or default)
        show(f"{summary or default}: volumes of {len(done)} files, {len(table)} frames")
    if not folder:
        for found in done.values():
            _tell(targets[Path(image.name)], found, table if cine else None)
    if faults and not (skip_bad and done):
        some = [f"{len(faults)} of {len(targets)} images not segmented"] if folder else []
        raise CoopbenchError(*first_lines(faults), *some)
    for line in first_lines(faults):
        say(f"warning: left out: {line}")


def _beside(folder: Path) -> Path:
    """The default folder of label maps, beside ``folder``; that may be the working folder."""
    if not folder.name or folder.name == "..":
        folder = folder.resolve()
    return folder.with_name(f"{folder.name}_seg")


def _csv_beside(target: Path) -> Path:
    from benchmark.data.nifti import stem

    return target.with_name(f"{stem(target)}.csv")


def _single_target(image: Path, out: Path | None) -> dict[Path, Path]:
    from benchmark.data.nifti import is_nifti_name, stem

    target = out or image.with_name(f"{stem(image)}_seg.nii.gz")
    if not is_nifti_name(target.name):
        raise UsageError(f"--out {target}: give a name that ends in .nii.gz")
    return {Path(image.name): target}


def _folder_targets(images: Path, out: Path | None) -> dict[Path, Path]:
    """The path of the label map for each image below a folder.

    Raises:
        CoopbenchError: there is no image, or two images would get the same label map.
    """
    from benchmark.data.case_keys import role_of
    from benchmark.data.nifti import check_name, find_nifti, stem

    place = out or _beside(images)
    if place.resolve() == images.resolve():
        raise UsageError(f"--out {place}: is the folder of the images; give another folder")
    targets: dict[Path, Path] = {}
    for below in find_nifti(images):
        inside = place.resolve() in (images / below).resolve().parents
        if inside or role_of(below) not in ("image", "plain"):
            continue
        check_name(images, below)
        target = place / below.with_name(f"{stem(below)}_seg.nii.gz")
        if target in targets.values():
            raise CoopbenchError(
                f"{images / below}: another image gives the same name of the label map; rename one"
            )
        targets[below] = target
    if not targets:
        raise CoopbenchError(f"{images}: holds no NIfTI image (.nii or .nii.gz)")
    return targets


def _check_targets(root: Path, targets: dict[Path, Path], *, overwrite: bool) -> None:
    for below, target in targets.items():
        if target.resolve() == (root / below).resolve():
            raise UsageError(f"--out {target}: is the image itself; give another file")
        if target.exists() and not overwrite:
            raise UsageError(f"{target}: already exists; give another --out, or --overwrite")


def _tell(target: Path, found: "list[Segmented]", table: "pd.DataFrame | None") -> None:
    if table is None:
        parts = (f"{name} {n} ({found[0].ml[name]:.1f} ml)" for name, n in found[0].voxels.items())
        show(f"{target}: voxels of {', '.join(parts)}")
        return
    for row in table[table["phase"] != ""].to_dict("records"):
        show(
            f"{target}: frame {row['frame']} is {row['phase']} (by {row['phase_by']}), "
            f"LV {row['LV_ml']:.1f} ml, ejection fraction {row['LV_EF_percent']} %"
        )
