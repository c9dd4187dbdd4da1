"""Lock a folder for one process; the system releases the lock if the process dies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import remove_leftovers, removed_meanwhile

LOCK = ".lock"
FOREVER = -1.0
"""Value of ``patience`` to wait without limit."""


@contextmanager
def folder_lock(
    folder: Path,
    doing: str,
    *,
    patience: float = 0.0,
    of: str | None = None,
    deep: bool = True,
) -> Iterator[None]:
    """Context in which only this process writes into ``folder``.

    The lock is the operating system's, on the open file ``.lock``. It ends with the process,
    however that ends, so a remaining lock file does no harm. Unfinished files of killed processes
    are removed.

    Args:
        folder: created if it does not exist.
        doing: what another process would be doing in the folder, for the message.
        patience: seconds to wait for the other process, or `FOREVER`.
        of: lock only files with this name and any suffix; other processes may write other files.
        deep: lock subfolders as well.

    Raises:
        CoopbenchError: another process is working in the folder; or, at the end, the folder was
            replaced.
    """
    path = folder / (LOCK if of is None else f"{LOCK}-{of}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire(timeout=patience)
        begun = _identity(path)
    except Timeout as error:
        raise CoopbenchError(
            f"{folder}: another process is {doing} it; wait until it has finished, or choose "
            f"another folder"
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise CoopbenchError(f"{folder}: cannot write into it ({reason})") from error
    try:
        remove_leftovers(folder, of=of, deep=deep and of is None)
        yield
        if _identity(path) != begun:
            raise removed_meanwhile(folder)
    finally:
        lock.release()


def _identity(path: Path) -> tuple[int, int] | None:
    """The identity of a file, which differs for a new file of the same name; None if missing."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino
