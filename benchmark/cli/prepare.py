"""``coopbench prepare``: prepare a challenge's raw download; `prepare_folder` prepares any other
data."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from benchmark.data.raw import Part

raw_argument = click.argument("raw", type=EXISTING_FOLDER)
out_option = click.option(
    "--out",
    type=FOLDER,
    default=Path("data"),
    envvar="COOPBENCH_DATA",
    help="Folder of prepared sets.  [default: $COOPBENCH_DATA, else data]",
)
replace_option = click.option(
    "--replace",
    "replace_set",
    is_flag=True,
    help="Replace a set of the same name that has other subjects; its files are removed.",
)


def _part_option(*parts: str) -> Any:
    return click.option(
        "--part",
        type=click.Choice(parts),
        help="Part of the challenge; each becomes a set of its own.  [default: the part in RAW, "
        "else "
        "training]",
    )


@click.group()
def prepare() -> None:
    """Prepare a challenge's raw download, or any folder of images and labels."""


def finish_preparing(prepared: "Prepared") -> None:
    """Print notes and warnings, then one line on the prepared set."""
    dataset = prepared.dataset
    for note in prepared.notes:
        say(f"note: {note}")
    for warning in prepared.warnings:
        say(f"warning: {warning}")
    kept = len(dataset.cases) - prepared.made
    show(
        f"{dataset.root}: {len(dataset.cases)} subjects of {dataset.title}"
        + (f" ({kept} already existed, intact)" if kept else "")
        + (f"; {dataset.left_out} left out, broken" if dataset.left_out else "")
    )


@prepare.command(
    "acdc",
    epilog=examples(
        "coopbench prepare acdc ~/ACDC",
        "coopbench prepare acdc ~/ACDC --part testing     # patients 101 to 150, as set acdc-test",
    ),
)
@raw_argument
@out_option
@_part_option("training", "testing")
@replace_option
@skip_bad_option
@workers_option
def prepare_acdc(
    raw: Path,
    out: Path,
    part: "Part | None",
    replace_set: bool,
    skip_bad: bool,
    workers: int | None,
) -> None:
    """Prepare ACDC.

    RAW is the unpacked download, which holds (database/)training/patient001/Info.cfg and so on. The
    testing part, patients 101 to 150, becomes a set of its own, acdc-test, with a column of its own
    in tables.

    ACDC is for research use, CC BY-NC-SA 4.0, which also covers what is made from it. Cite Bernard
    et al., IEEE TMI 37(11), 2018.
    """
    from benchmark.data.acdc import other_part, read_acdc
    from benchmark.data.acdc_splits import acdc_splits
    from benchmark.data.prepare import prepare

    say("ACDC: for research use, CC BY-NC-SA 4.0, also what is made from it; cite Bernard et al.")
    found = read_acdc(raw, part)
    splits = acdc_splits() if found.name == "acdc" else None
    prepared = prepare(
        found,
        out,
        workers=count_workers(workers),
        splits=splits,
        skip_bad=skip_bad,
        replace_set=replace_set,
    )
    there = {case.subject for case in prepared.dataset.cases}
    missing = [subject for subject in splits.test if subject not in there] if splits else []
    if missing:
        say(f"warning: {raw}: lacks the test subjects {' '.join(missing)}")
    if splits and part is None and (testing := other_part(raw)):
        say(
            f"{testing}: patients 101 to 150 are a set of their own; "
            f"coopbench prepare acdc {testing} --part testing"
        )
    finish_preparing(prepared)


@prepare.command(
    "mnms",
    epilog=examples(
        "coopbench prepare mnms ~/OpenDataset",
        "coopbench prepare mnms ~/OpenDataset --part testing     # as set mnms-test",
    ),
)
@raw_argument
@out_option
@_part_option("training", "validation", "testing")
@replace_option
@skip_bad_option
@workers_option
def prepare_mnms(
    raw: Path,
    out: Path,
    part: "Part | None",
    replace_set: bool,
    skip_bad: bool,
    workers: int | None,
) -> None:
    """Prepare M&Ms.

    RAW holds the CSV of subjects and Training/Labeled/CODE/CODE_sa.nii.gz. The validation and
    testing parts become sets of their own, mnms-validation and mnms-test, with columns of their own
    in tables.
    """
    from benchmark.data.mnms import read_mnms
    from benchmark.data.prepare import prepare

    prepared = prepare(
        read_mnms(raw, part),
        out,
        workers=count_workers(workers),
        skip_bad=skip_bad,
        replace_set=replace_set,
    )
    finish_preparing(prepared)


@prepare.command("mscmr", epilog=examples("coopbench prepare mscmr ~/MSCMR --sequence LGE"))
@raw_argument
@out_option
@click.option(
    "--sequence",
    type=click.Choice(["C0", "LGE", "T2"]),
    default="C0",
    show_default=True,
    help="MR sequence; C0 is bSSFP.",
)
@replace_option
@skip_bad_option
@workers_option
def prepare_mscmr(
    raw: Path,
    out: Path,
    sequence: str,
    replace_set: bool,
    skip_bad: bool,
    workers: int | None,
) -> None:
    """Prepare MS-CMRSeg 2019.

    RAW holds patient1_C0.nii.gz, patient1_C0_manual.nii.gz and so on, in any folders.
    """
    from benchmark.data.mscmr import read_mscmr
    from benchmark.data.prepare import prepare

    prepared = prepare(
        read_mscmr(raw, sequence),
        out,
        workers=count_workers(workers),
        skip_bad=skip_bad,
        replace_set=replace_set,
    )
    finish_preparing(prepared)
