"""Errors of usage or of files, each with a message of one line per fault."""

from collections.abc import Sequence

SHOWN = 10
"""Most faults to list; the others are counted."""


def printable(text: str) -> str:
    """``text`` in one line: newlines and other characters that cannot be printed are escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def first_lines(lines: Sequence[str]) -> list[str]:
    """The first `SHOWN` lines, and the number of further ones."""
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], *([f"and {more} more"] if more > 0 else [])]


class CoopbenchError(Exception):
    """A fault that the user can correct; the message says what is wrong, where, and what to do.

    The command line prints the message without a traceback and exits with code 1.

    Args:
        lines: lines of the message; newlines within a line are escaped.
        details: further text for ``--debug``, such as a traceback from another process.
    """

    def __init__(self, *lines: str, details: str = "") -> None:
        super().__init__(*lines)
        self.details = details

    @property
    def lines(self) -> list[str]:
        """The lines of the message, escaped."""
        return [printable(line) for line in self.args]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def join_errors(errors: Sequence[CoopbenchError]) -> CoopbenchError:
    """Join several faults, with all lines and details, into one."""
    lines = [line for error in errors for line in error.args]
    return CoopbenchError(*lines, details="\n".join(e.details for e in errors if e.details))


class ScoreFileError(CoopbenchError):
    """A score file cannot be used; one line says which file, what is wrong and what to do."""


class WriteError(CoopbenchError):
    """A file cannot be written, as on a full disk; the input is not at fault."""


class UsageError(CoopbenchError):
    """The command or its options are wrong; the command line exits with code 2."""
