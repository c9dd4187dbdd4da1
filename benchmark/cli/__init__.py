"""The command ``coopbench``: a file for each of its commands.

Everything heavy is imported inside the commands, so that ``coopbench --help`` answers at once.
"""

import signal
import sys

from benchmark.cli import (
    bench,
    corrupt,
    evaluate,
    export,
    methods,
    phantom,
    predict,
    prepare,
    recalibrate,
    report,
    score,
    study,
    train,
)
from benchmark.cli.group import cli
from benchmark.core.streams import give_up_output, say, settle_streams

__all__ = ["cli", "main"]

# In the order of the work, in which ``--help`` lists them.
for command in (
    prepare.prepare,
    phantom.phantom,
    corrupt.corrupt,
    corrupt.recipes,
    methods.methods,
    methods.new_method,
    train.train,
    recalibrate.recalibrate,
    evaluate.evaluate,
    predict.predict,
    score.score,
    report.report,
    export.export,
    study.study,
    bench.bench,
):
    cli.add_command(command)


def main() -> None:
    """Entry point of the console script."""
    settle_streams()
    # Schedulers end a job by SIGTERM; it is to stop as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cli(prog_name="coopbench")
    except OSError as error:  # of help and version, which are shown outside of any command
        give_up_output()
        say(f"coopbench: standard output: {error.strerror or error}")
        sys.exit(1)
