"""``coopbench phantom``: synthetic data to try everything on."""

from pathlib import Path

import click

from benchmark.cli.options import FOLDER, count_workers, examples, workers_option
from benchmark.core.errors import UsageError
from benchmark.core.streams import show


@click.command(epilog=examples("coopbench phantom", "coopbench phantom --out phantom-data"))
@click.option("--out", type=FOLDER, help="Folder of prepared sets.  [default: the user's cache]")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Other seeds draw other hearts."
)
@workers_option
def phantom(out: Path | None, seed: int, workers: int | None) -> None:
    """Make the built-in phantom.

    It has synthetic hearts of one site, and of other sites, so that everything can be tried without
    real data. It is written in the challenges' raw layouts (OUT/raw) and prepared like real data.
    Commands without --data, where ./data does not exist, use the phantom in the cache, and make it
    where needed.
    """
    from benchmark.cli.location import phantom_folder
    from benchmark.phantom.phantom_set import make_phantom

    if out is None and seed:
        raise UsageError("--seed goes with --out: the phantom in the cache always has seed 0")
    folder = out or phantom_folder()
    make_phantom(folder, seed=seed, workers=count_workers(workers))
    show(f"{folder}: the phantom, prepared as acdc (single site) and mnms (other sites)")
