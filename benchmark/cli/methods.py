"""``coopbench methods`` and ``coopbench new-method``: what can be trained, and more of it."""

from pathlib import Path

import click

from benchmark.cli.debug import debug_asked
from benchmark.cli.options import examples


@click.command(epilog=examples("coopbench methods", "coopbench methods proposed"))
@click.argument("name", required=False)
def methods(name: str | None) -> None:
    """List what can be trained here, and what cannot be loaded, with the reason.

    With NAME, list every setting that 'coopbench train --method NAME --set KEY=VALUE' takes.
    """
    from tabulate import tabulate

    from benchmark.methods.faults import MethodError
    from benchmark.methods.registry import find_method, method_names
    from benchmark.runs.config import check_settings, describe_settings

    if name is not None:
        headers = ["key", "default (preset paper)", "meaning"]
        click.echo(tabulate(describe_settings(find_method(name)), headers=headers))
        return
    rows, broken = [], []
    for found in method_names():
        try:
            method = find_method(found)
            check_settings(method)
            rows.append((found, method.title, method.summary, method.reference))
        except MethodError as fault:
            broken.append(fault)
    click.echo(tabulate(rows, headers=["name", "in tables", "what it does", "reference"]))
    if broken:
        click.echo("\ncannot be loaded:")
    for error in broken:
        click.echo(f"  {error}")
        if debug_asked() and error.details:
            click.echo(error.details, err=True)


@click.command(
    "new-method",
    epilog=examples(
        "coopbench new-method my-mix my-mix",
        "pip install -e my-mix && coopbench train --method my-mix",
    ),
)
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def new_method(name: str, folder: Path) -> None:
    """Write a method of your own to start from.

    DIR becomes a Python package with a working method NAME, a test, and a README. Once installed
    beside coopbench, it trains, is evaluated and stands in tables like any other.
    """
    from benchmark.methods.scaffold import new_method as write

    for path in write(name, folder):
        click.echo(f"wrote {path}")
    click.echo(f"next: pip install -e {folder}, then: coopbench train --method {name}")
