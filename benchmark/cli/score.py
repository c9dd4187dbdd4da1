"""``coopbench score``: label maps of any framework."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.cli.options import (
    EXISTING_FOLDER,
    FILE,
    OUTPUTS,
    RenamedOption,
    count_workers,
    examples,
    workers_option,
)
from benchmark.core.streams import say, show

if TYPE_CHECKING:
    from benchmark.evaluation.external.record import Missing


@click.command(
    epilog=examples(
        "coopbench score predictions data --name mine          # predictions/acdc/007/ED.nii.gz …",
        "coopbench score nnunet-out data/acdc --name nnU-Net --map 1=RV,2=MYO,3=LV",
        "coopbench score nnunet-out labelsTs --test-set ACDC --map 1=RV,2=MYO,3=LV "
        "--label-map 1=RV,2=MYO,3=LV",
        "coopbench score nnunet-out labelsTs --corrupted imagesTs-c    # nnunet-out/Noise-1/ …",
        "coopbench score --nnunet nnunet-r0/predictions     # after 'coopbench convert nnunet'",
        "coopbench report --scores scores/nnU-Net.csv",
    )
)
@click.argument("predictions", type=EXISTING_FOLDER)
@click.argument("labels", type=EXISTING_FOLDER, required=False)
@click.option(
    "--nnunet",
    is_flag=True,
    help="PREDICTIONS are of 'coopbench convert nnunet': LABELS, sets, repeat and name are known.",
)
@click.option(
    "--name", help="Row in tables.  [default: the name of PREDICTIONS; nnU-Net with --nnunet]"
)
@click.option(
    "--map",
    "values",
    default="1=LV,2=MYO,3=RV",
    show_default=True,
    metavar="VALUE=STRUCTURE,…",
    help="What the values in predictions mean; =background and rest=background also work.",
)
@click.option(
    "--label-map",
    metavar="VALUE=STRUCTURE,…",
    help="What the values in a plain folder of labels mean.  [default: 1=LV,2=MYO,3=RV]",
)
@click.option(
    "--probabilities",
    is_flag=True,
    help="Predictions are 4D, one channel per label value from 0; the channel with the greatest "
    "value wins.",
)
@click.option(
    "--missing",
    type=click.Choice(["fail", "zero", "skip"]),
    default="fail",
    show_default=True,
    help="If predictions are missing or broken: write nothing, count Dice 0, or leave them out.",
)
@click.option(
    "--test-set",
    "title",
    cls=RenamedOption,
    formerly="--set",
    help="Name of a plain folder of labels as a test set.  [default: the folder's name]",
)
@click.option(
    "--corrupted",
    type=EXISTING_FOLDER,
    metavar="OUT",
    help="Folder OUT of 'coopbench corrupt IMAGES OUT': score each of its kinds against the same "
    "labels.",
)
@click.option(
    "--case",
    metavar="REGEX",
    help="Regular expression with the groups 'subject' and 'frame', for a plain folder.  "
    "[default: SUBJECT_FRAME, frame ED, ES or frame<N>, or SUBJECT alone]",
)
@click.option(
    "--output",
    type=OUTPUTS,
    default="FTN",
    show_default=True,
    help="Table for the row: that of FTN, or that of FTN+STN.",
)
@click.option(
    "--repeat",
    type=click.IntRange(0),
    help="Split that the model was trained on; rows are compared only within a split.  "
    "[default: 0; with --nnunet the one converted]",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the training."
)
@click.option("--out", type=FILE, help="Scores, as CSV.  [default: scores/<name>.csv]")
@workers_option
def score(
    predictions: Path,
    labels: Path | None,
    nnunet: bool,
    name: str | None,
    values: str,
    label_map: str | None,
    probabilities: bool,
    missing: "Missing",
    title: str | None,
    corrupted: Path | None,
    case: str | None,
    output: str,
    repeat: int | None,
    seed: int,
    out: Path | None,
    workers: int | None,
) -> None:
    """Score label maps of any framework.

    PREDICTIONS holds NIfTI label maps of nnU-Net, MONAI or your own. LABELS is a data folder of
    several prepared sets, one prepared set, or a plain folder of label files. The predictions of a
    set lie in PREDICTIONS/NAME, where NAME is the set's name, or 'clean' for a set that is not
    corrupted. For a single set, they may also lie in PREDICTIONS itself. Prepared sets are scored
    on the centre 192 × 192, like our own runs; plain folders on whole volumes.

    Files are matched by case: 007/draw1/ED_seg.nii.gz, 007_draw1_ED.nii.gz and
    draw1/007_ED.nii.gz are the same; _0000, _img, _seg, _gt, _label, _pred, _trans and the like at
    the end of a name do not count, nor do image_, label_ or pred_ before it, nor a folder of the
    same name (MONAI) or fold_N/validation (nnU-Net). Where labels and predictions lie in one
    folder, such endings tell them apart. A label without a draw serves all draws.

    With --corrupted, LABELS is a plain folder, and PREDICTIONS holds a folder for each kind, named
    as in OUT, and one for the clean images. Recipe, kinds and severities are stored with the
    scores, so that the report has tables of robustness.

    With --nnunet, PREDICTIONS is the folder 'predictions' beside the images that 'coopbench convert
    nnunet' wrote. All converted sets are scored into one row, against the prepared data that they
    were made from (give LABELS if these have moved).

    The scores have the columns of 'coopbench evaluate', with their provenance as .json beside them.
    'coopbench report --scores FILE' takes them into the table.
    """
    from benchmark.core.errors import UsageError
    from benchmark.core.lock import folder_lock
    from benchmark.core.validation import check_name
    from benchmark.data.numbering import parse_numbering
    from benchmark.evaluation.external.converted import check_converted
    from benchmark.evaluation.external.matching import find_test_sets, unmatched_line
    from benchmark.evaluation.external.score_file import check_target, write_scores
    from benchmark.evaluation.external.scoring import Row, score_predictions

    only = None
    if nnunet:
        predictions, labels, converted = check_converted(predictions, labels, repeat)
        name, repeat, only = name or "nnU-Net", converted.repeat, converted.fingerprints
    elif labels is None:
        raise UsageError(
            "LABELS is missing: give the data folder, a prepared set, or a folder of label "
            "files; only with --nnunet, after 'coopbench convert nnunet', is it not needed"
        )
    row = Row(check_name(name or predictions.resolve().name), repeat or 0, seed, output)
    numbering = parse_numbering("--map", values)
    sets = find_test_sets(
        predictions,
        labels,
        output=output,
        title=title,
        label_map=label_map,
        case=case,
        corrupted=corrupted,
        only=only,
    )
    target = out or Path("scores") / f"{row.name}.csv"
    check_target(target, row, [one.title for one in sets])
    for line in filter(None, map(unmatched_line, sets)):
        say(line)
    scored = score_predictions(
        sets,
        predictions,
        row,
        numbering=numbering,
        missing=missing,
        probabilities=probabilities,
        options={
            "map": values,
            "label_map": label_map,
            "probabilities": "argmax" if probabilities else None,
            "set": title,
            "case": case,
            "corrupted": corrupted.resolve().name if corrupted else None,
        },
        workers=count_workers(workers),
    )
    for line in scored.faults:
        say(f"warning: {line}")
    with folder_lock(target.parent, "writing scores in", of=target.stem):
        write_scores(scored, target)
    for line in scored.summary:
        show(line)
    show(f"wrote {target}; next: coopbench report --scores {target}")
