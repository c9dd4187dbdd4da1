"""Power and the number of repeats, against statsmodels."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from results.analysis.power import POWER, detectable_effect, power_of, repeats_needed


@pytest.mark.parametrize(
    ("effect", "repeats"), [(1.0, 2), (0.5, 3), (3.26, 3), (1.0, 10), (0.7, 19), (0.1, 300)]
)
def test_power_is_statsmodels(effect: float, repeats: int) -> None:
    expected = TTestPower().power(effect, repeats, 0.05)
    assert power_of(effect, repeats) == pytest.approx(expected, abs=1e-4)
    assert power_of(-effect, repeats) == power_of(effect, repeats)


def test_three_repeats_detect_three_deviations() -> None:
    assert detectable_effect(3) == pytest.approx(3.264, abs=1e-3)
    assert power_of(detectable_effect(7), 7) == pytest.approx(POWER)


@pytest.mark.parametrize("effect", [0.25, 0.7, 1.0, 2.5])
def test_needed_is_the_least_that_has_the_power(effect: float) -> None:
    needed = int(repeats_needed(0.02 * effect, 0.02))
    assert TTestPower().power(effect, needed, 0.05) >= POWER
    assert needed == 2 or TTestPower().power(effect, needed - 1, 0.05) < POWER


def test_power_grows_with_the_repeats() -> None:
    powers = [power_of(0.6, count) for count in range(2, 60)]
    assert (np.diff(powers) > 0).all()


def test_ends() -> None:
    assert math.isnan(repeats_needed(0.0, 0.1)) and math.isnan(repeats_needed(0.1, math.nan))
    assert repeats_needed(0.1, 0.0) == 2 and repeats_needed(50.0, 0.1) == 2
    assert repeats_needed(1e-6, 1.0) == math.inf
