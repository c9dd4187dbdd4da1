"""``coopbench prepare``: a challenge's raw download."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.cli.options import (
    EXISTING_FOLDER,
    FOLDER,
    count_workers,
    examples,
    skip_bad_option,
    workers_option,
)
from benchmark.core.streams import say, show

if TYPE_CHECKING:
    from benchmark.data.prepare import Prepared

_raw_argument = click.argument("raw", type=EXISTING_FOLDER)
_out_option = click.option(
    "--out",
    type=FOLDER,
    default=Path("data"),
    envvar="COOPBENCH_DATA",
    help="Folder of prepared sets.  [default: $COOPBENCH_DATA, else data]",
)


@click.group()
def prepare() -> None:
    """Prepare a challenge's raw download."""


def _finish_preparing(prepared: "Prepared") -> None:
    dataset = prepared.dataset
    for warning in prepared.warnings:
        say(f"warning: {warning}")
    kept = len(dataset.cases) - prepared.made
    show(
        f"{dataset.root}: {len(dataset.cases)} subjects of {dataset.title}"
        + (f" ({kept} were there and intact)" if kept else "")
        + (f"; {dataset.left_out} left out, broken" if dataset.left_out else "")
    )


@prepare.command(
    "acdc",
    epilog=examples("coopbench prepare acdc ~/ACDC", "coopbench prepare acdc ~/ACDC --out data"),
)
@_raw_argument
@_out_option
@skip_bad_option
@workers_option
def prepare_acdc(raw: Path, out: Path, skip_bad: bool, workers: int | None) -> None:
    """Prepare ACDC.

    RAW is the unpacked download, which holds (database/)training/patient001/Info.cfg and so on.

    ACDC is for research use, CC BY-NC-SA 4.0, which also covers what is made from it. Cite Bernard
    et al., IEEE TMI 37(11), 2018.
    """
    from benchmark.data.acdc import read_acdc
    from benchmark.data.acdc_splits import acdc_splits
    from benchmark.data.prepare import prepare

    say("ACDC: research use, CC BY-NC-SA 4.0, also of what is made from it; cite Bernard et al.")
    splits = acdc_splits()
    prepared = prepare(
        read_acdc(raw), out, workers=count_workers(workers), splits=splits, skip_bad=skip_bad
    )
    there = {case.subject for case in prepared.dataset.cases}
    missing = [subject for subject in splits.test if subject not in there]
    if missing:
        say(f"warning: {raw}: lacks the test subjects {' '.join(missing)}")
    _finish_preparing(prepared)


@prepare.command("mnms", epilog=examples("coopbench prepare mnms ~/OpenDataset"))
@_raw_argument
@_out_option
@skip_bad_option
@workers_option
def prepare_mnms(raw: Path, out: Path, skip_bad: bool, workers: int | None) -> None:
    """Prepare M&Ms.

    RAW holds the CSV of subjects and Training/Labeled/CODE/CODE_sa.nii.gz.
    """
    from benchmark.data.mnms import read_mnms
    from benchmark.data.prepare import prepare

    _finish_preparing(
        prepare(read_mnms(raw), out, workers=count_workers(workers), skip_bad=skip_bad)
    )


@prepare.command("mscmr", epilog=examples("coopbench prepare mscmr ~/MSCMR --sequence LGE"))
@_raw_argument
@_out_option
@click.option(
    "--sequence",
    type=click.Choice(["C0", "LGE", "T2"]),
    default="C0",
    show_default=True,
    help="C0 is bSSFP.",
)
@skip_bad_option
@workers_option
def prepare_mscmr(raw: Path, out: Path, sequence: str, skip_bad: bool, workers: int | None) -> None:
    """Prepare MS-CMRSeg 2019.

    RAW holds patient1_C0.nii.gz, patient1_C0_manual.nii.gz and so on, in whatever folders.
    """
    from benchmark.data.mscmr import read_mscmr
    from benchmark.data.prepare import prepare

    _finish_preparing(
        prepare(read_mscmr(raw, sequence), out, workers=count_workers(workers), skip_bad=skip_bad)
    )
