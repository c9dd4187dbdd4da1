"""How often Python looks for garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEW_OBJECTS, _YOUNG, _MIDDLE = 50_000, 20, 50
"""Thresholds of `gc.set_threshold`; Python's own are 700, 10 and 10."""


@contextmanager
def rare_collection() -> Iterator[None]:
    """Look for reference cycles rarely, and never among the objects that exist already.

    Work that makes millions of small objects and few cycles, such as a report, else spends a
    seventh of its time on it. What no cycle holds is freed at once, as always. Where the caller has
    frozen objects, these stay frozen, and no others are: they could not be told apart at the end.
    """
    before, own = gc.get_threshold(), gc.get_freeze_count() == 0
    if own:
        gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG, _MIDDLE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if own:
            gc.unfreeze()
