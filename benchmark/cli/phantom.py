"""``coopbench phantom``: data to try everything on."""

from pathlib import Path

import click

from benchmark.cli.options import FOLDER, count_workers, examples, workers_option
from benchmark.core.errors import UsageError
from benchmark.core.streams import show


@click.command(epilog=examples("coopbench phantom", "coopbench phantom --out phantom-data"))
@click.option("--out", type=FOLDER, help="Folder of prepared sets.  [default: the user's cache]")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other hearts.")
@workers_option
def phantom(out: Path | None, seed: int, workers: int | None) -> None:
    """Make the built-in phantom.

    Synthetic hearts of one site, and of others, so that all can be tried without data. It is
    written in the challenges' raw layouts (OUT/raw) and prepared like real data. Commands
    without --data, where there is no ./data, use the one in the cache, and make it if need be.
    """
    from benchmark.cli.location import phantom_folder
    from benchmark.phantom.phantom_set import make_phantom

    if out is None and seed:
        raise UsageError("--seed goes with --out: the phantom in the cache is that of seed 0")
    folder = out or phantom_folder()
    make_phantom(folder, seed=seed, workers=count_workers(workers))
    show(f"{folder}: the phantom, prepared as acdc (single site) and mnms (other sites)")
