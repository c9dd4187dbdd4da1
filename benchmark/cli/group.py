"""The group of commands, which reports a fault in one line, without a traceback."""

import os
import sys
import traceback
from contextlib import suppress
from typing import IO, Any

import click

from benchmark import __version__
from benchmark.cli.debug import add_debug_option, debug_asked, debug_option
from benchmark.cli.options import examples
from benchmark.core.errors import CoopbenchError, UsageError, printable
from benchmark.core.memory import is_out_of_memory
from benchmark.core.streams import give_up_output

KEEPING = ("prepare", "phantom", "corrupt", "train", "evaluate", "convert", "report", "study")
"""The commands that continue where they were stopped."""


class Fault(click.ClickException):
    """A fault in one line, without a traceback."""

    debug = False
    """Whether the traceback is to be shown before the line."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it to standard error."""
        with suppress(OSError):  # standard error is full or broken; the exit code still tells
            if self.debug and self.__cause__ is not None:
                click.echo("".join(traceback.format_exception(self.__cause__)), err=True)
                click.echo(getattr(self.__cause__, "details", ""), err=True)
            click.echo(f"coopbench: {self.format_message()}", err=True)


class UsageFault(Fault):
    """The command or its options are wrong."""

    exit_code = 2


class Interruption(Fault):
    """Stopped by Ctrl-C, or by a scheduler."""

    exit_code = 130  # as in shells


class Commands(click.Group):
    """Turns a user's mistakes into one line: exit code 2 for usage, 1 for failure."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, and the option ``--debug`` to it."""
        add_debug_option(cmd)
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a user's mistake ends in a `Fault`."""
        try:
            return self._invoke(ctx)
        except Fault as fault:
            fault.debug = debug_asked(ctx)
            raise

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise UsageFault(str(error)) from error
        except CoopbenchError as error:
            raise Fault(str(error)) from error
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            if error.filename:
                place = os.fsdecode(error.filename)
            else:  # errors on files have a name; without one, it is a stream
                place = "standard output"
                give_up_output()
            raise Fault(printable(f"{place}: {error.strerror or error}")) from error
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            said = " ".join(str(error).split())[:200]
            raise Fault(
                printable(
                    f"out of memory ({said or type(error).__name__}); take fewer --workers or "
                    "--jobs, or a smaller --set batch=… or crop=…"
                )
            ) from error
        except KeyboardInterrupt as error:
            keeps = ctx.invoked_subcommand in KEEPING
            kept = "finished work is kept; continue with"
            truth = kept if keeps else "nothing is kept; start again with"
            command = printable(" ".join(["coopbench", *sys.argv[1:]]))
            raise Interruption(f"interrupted; {truth}: {command}") from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order in which `benchmark.cli` adds them."""
        return list(self.commands)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "coopbench train --method proposed      # on the built-in phantom, if there are no data",
        "coopbench corrupt",
        "coopbench report",
        "coopbench prepare acdc ~/ACDC          # the same on ACDC, into ./data",
        "coopbench study --methods standard,proposed --repeats 0,1,2",
    ),
)
@debug_option
@click.version_option(__version__, prog_name="coopbench")
def cli() -> None:
    """Benchmark cardiac MR segmentation: training, corrupted test sets, scores, tables."""
