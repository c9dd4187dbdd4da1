"""Find methods and recipes, our own and others', by entry points, and report their mistakes."""

import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from typing import Any

from benchmark.core.errors import CoopbenchError
from benchmark.core.memory import is_out_of_memory


class PluginError(CoopbenchError):
    """A plug-in broke the rules of its interface; the message names it, its package and the place.

    The ``details`` are the traceback of its exception, if any.
    """


@contextmanager
def blamed_on(who: str, place: str) -> Iterator[None]:
    """Context in which any exception becomes a `PluginError`.

    Errors for a lack of memory and `CoopbenchError` pass unchanged.

    Args:
        who: the plug-in, as named by `origin`.
        place: the place of the call, as ``step 3``.

    Raises:
        PluginError: the plug-in raised an exception, or ``SystemExit``, since it must not end the
            program.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, CoopbenchError) or is_out_of_memory(error):
            raise
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise PluginError(
            f"{who}: {place}: raised {said} (--debug shows where)",
            details="".join(traceback.format_exception(error)),
        ) from error


def installed(group: str) -> dict[str, list[EntryPoint]]:
    """The entry points of a group by name; several with one name are of different packages or
    versions.

    If one version of a package is found twice, such as an installed checkout that is also the
    current folder, the first counts; Python imports the same one. The packages are looked through
    again when a folder on the path has changed.
    """
    return _installed(group, tuple(map(_folder_and_time, sys.path)))


def _folder_and_time(place: str) -> tuple[Path, int | None]:
    """A folder of the path, and when something was last added to it or removed."""
    folder = Path(place).absolute()
    try:
        return folder, folder.stat().st_mtime_ns
    except OSError:
        return folder, None


@lru_cache(maxsize=8)
def _installed(
    group: str, path: tuple[tuple[Path, int | None], ...]
) -> dict[str, list[EntryPoint]]:
    """The entry points of a group, with ``path`` as it is now."""
    found: dict[str, dict[tuple[str, str], EntryPoint]] = {}
    for package in distributions():
        entries = package.entry_points.select(group=group)
        if not entries:
            continue
        owner = re.sub(r"[-_.]+", "-", package.name).lower(), package.version
        for entry in entries:
            found.setdefault(entry.name, {}).setdefault(owner, entry)
    return {name: list(entries.values()) for name, entries in found.items()}


def origin(kind: str, entries: Sequence[EntryPoint]) -> str:
    """Describe the entry points of one name, as in "method 'mine' (my-package 0.1.0)"."""
    packages = [f"{entry.dist.name} {entry.dist.version}" for entry in entries if entry.dist]
    return f"{kind} '{entries[0].name}'" + (f" ({' and '.join(packages)})" if packages else "")


def only(kind: str, entries: Sequence[EntryPoint]) -> EntryPoint:
    """The only entry point of a name.

    Raises:
        PluginError: several packages register the name.
    """
    if len(entries) > 1:
        who = origin(kind, entries)
        raise PluginError(f"{who}: several packages register it; uninstall all but one of them")
    return entries[0]


def load(kind: str, entries: Sequence[EntryPoint]) -> Any:
    """Load the object behind the entry points of one name.

    Raises:
        PluginError: the object cannot be imported, or several packages register the name.
    """
    entry = only(kind, entries)
    with blamed_on(origin(kind, entries), "its import"):
        return entry.load()
