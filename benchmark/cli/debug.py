"""The option ``--debug``, which the program and each of its commands take."""

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
"""Decorator that adds ``--debug`` to a command."""


def add_debug_option(command: click.Command) -> None:
    """Add ``--debug`` as the last option to a command and all its subcommands."""
    command.params.append(click.Option(["--debug"], **_OPTION))
    if isinstance(command, click.Group):
        for below in command.commands.values():
            add_debug_option(below)


def debug_asked(ctx: click.Context | None = None) -> bool:
    """Whether ``--debug`` was given, before or after the command's name."""
    return bool((ctx or click.get_current_context()).meta.get(_KEY))


def show_broken(errors: Sequence[CoopbenchError]) -> None:
    """List the plug-ins that cannot be loaded, after those that can."""
    if errors:
        show("\ncannot be loaded:")
    for error in errors:
        show(f"  {error}")
        if debug_asked() and error.details:
            click.echo(error.details, err=True)
