"""Rare collection ends with what it is for."""

import gc

import pytest

from benchmark.core.garbage import rare_collection


def test_thresholds_are_as_before_even_after_a_failure() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="no"), rare_collection():
        assert gc.get_threshold() > before and gc.get_freeze_count() > 0
        raise ValueError("no")
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0
