"""One process at a time in a folder: a lock that the system takes back from whoever dies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import remove_leftovers, removed_meanwhile

LOCK = ".lock"
FOREVER = -1.0
"""The patience to wait as long as it takes."""


@contextmanager
def folder_lock(
    folder: Path,
    doing: str,
    *,
    patience: float = 0.0,
    of: str | None = None,
    deep: bool = True,
) -> Iterator[None]:
    """Be the only process that writes into ``folder``.

    The lock is the operating system's, on the open file ``.lock``: it ends with the process however
    that ends, so what a dead one has left is no obstacle. What a killed process has left
    half-written in the folder is removed.

    Args:
        folder: created if it does not exist.
        doing: what another process would be doing in it, for the message.
        patience: seconds to wait for the other one to finish, or `FOREVER`.
        of: write only files that are called so, with any suffix; others may be written by
            other processes.
        deep: write in the folders below as well.

    Raises:
        CoopbenchError: another process is at work in it; or, at the end, the folder is not the one
            that it was.
    """
    path = folder / (LOCK if of is None else f"{LOCK}-{of}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire(timeout=patience)
        begun = _identity(path)
    except Timeout as error:
        raise CoopbenchError(
            f"{folder}: another process is {doing} it; let it finish, or choose another folder"
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise CoopbenchError(f"{folder}: cannot be written into ({reason})") from error
    try:
        remove_leftovers(folder, of=of, deep=deep and of is None)
        yield
        if _identity(path) != begun:
            raise removed_meanwhile(folder)
    finally:
        lock.release()


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of its name; None where it does not exist."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino
