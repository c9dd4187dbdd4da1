"""``coopbench methods`` and ``coopbench new-method``: list methods, and start one's own."""

from pathlib import Path

import click

from benchmark.cli.debug import show_broken
from benchmark.cli.options import examples
from benchmark.core.streams import show


@click.command(epilog=examples("coopbench methods", "coopbench methods proposed"))
@click.argument("name", required=False)
def methods(name: str | None) -> None:
    """List the methods, and those that cannot be loaded, with the reason.

    With NAME, list every setting that 'coopbench train --method NAME --set KEY=VALUE' takes.
    """
    from tabulate import tabulate

    from benchmark.core.plugins import PluginError
    from benchmark.methods.registry import find_method, method_names
    from benchmark.runs.config import check_settings, describe_settings

    if name is not None:
        headers = ["key", "default (preset paper)", "meaning"]
        method = find_method(name)
        check_settings(method)
        show(tabulate(describe_settings(method), headers=headers))
        return
    rows, broken = [], []
    for found in method_names():
        try:
            method = find_method(found)
            check_settings(method)
            rows.append((found, method.title, method.summary, method.reference))
        except PluginError as error:
            broken.append(error)
    show(tabulate(rows, headers=["name", "in tables", "what it does", "reference"]))
    show_broken(broken)


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
    """Write a package with a small method, as a start for your own.

    DIR becomes a Python package with a working method NAME, a test, and a README. Once it is
    installed beside coopbench, it is trained, evaluated and listed in tables like any other method.
    """
    from benchmark.methods.scaffold import new_method as write

    for path in write(name, folder):
        show(f"wrote {path}")
    show(f"next: pip install -e {folder}, then: coopbench train --method {name}")
