"""Read and write files; files are written whole or not at all."""

import errno
import glob
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmark.core.errors import CoopbenchError, WriteError
from benchmark.core.parsing import parse_json
from benchmark.core.text import read_text

PARTIAL = ".partial-"
"""Beginning of the names of unfinished files."""


def _beside(path: Path) -> Path:
    """A unique temporary name beside ``path``; it keeps the suffixes, which nibabel needs."""
    return path.with_name(f"{PARTIAL}{uuid.uuid4().hex[:12]}-{path.name}")


@contextmanager
def _appearing(path: Path, partial: Path, *, durable: bool) -> Iterator[None]:
    """Context that on success renames ``partial`` to ``path``; on error, deletes it.

    The folder is made if needed. With ``durable``, the content is on the disk before the file is
    renamed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
        if durable:
            with partial.open("rb") as written:
                os.fsync(written.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path, *, of: str | None = None, deep: bool = True) -> None:
    """Remove unfinished files of killed processes; the caller must hold the lock of these files.

    Args:
        folder: the folder to clean.
        of: only for files with this name and any suffix.
        deep: also in subfolders.
    """
    pattern = f"{PARTIAL}*" if of is None else f"{_leftovers_of(of)}.*"
    for path in sorted((folder.rglob if deep else folder.glob)(pattern)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _leftovers_of(name: str) -> str:
    """The pattern of the temporary names of a file or folder."""
    return f"{PARTIAL}{'?' * 12}-{glob.escape(name)}"


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it on success, delete it on error.

    ``durable`` waits until the disk has the content, so that even a power failure leaves no
    incomplete file. Volumes do not need this: they have checksums and are made again if broken, and
    waiting for the disk takes longer than making a volume.

    Raises:
        WriteError: the file cannot be written: the disk is full, the folder is read-only, and so
            on.
        CoopbenchError: its name is too long.
    """
    partial = _beside(path)
    try:
        with _appearing(path, partial, durable=durable):
            yield partial
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> CoopbenchError:
    cut = len(PARTIAL) + 13  # if the file is in an unfinished folder
    target = Path(*(part[cut:] if part.startswith(PARTIAL) else part for part in path.parts))
    kind = CoopbenchError if error.errno == errno.ENAMETOOLONG else WriteError
    return kind(
        f"{target}: cannot be written ({error.strerror or error}); finished work is kept; "
        "correct this, then run the same command to continue"
    )


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder that replaces ``path`` on success.

    Unfinished folders of killed processes with the same name are removed, so only one process may
    write ``path``.

    Raises:
        WriteError: the folder cannot be written.
        CoopbenchError: its name is too long.
    """
    partial = _beside(path)
    try:
        for left in path.parent.glob(_leftovers_of(path.name)):
            shutil.rmtree(left, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if path.exists():
            shutil.rmtree(path)
        partial.replace(path)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise _not_written(path, error) from error
        raise


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write ``text`` as UTF-8, whole or not at all; ``durable`` as in `whole_file`."""
    with whole_file(path, durable=durable) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write ``value`` as indented JSON, whole or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_text(path, text, durable=durable)


def read_json(path: Path) -> Any:
    """Read the value in a JSON file.

    Raises:
        CoopbenchError: the file is missing or not JSON, or has a key twice.
    """
    try:
        return parse_json(read_text(path))
    except ValueError as error:
        raise CoopbenchError(f"{path}: is not valid JSON ({error})") from error


def removed_meanwhile(path: Path) -> CoopbenchError:
    """The error for a written file or folder that has vanished before the end."""
    return CoopbenchError(
        f"{path}: was removed or replaced while this command wrote into it; run the command again"
    )


def check_present(paths: Iterable[Path]) -> None:
    """Check that written files still exist.

    Raises:
        CoopbenchError: a file does not exist; the message names the first one.
    """
    for path in paths:
        if not path.is_file():
            raise removed_meanwhile(path)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """Hexadecimal SHA-256 of a JSON value, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
