"""``coopbench evaluate``: scores of runs."""

from pathlib import Path

import click

from benchmark.cli.options import (
    FOLDER,
    data_option,
    device_option,
    examples,
    locate_data,
    runs_option,
    workers_option,
)
from benchmark.core.errors import CoopbenchError
from benchmark.core.streams import say, show


@click.command(
    epilog=examples(
        "coopbench evaluate",
        "coopbench evaluate runs/acdc-compact/proposed-r0-s40 --save-predictions",
    )
)
@click.argument("run", nargs=-1, type=FOLDER)
@data_option
@runs_option
@device_option
@click.option("--save-predictions", is_flag=True, help="Also write label maps, as NIfTI.")
@workers_option
def evaluate(
    run: tuple[Path, ...],
    data: Path | None,
    runs: Path,
    device: str,
    save_predictions: bool,
    workers: int | None,
) -> None:
    """Score runs on every test set.

    RUN is the folder of a run; several may be given (default: all runs in RUNS that were trained on
    DATA). Each run is scored on every prepared set in DATA. Scores of FTN and FTN+STN are written
    to RUNS/<data>-<preset>/scores.csv, and for each set into the run's folder. Scores that exist
    already are kept.
    """
    from benchmark.core.device import find_device
    from benchmark.data.dataset import all_datasets
    from benchmark.evaluation.evaluate import evaluate as score
    from benchmark.evaluation.gather import gather_groups
    from benchmark.evaluation.other_versions import not_shown
    from benchmark.runs.run import find_runs, open_run
    from benchmark.runs.selection import finished_runs

    datasets = all_datasets(locate_data(data))
    if run:
        chosen = [one for folder in run for one in list(find_runs(folder)) or [open_run(folder)]]
        known = {dataset.fingerprint for dataset in datasets}
        for one in chosen:
            if one.config.data.fingerprint not in known:
                raise CoopbenchError(
                    f"{one.folder}: was trained on other data than --data, and their scores must "
                    "not be mixed; prepare further test sets beside its training data"
                )
    else:
        selection = finished_runs(runs, datasets)
        chosen = selection.runs
        for line in selection.left_out:
            say(line)
    score(
        chosen,
        datasets,
        device=find_device(device),
        save_predictions=save_predictions,
        workers=workers,
    )
    for line in not_shown(chosen, datasets):
        say(line)
    for out, scored in gather_groups(chosen, datasets):
        show(f"{out}: {scored} runs on {', '.join(one.title for one in datasets)}")
    if save_predictions:
        show("label maps: predictions/ in each run's folder")
