"""Use standard output and error even if closed or full (for encodings, see
`benchmark.core.output`)."""

import contextlib
import os
import sys
from collections.abc import Iterator

from benchmark.core.errors import printable


def settle_streams() -> None:
    """Make all three standard streams usable; call this once, at the start of the program.

    A closed stream is connected to nothing. Otherwise, the next opened file would get its number,
    and texts for standard output would be written into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:  # the lowest free number is that of the first closed stream
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def say(line: str) -> None:
    """Print a line on the progress to standard error; errors in printing are ignored."""
    with contextlib.suppress(OSError, ValueError):  # full, gone, or closed
        print(printable(line), file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Print a result to standard output; characters that cannot be printed are escaped, except
    newlines.

    Raises:
        OSError: the text cannot be written.
    """
    print("\n".join(map(printable, text.split("\n"))), flush=True)


@contextlib.contextmanager
def quiet_matplotlib() -> Iterator[None]:
    """Context for an import of matplotlib, which silences standard error, also of its children.

    matplotlib and fontconfig complain about caches that cannot be written, which only costs time.
    From then on, matplotlib's log has errors only. Exceptions pass unchanged.
    """
    import logging  # imported here, since "coopbench --help" does not need it

    logging.getLogger("matplotlib").setLevel(logging.ERROR)
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
    """Discard the buffer of standard output, which cannot be written.

    Otherwise, Python would try to write it at its end, complain, and exit with another code.
    """
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
