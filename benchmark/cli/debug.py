"""``--debug``: of the program and of each of its commands."""

from collections.abc import Sequence
from typing import Any

import click

from benchmark.core.errors import CoopbenchError
from benchmark.core.streams import show

_KEY = "coopbench.debug"


def _note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_KEY] = True  # shared by the contexts of program and command


_OPTION: dict[str, Any] = {
    "is_flag": True,
    "expose_value": False,
    "callback": _note,
    "help": "Show the traceback of what goes wrong.",
}

debug_option = click.option("--debug", **_OPTION)
"""For a command that is made by decorators."""


def add_debug_option(command: click.Command) -> None:
    """Have a command, and all below it, take ``--debug`` as the last option."""
    command.params.append(click.Option(["--debug"], **_OPTION))
    if isinstance(command, click.Group):
        for below in command.commands.values():
            add_debug_option(below)


def debug_asked(ctx: click.Context | None = None) -> bool:
    """Whether ``--debug`` was given to the program or to its command, in this or that context."""
    return bool((ctx or click.get_current_context()).meta.get(_KEY))


def show_broken(errors: Sequence[CoopbenchError]) -> None:
    """List the plug-ins that cannot be loaded, after those that can."""
    if errors:
        show("\ncannot be loaded:")
    for error in errors:
        show(f"  {error}")
        if debug_asked() and error.details:
            click.echo(error.details, err=True)
