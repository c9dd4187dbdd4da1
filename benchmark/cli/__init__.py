"""The command ``coopbench``: a file for each of its commands.

Everything heavy is imported inside the commands, so that ``coopbench --help`` answers at once.
"""

import signal

from benchmark.cli import (
    bench,
    convert,
    corrupt,
    evaluate,
    export,
    methods,
    phantom,
    predict,
    prepare,
    report,
    score,
    study,
    train,
)
from benchmark.cli.group import cli

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
    # Schedulers end a job by SIGTERM; it is to stop as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cli(prog_name="coopbench")
