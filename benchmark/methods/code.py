"""The record of the source code that computes a method."""

import inspect
from pathlib import Path

from benchmark.core.code import OWN, CodeRecord, record_code
from benchmark.methods.registry import find_method, method_entry


def method_code(name: str, *, commit: str | None = None) -> CodeRecord:
    """Record the installed code of a method: all files of another package, or our own module.

    For our own methods, the modules of all parent methods count as well.

    Args:
        name: the method's registered name.
        commit: the commit of our own code, to record.

    Raises:
        UsageError: no such method is installed.
        CoopbenchError: one of our own methods cannot be loaded.
    """
    entry = method_entry(name)
    own: tuple[Path, ...] = ()
    if entry.dist is not None and entry.dist.name == OWN:
        from benchmark.methods.method import Method

        kinds = [k for k in find_method(name).__mro__ if issubclass(k, Method) and k is not Method]
        own = tuple(sorted({Path(inspect.getfile(kind)) for kind in kinds}))
    return record_code(entry, own=own, commit=commit)
