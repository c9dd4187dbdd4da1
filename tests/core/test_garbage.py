"""Rare collection ends with what it is for."""

import gc
from collections.abc import Iterator

import pytest

from benchmark.core.garbage import rare_collection


@pytest.fixture
def nothing_frozen() -> Iterator[None]:
    """As in a program of its own; pytest's process has frozen what it has imported."""
    gc.unfreeze()
    yield
    gc.freeze()


def test_thresholds_are_as_before_even_after_a_failure(nothing_frozen: None) -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="no"), rare_collection():
        assert gc.get_threshold() > before and gc.get_freeze_count() > 0
        raise ValueError("no")
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0


def test_what_the_caller_has_frozen_stays_frozen(nothing_frozen: None) -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    with rare_collection():
        pass
    # What no cycle holds is freed also among frozen objects, so a few may be gone.
    assert 0.9 * frozen < gc.get_freeze_count() <= frozen
