"""Selective judging: the figures stated for it, by exact sums and seeded simulation."""

from __future__ import annotations

import numpy as np
import pytest

from measurement.escalation import Judged, cascade, upper_bounds
from tests.reference.test_statistics import VALUES

SELECTIVE = VALUES["selective_judging"]


def test_the_bounds_of_the_first_step() -> None:
    errors = np.array(SELECTIVE["errors"])
    found = upper_bounds(errors, np.full(len(errors), SELECTIVE["n"]), delta=SELECTIVE["delta"])
    assert found.tolist() == pytest.approx(SELECTIVE["upper_bounds"], abs=5e-4)


@pytest.mark.parametrize("sharing", [False, True], ids=["each on its own", "shared"])
def test_three_stages_break_their_promise_more_often_unless_they_share_delta(
    sharing: bool,
) -> None:
    # Confidence tells nothing and every judge is wrong in just 20 %, so any answer breaks the
    # promise of 80 %. The first step lets a judge pass by chance.
    rng = np.random.default_rng(81)
    trials, items = 1500, 60
    broken = 0
    for _ in range(trials):
        judges = [Judged(rng.random(items), rng.random(items) < 0.8) for _ in range(3)]
        groups = [judges] if sharing else [[judge] for judge in judges]
        found = [cascade(group, target=0.8, delta=0.1) for group in groups]
        broken += any(cell.coverage.value for cell in found)
    stated = SELECTIVE["three_stages"]["shared" if sharing else "each"]
    # Three binomial standard errors, and the stated figure is rounded to a hundredth.
    assert broken / trials == pytest.approx(stated, abs=3 * _error(stated, trials) + 0.005)


def test_a_threshold_keeps_its_promise_where_confidence_is_worth_something() -> None:
    rng = np.random.default_rng(82)
    trials, items = 600, 300
    broken = 0
    for _ in range(trials):
        confidences = rng.random(items)
        # Errors fall from 45 % to 5 %: at or above a confidence c there are (.45 + .05 − .4c)/2.
        agrees = rng.random(items) < 0.55 + 0.4 * confidences
        (stage,) = cascade([Judged(confidences, agrees)], target=0.8, delta=0.1).stages
        if stage.threshold is not None:
            broken += _true_errors(stage.threshold) > 0.2
    assert broken / trials <= 0.1 + 2 * _error(0.1, trials)


def _true_errors(threshold: float) -> float:
    return float((0.45 - 0.4 * threshold + 0.05) / 2)


def _error(share: float, trials: int) -> float:
    return float(np.sqrt(share * (1 - share) / trials))
