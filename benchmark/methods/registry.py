"""Find methods, our own and others', through the entry-point group ``coopbench.methods``."""

import difflib
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.plugins import PluginError, blamed_on, installed, only, origin

if TYPE_CHECKING:
    from benchmark.methods.method import Method

GROUP = "coopbench.methods"


def method_names() -> list[str]:
    """The names of all installed methods, sorted."""
    return sorted(_registered())


def find_method(name: str) -> "type[Method]":
    """The class registered as ``name``.

    Raises:
        UsageError: no such method is installed; the message names similar ones.
        CoopbenchError: coopbench itself is not installed.
        PluginError: its package cannot be imported, two packages register the name, or the class is
            not a `Method`.
    """
    from benchmark.methods.method import Method  # PyTorch, which the names do not need

    entry = method_entry(name)
    who = method_origin(name)
    with blamed_on(who, "its import"):
        method = entry.load()
    if not (isinstance(method, type) and issubclass(method, Method)):
        raise PluginError(f"{who}: {entry.value} is not a benchmark.methods.Method")
    _check_declaration(method, who)
    return method


def method_entry(name: str) -> EntryPoint:
    """The entry point registered as ``name``, not loaded.

    Raises:
        UsageError: no such method is installed; the message names similar ones.
        CoopbenchError: coopbench itself is not installed.
        PluginError: two packages register the name.
    """
    registered = _registered()
    if not registered:
        raise CoopbenchError(
            "coopbench is not installed in this Python, so its methods cannot be found; "
            "install it: pip install -c constraints.txt -e . (from its folder)"
        )
    if name not in registered:
        near = difflib.get_close_matches(name, registered, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "see 'coopbench methods'"
        raise UsageError(f"no method is called '{name}'; {hint}")
    entries = registered[name]
    return only("method", entries)


def method_origin(name: str) -> str:
    """Name a method with its package, as in "method 'mine' (my-package 0.1.0)"."""
    return origin("method", _registered()[name])


def _check_declaration(method: "type[Method]", who: str) -> None:
    """Check now what would otherwise fail only in the first step or in a table."""
    from benchmark.methods.method import Settings

    for part in ("title", "summary", "reference"):
        if not isinstance(getattr(method, part, None), str):
            raise PluginError(f"{who}: its class lacks '{part}', a line of text")
    settings = getattr(method, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        raise PluginError(f"{who}: its 'Settings' is not a benchmark.methods.method.Settings")
    if missing := sorted(method.__abstractmethods__):
        raise PluginError(f"{who}: its class lacks the method '{missing[0]}'")


def _registered() -> dict[str, list[EntryPoint]]:
    return installed(GROUP)
