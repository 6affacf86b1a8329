"""A small coverage simulation of the length model; intervals and the gate: test_simulations.py."""

from __future__ import annotations

import numpy as np

from measurement import logistic


def test_the_interval_of_the_length_slope_covers() -> None:
    # A slope of 1 on the tanh of standard normal differences.
    rng = np.random.default_rng(23)
    trials, covered, items = 600, 0, 100
    for _ in range(trials):
        lengths = np.tanh(rng.normal(size=items))
        chances = logistic.logistic(-0.5 + lengths)
        outcomes = (rng.random(items) < chances).astype(float)
        design = np.column_stack([np.ones(items), lengths])
        found = logistic.fit(design, outcomes, np.arange(items)).estimate(1)
        assert found.interval is not None
        covered += found.interval.low <= 1 <= found.interval.high
    # Three standard errors of a true 95 % are 2.7 points at 600 trials.
    assert 0.923 <= covered / trials <= 0.985
