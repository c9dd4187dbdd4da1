"""Options that several commands share, and their default values."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from benchmark.core.errors import UsageError
from benchmark.core.streams import say

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
OUTPUTS = click.Choice(["FTN", "FTN+STN"])
PRESETS = ("demo", "compact", "paper")


def examples(*lines: str) -> str:
    """Format the examples at the end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def count_workers(option: int | None) -> int:
    """The number of processes asked for, else one per core."""
    from benchmark.core.parallel import default_workers

    return option or default_workers()


def locate_data(option: Path | None) -> Path:
    """Find the data folder, and print one line that says which it is."""
    from benchmark.cli.location import find_data

    location = find_data(option, workers=count_workers(None))
    say(location.line)
    return location.folder


def split_names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Callback of an option that takes ``a,b,c``."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else ()


def split_repeats(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, ...]:
    """Callback of an option that takes repeats as ``0,1,2``; drops duplicates."""
    parts = split_names(ctx, parameter, value)
    if value is not None and not (parts and all(part.isdecimal() for part in parts)):
        raise UsageError(f"--repeats {','.join(parts)}: give whole numbers, as 0,1,2")
    return tuple(dict.fromkeys(map(int, parts)))


def printable_title(text: str, option: str) -> str:
    """Check the name that tables print for a row, and strip it.

    Raises:
        UsageError: it is empty, or has several lines.
    """
    if not text.strip() or not text.isprintable():
        raise UsageError(f"{option}: give a title of one line")
    return text.strip()


def split_titles(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """Callback of an option that takes ``NAME=TITLE``, several times."""
    titles = {}
    for one in value:
        name, equals, title = one.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--title {one}: write NAME=TITLE, as --title hard='Proposed (hard)'")
        titles[name.strip()] = printable_title(title, f"--title {name}=")
    return titles


def print_width(_: click.Context, __: click.Parameter, value: str) -> float:
    """Callback of an option that takes the width of a page by name, or in mm."""
    from results.tables.latex_layout import WIDTHS

    try:
        width = WIDTHS[value] if value in WIDTHS else float(value)
    except ValueError:
        width = 0.0
    if not 50 <= width <= 1000:
        raise UsageError(
            f"--width {value}: give {', '.join(WIDTHS)}, or mm of 50 or more, as --width 122"
        )
    return width


class RenamedOption(click.Option):
    """An option that also accepts its former name; the help shows only the new one.

    Args:
        formerly: the former name, with its dashes.
    """

    def __init__(self, declared: Sequence[str], *, formerly: str, **attributes: Any) -> None:
        super().__init__([*declared, formerly], **attributes)
        self.formerly = formerly

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The current names and the help text."""
        every = self.opts
        self.opts = [name for name in every if name != self.formerly]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = every


data_option = click.option(
    "--data",
    type=FOLDER,
    help="Folder of prepared sets.  [default: $COOPBENCH_DATA, else ./data, else the phantom]",
)
runs_option = click.option(
    "--runs", type=FOLDER, default=Path("runs"), show_default=True, help="Folder of runs."
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to compute; auto takes a GPU where there is one.",
)
preset_option = click.option(
    "--preset",
    type=click.Choice(PRESETS),
    help="paper: the protocol; compact: for a CPU; demo: for the phantom.  "
    "[default: demo on the phantom, else paper on a GPU, else compact]",
)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting of the harness or of the method; may be repeated. VALUE: a number, "
    "true, false, text, or a list, as --set 'kernels=[1, 3]' (quoted, for the shell). "
    "'coopbench methods NAME' lists the keys.",
)
methods_option = click.option(
    "--methods", callback=split_names, help="Names, with commas between.  [default: all]"
)
report_option = click.option(
    "--out", type=FOLDER, help="Folder to write to.  [default: report/<data>-<preset>]"
)
deterministic_option = click.option(
    "--deterministic",
    is_flag=True,
    help="Give the same bytes again on a GPU too, but slower; on a CPU, this always holds.",
)
keep_state_option = click.option(
    "--keep-state/--drop-state",
    default=True,
    help="Keep the state from which a finished run can be trained further.  [default: keep]",
)


def on_change_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for runs trained by an earlier version of their method's code."""
    for flag, text in (
        (
            "keep",
            "Keep runs trained by an earlier version of their method's code; reports mark them.",
        ),
        ("retrain", "Train runs again where the code of their method has changed since."),
    ):
        command = click.option(f"--{flag}", "on_change", flag_value=flag, help=text)(command)
    return command


workers_option = click.option(
    "--workers", type=click.IntRange(1), help="Processes.  [default: one per core]"
)
skip_bad_option = click.option(
    "--skip-bad", is_flag=True, help="Leave out broken files, name and count them, and go on."
)
