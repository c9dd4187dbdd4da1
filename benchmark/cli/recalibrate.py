"""``coopbench recalibrate``: estimate the STN's batch norm again on predictions."""

from pathlib import Path

import click

from benchmark.cli.options import FOLDER, data_option, device_option, examples, locate_data
from benchmark.core.streams import show


@click.command(
    epilog=examples(
        "coopbench recalibrate runs/acdc-compact/proposed-r0-s40 --name proposed-recalibrated",
        "coopbench evaluate      # scores it beside the others",
    )
)
@click.argument("folder", type=FOLDER, metavar="RUN")
@click.option("--name", required=True, help="Name of the new run, and of its row in tables.")
@click.option(
    "--batches",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Number of training batches to average over.",
)
@data_option
@device_option
def recalibrate(folder: Path, name: str, batches: int, data: Path | None, device: str) -> None:
    """Estimate the batch norm of a finished run's STN again, on predictions.

    In training, the STN sees labels and predictions in turn, and its running statistics mix both;
    at test time, it sees only predictions. This command writes a new run beside RUN, with the same
    weights except for these statistics.
    """
    from benchmark.core.device import find_device
    from benchmark.data.dataset import read_dataset
    from benchmark.runs.run import open_run
    from benchmark.training.recalibration import recalibrate as make

    where = find_device(device)
    run = open_run(folder)
    dataset = read_dataset(locate_data(data) / run.config.training.train_set)
    made = make(run, dataset, name=name, batches=batches, device=where)
    show(f"wrote {made.folder}")
