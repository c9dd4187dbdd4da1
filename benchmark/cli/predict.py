"""``coopbench predict``: a label map of one image."""

from pathlib import Path

import click

from benchmark.cli.options import FILE, FOLDER, OUTPUTS, device_option, examples
from benchmark.core.errors import UsageError
from benchmark.core.streams import say, show


@click.command(
    epilog=examples("coopbench predict runs/acdc-compact/proposed-r0-s40 my_scan.nii.gz")
)
@click.argument("run", type=FOLDER)
@click.argument("image", type=FILE)
@click.option("--out", type=FILE, help="Label map.  [default: IMAGE_seg.nii.gz beside IMAGE]")
@click.option("--overwrite", is_flag=True, help="Replace a label map that is there already.")
@click.option("--frame", type=click.IntRange(0), help="Frame, from 0, of a 4D image.")
@click.option(
    "--output",
    type=OUTPUTS,
    default="FTN+STN",
    show_default=True,
    help="The first prediction, or the refined one.",
)
@device_option
def predict(
    run: Path,
    image: Path,
    out: Path | None,
    overwrite: bool,
    frame: int | None,
    output: str,
    device: str,
) -> None:
    """Segment your own short-axis image.

    The weights of RUN label IMAGE in its own space. Any spacing and size: the image is prepared
    like the training data, its centre segmented (262 mm wide for preset paper, 175 mm for
    compact), and the result brought back. Labels: 1 LV, 2 MYO, 3 RV.
    """
    from benchmark.core.device import find_device
    from benchmark.data.labels import STRUCTURES
    from benchmark.data.nifti import stem
    from benchmark.inference.prediction import trained_network
    from benchmark.inference.volume import segment_file
    from benchmark.runs.run import open_run

    opened = open_run(run)
    where = find_device(device)
    network, precision = trained_network(opened, where)
    target = out or image.with_name(f"{stem(image)}_seg.nii.gz")
    if not target.name.endswith((".nii", ".nii.gz")):
        raise UsageError(f"--out {target}: give a name that ends in .nii.gz")
    if target.resolve() == image.resolve():
        raise UsageError(f"--out {target}: is the image itself")
    if target.exists() and not overwrite:
        raise UsageError(f"{target}: is there already; give another --out, or --overwrite")
    if not opened.finished:
        say(f"warning: {run}: its training is not finished; its best weights so far are used")
    label = segment_file(
        image,
        target,
        network,
        size=opened.config.training.crop,
        frame=frame,
        output=output,
        device=where,
        precision=precision,
    )
    counts = ", ".join(f"{name} {(label == value).sum()}" for value, name in STRUCTURES.items())
    show(f"{target}: voxels of {counts}")
