"""``coopbench convert``: prepared sets for other frameworks."""

from pathlib import Path

import click

from benchmark.cli.options import (
    FOLDER,
    count_workers,
    data_option,
    examples,
    locate_data,
    split_names,
    workers_option,
)
from benchmark.core.errors import UsageError
from benchmark.core.streams import show


@click.group()
def convert() -> None:
    """Hand prepared sets to other frameworks."""


@convert.command(
    "nnunet",
    epilog=examples(
        "coopbench convert nnunet nnunet-r0                  # repeat 0, every test set",
        "nnunet-r0/run.sh                                    # plan, train, predict",
        "coopbench score --nnunet nnunet-r0/predictions      # all sets into one row",
        "coopbench report --scores scores/nnU-Net.csv",
    ),
)
@click.argument("out", type=FOLDER)
@data_option
@click.option(
    "--repeat",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Repeat whose training and validation subjects are written.",
)
@click.option("--train-set", default="acdc", show_default=True, help="The set with splits.")
@click.option(
    "--sets", callback=split_names, help="Names of test sets, with commas between.  [default: all]"
)
@click.option(
    "--id",
    "nnunet_id",
    type=click.IntRange(1, 999),
    default=500,
    show_default=True,
    help="Number of the data set in nnU-Net.",
)
@workers_option
def convert_nnunet(
    out: Path,
    data: Path | None,
    repeat: int,
    train_set: str,
    sets: tuple[str, ...],
    nnunet_id: int,
    workers: int | None,
) -> None:
    """Write a raw data set of nnU-Net, test images, and a script.

    OUT/nnUNet_raw holds exactly the repeat's training and validation subjects; splits_final.json
    has these two parts as fold 0. OUT/images holds a folder for each test set, also for corrupted
    sets, with only the test subjects. OUT/run.sh plans, trains and predicts every set. It needs
    nnU-Net 2 (pip install nnunetv2). The variables CONFIGURATION, TRAINER, DEVICE and PREDICT
    choose another configuration, trainer or device, or options of the prediction.
    """
    from benchmark.conversion.nnunet import convert_nnunet
    from benchmark.data.dataset import all_datasets, read_dataset

    folder = locate_data(data)
    datasets = all_datasets(folder)
    known = [dataset.name for dataset in datasets]
    if unknown := [name for name in sets if name not in known]:
        raise UsageError(f"--sets {', '.join(unknown)}: {folder} holds {', '.join(known)}")
    lines = convert_nnunet(
        read_dataset(folder / train_set),
        [dataset for dataset in datasets if not sets or dataset.name in sets],
        out,
        repeat=repeat,
        nnunet_id=nnunet_id,
        workers=count_workers(workers),
    )
    for line in lines:
        show(line)
