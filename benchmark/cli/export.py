"""``coopbench export``: finished runs without their weights."""

from pathlib import Path

import click

from benchmark.cli.options import FOLDER, examples, runs_option
from benchmark.core.errors import CoopbenchError
from benchmark.core.streams import say, show


@click.command(
    epilog=examples(
        "coopbench export shared",
        "coopbench export shared --runs runs/acdc-paper",
        "coopbench report --runs shared",
    )
)
@click.argument("out", type=FOLDER)
@runs_option
def export(out: Path, runs: Path) -> None:
    """Copy finished runs to OUT without their weights, for others.

    Copies configuration, versions and hardware, log, loss curves and scores: some hundred kilobytes
    for each run. Others with the same prepared data can make a report of the copies, or put them
    among their own runs, where a study counts them as done.
    """
    from benchmark.runs.export import export as copy
    from benchmark.runs.run import find_runs

    found = list(find_runs(runs))
    finished = [run for run in found if run.finished]
    if not finished:
        raise CoopbenchError(f"{runs}: holds no finished run; see 'coopbench train'")
    for path in copy(finished, out):
        show(f"wrote {path}")
    for run in found:
        if not run.finished:
            say(f"{run.folder}: left out, since its training is not finished")
