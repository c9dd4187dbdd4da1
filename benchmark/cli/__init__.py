"""The command ``coopbench``: one file here for each subcommand.

Everything heavy is imported inside the commands, so that ``coopbench --help`` answers at once.
"""

import signal
import sys

from benchmark.cli import (
    bench,
    convert,
    corrupt,
    evaluate,
    export,
    methods,
    phantom,
    predict,
    prepare_folder,
    recalibrate,
    report,
    score,
    study,
    train,
)
from benchmark.cli.group import cli
from benchmark.core.output import write_readably
from benchmark.core.streams import give_up_output, say, settle_streams

__all__ = ["cli", "main"]

# In the order of the work; ``--help`` lists them in the same order.
for command in (
    prepare_folder.prepare,
    phantom.phantom,
    corrupt.corrupt,
    corrupt.recipes,
    methods.methods,
    methods.new_method,
    train.train,
    recalibrate.recalibrate,
    evaluate.evaluate,
    predict.predict,
    convert.convert,
    score.score,
    report.report,
    export.export,
    study.study,
    bench.bench,
):
    cli.add_command(command)


def main() -> None:
    """Entry point of the console script."""
    if sys.platform == "win32":
        sys.exit(
            "coopbench runs on Linux and macOS, not on Windows; "
            "try the Windows Subsystem for Linux: wsl --install"
        )
    settle_streams()
    write_readably()
    # Schedulers end a job by SIGTERM; treat it like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cli(prog_name="coopbench")
    except OSError as error:  # from --help or --version, which run outside of any subcommand
        give_up_output()
        say(f"coopbench: standard output: {error.strerror or error}")
        sys.exit(1)
