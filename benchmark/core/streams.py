"""Standard output and error, closed or full (`benchmark.core.output` has the encodings)."""

import contextlib
import os
import sys
from collections.abc import Iterator

from benchmark.core.errors import printable


def settle_streams() -> None:
    """Make all three standard streams usable; to be called once, at the start of the program.

    One that is closed goes nowhere: the next file that is opened would take its place, and be
    written into by whoever writes to standard output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:  # the lowest that is free is the first that is closed
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def say(line: str) -> None:
    """A line on what is going on, on standard error; the work goes on where it cannot be said."""
    with contextlib.suppress(OSError, ValueError):  # full, gone, or closed
        print(printable(line), file=sys.stderr, flush=True)


def show(text: str) -> None:
    """A result, on standard output; what is no line break and cannot be printed is escaped.

    Raises:
        OSError: it cannot be written.
    """
    print("\n".join(map(printable, text.split("\n"))), flush=True)


@contextlib.contextmanager
def muted_errors() -> Iterator[None]:
    """While something is imported that has its own lines on standard error, also by its children.

    matplotlib and fontconfig complain there of caches that cannot be written, which costs time and
    nothing else. Exceptions pass as ever.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def give_up_output() -> None:
    """Have what is left in the buffer of standard output go nowhere, where it cannot be written.

    At its end Python would try again, complain, and exit with a code of its own.
    """
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
