"""Methods and recipes, ours and other people's: found by entry points, their mistakes named."""

import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint, distributions
from typing import Any

from benchmark.core.errors import CoopbenchError
from benchmark.core.memory import is_out_of_memory


class PluginError(CoopbenchError):
    """A plug-in did what none may do; the line names it, its package, and where it happened.

    The ``details`` are its own traceback, where it raised something.
    """


@contextmanager
def blamed_on(who: str, place: str) -> Iterator[None]:
    """Whatever is raised within becomes a `PluginError`.

    What says that memory ran out goes through as it is, and so does a `CoopbenchError`.

    Args:
        who: the plug-in, as `origin` names it.
        place: where it is called, as ``step 3``.

    Raises:
        PluginError: something was raised, ``SystemExit`` included: a plug-in does not end the
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
    """The entry points of a group by name; several of one name are of different packages.

    Or of different versions. Of a package that is found twice in one version, as a checkout that is
    installed and also the current folder, the first counts, which Python imports as well.
    """
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
    """What entry points of one name are, as in "method 'mine' (my-package 0.1.0)"."""
    packages = [f"{entry.dist.name} {entry.dist.version}" for entry in entries if entry.dist]
    return f"{kind} '{entries[0].name}'" + (f" ({' and '.join(packages)})" if packages else "")


def only(kind: str, entries: Sequence[EntryPoint]) -> EntryPoint:
    """The entry point of a name.

    Raises:
        PluginError: several packages give it.
    """
    if len(entries) > 1:
        who = origin(kind, entries)
        raise PluginError(f"{who}: several packages give it; uninstall all but one of them")
    return entries[0]


def load(kind: str, entries: Sequence[EntryPoint]) -> Any:
    """What the entry points of one name stand for.

    Raises:
        PluginError: it cannot be imported, or several packages give it.
    """
    entry = only(kind, entries)
    with blamed_on(origin(kind, entries), "its import"):
        return entry.load()
