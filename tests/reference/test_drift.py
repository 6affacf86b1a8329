"""The CUSUM that ends an approval: its stated false alarms and delays, by seeded simulation."""

from __future__ import annotations

import numpy as np
import pytest

from measurement.arrays import Floats
from measurement.drift import cusum
from tests.reference.test_statistics import VALUES

DRIFT = VALUES["drift"]


def test_a_judge_that_stays_as_it_was_is_seldom_suspended() -> None:
    trials = 2000
    alarms = _alarms(np.random.default_rng(83), DRIFT["approved"], trials, DRIFT["labels"])
    found = float(np.isfinite(alarms).mean())
    # The figure stated is 6 %; 100,000 trials give 5.2 %.
    assert found <= DRIFT["false_alarm"]
    assert found == pytest.approx(0.052, abs=3 * float(np.sqrt(0.052 * 0.948 / trials)))


@pytest.mark.parametrize(("rate", "median"), DRIFT["median_labels"])
def test_a_judge_that_fell_is_found(rate: float, median: int) -> None:
    alarms = _alarms(np.random.default_rng(84), rate, 2000, 2000)
    # The alarm's spread is about its median: two or three labels are its median's error.
    assert float(np.median(alarms)) == pytest.approx(median, abs=6)


def _alarms(rng: np.random.Generator, rate: float, trials: int, labels: int) -> Floats:
    found = [
        cusum(rng.random(labels) < rate, approved=DRIFT["approved"]).alarm_at for _ in range(trials)
    ]
    return np.array([np.inf if at is None else at for at in found])
