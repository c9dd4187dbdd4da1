"""Methods are found through the entry-point group ``coopbench.methods``, ours and others' alike."""

import difflib
from importlib.metadata import EntryPoint

from benchmark.core.errors import UsageError
from benchmark.core.plugins import PluginError, installed, load, origin
from benchmark.methods.method import Method, Settings

GROUP = "coopbench.methods"


def method_names() -> list[str]:
    """The names of all installed methods, sorted."""
    return sorted(_registered())


def find_method(name: str) -> type[Method]:
    """The class registered as ``name``.

    Raises:
        UsageError: no such method is installed; near matches are named.
        PluginError: its package cannot be imported, two packages give it, or it is no `Method`.
    """
    registered = _registered()
    if name not in registered:
        near = difflib.get_close_matches(name, registered, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "see 'coopbench methods'"
        raise UsageError(f"no method is called '{name}'; {hint}")
    entries = registered[name]
    who, method = origin("method", entries), load("method", entries)
    if not (isinstance(method, type) and issubclass(method, Method)):
        raise PluginError(f"{who}: {entries[0].value} is not a benchmark.methods.Method")
    _check_declaration(method, who)
    return method


def method_origin(name: str) -> str:
    """A method by name and package, as in "method 'mine' (my-package 0.1.0)"."""
    return origin("method", _registered()[name])


def _check_declaration(method: type[Method], who: str) -> None:
    """What would be missed only where a table is made, or when the first step is taken."""
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
