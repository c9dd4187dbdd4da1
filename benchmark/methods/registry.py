"""Methods are found through the entry-point group ``coopbench.methods``, ours and others' alike."""

import difflib
from importlib.metadata import EntryPoint, entry_points

from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.methods.method import Method

GROUP = "coopbench.methods"


def method_names() -> list[str]:
    """The names of all installed methods, sorted."""
    return sorted(_registered())


def find_method(name: str) -> type[Method]:
    """The class registered as ``name``.

    Raises:
        UsageError: no such method is installed; near matches are named.
        CoopbenchError: its package cannot be imported, or it is no `Method`.
    """
    entry = method_entry(name)
    try:
        method = entry.load()
    except Exception as error:
        raise CoopbenchError(
            f"method '{name}' ({entry.value}) cannot be loaded: {error}"
        ) from error
    if not (isinstance(method, type) and issubclass(method, Method)):
        raise CoopbenchError(f"method '{name}' ({entry.value}) is not a benchmark.methods.Method")
    return method


def method_entry(name: str) -> EntryPoint:
    """What is registered as ``name``, not loaded.

    Raises:
        UsageError: no such method is installed; near matches are named.
    """
    registered = _registered()
    if name not in registered:
        near = difflib.get_close_matches(name, registered, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "see 'coopbench methods'"
        raise UsageError(f"no method is called '{name}'; {hint}")
    return registered[name]


def _registered() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
