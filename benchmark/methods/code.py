"""Which code computes a method."""

import inspect
from pathlib import Path

from benchmark.core.code import OWN, CodeRecord, record_code
from benchmark.methods.method import Method
from benchmark.methods.registry import find_method, method_entry


def method_code(name: str, *, commit: str | None = None) -> CodeRecord:
    """The code of a method as installed: of another package's, all of it; of ours, its module.

    The modules of the methods that it derives from count as well.

    Args:
        name: under which it is registered.
        commit: that our own code is of, to be recorded.

    Raises:
        UsageError: no such method is installed.
        CoopbenchError: it is one of ours, and cannot be loaded.
    """
    entry = method_entry(name)
    own: tuple[Path, ...] = ()
    if entry.dist is not None and entry.dist.name == OWN:
        kinds = [k for k in find_method(name).__mro__ if issubclass(k, Method) and k is not Method]
        own = tuple(sorted({Path(inspect.getfile(kind)) for kind in kinds}))
    return record_code(entry, own=own, commit=commit)
