"""The command ``coopbench``: a file for each of its commands.

Everything heavy is imported inside the commands, so that ``coopbench --help`` answers at once.
"""

import signal

from benchmark.cli import (
    bench,
    corrupt,
    evaluate,
    export,
    methods,
    phantom,
    predict,
    prepare_folder,
    report,
    score,
    study,
    train,
)
from benchmark.cli.group import cli
from benchmark.core.output import write_readably

__all__ = ["cli", "main"]

# In the order of the work, in which ``--help`` lists them.
for command in (
    prepare_folder.prepare,
    phantom.phantom,
    corrupt.corrupt,
    corrupt.recipes,
    methods.methods,
    methods.new_method,
    train.train,
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
    # Schedulers end a job by SIGTERM; it is to stop as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    write_readably()
    cli(prog_name="coopbench")
