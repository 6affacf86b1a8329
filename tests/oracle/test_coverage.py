"""Small coverage simulations; the full set is run by its own command."""

from __future__ import annotations

import numpy as np

from measurement import intervals, logistic
from measurement.alpha import alpha
from measurement.arrays import Floats, Ints


def clustered(
    rng: np.random.Generator, *, groups: int, size: int, share: float
) -> tuple[Floats, Ints]:
    """Hits with an intra-cluster correlation of .2 (beta-binomial)."""
    total = 1 / 0.2 - 1
    chances = rng.beta(share * total, (1 - share) * total, size=groups)
    hits = (rng.random((groups, size)) < chances[:, None]).astype(float)
    return hits.ravel(), np.repeat(np.arange(groups), size)


def test_the_clustered_bound_lets_a_judge_at_the_target_through_in_about_five_percent() -> None:
    rng = np.random.default_rng(20)
    trials, passed = 2000, 0
    for _ in range(trials):
        hits, clusters = clustered(rng, groups=100, size=4, share=0.8)
        found = intervals.effective(hits, np.ones(len(hits)), clusters, level=0.05)
        passed += found.lower_bound(level=0.05) > 0.8
    # 6 % is allowed; three standard errors of a true 5 % are 1.5 points at 2,000 trials.
    assert passed / trials <= 0.065


def test_wilsons_clustered_interval_covers() -> None:
    rng = np.random.default_rng(21)
    trials, covered = 1000, 0
    for _ in range(trials):
        hits, clusters = clustered(rng, groups=60, size=3, share=0.7)
        interval = intervals.share(hits, np.ones(len(hits)), clusters, because="").interval
        assert interval is not None
        covered += interval.low <= 0.7 <= interval.high
    assert 0.925 <= covered / trials <= 0.985


def test_the_item_bootstrap_of_alpha_covers() -> None:
    # Two labels, each rater keeps the true one with chance .8 and else tosses a coin. Two raters
    # then differ with chance (1 − .64) / 2 = .18, by chance with .5: alpha = 1 − .18 / .5 = .64.
    rng = np.random.default_rng(22)
    trials, covered, items = 400, 0, 100
    for _ in range(trials):
        truth = rng.integers(0, 2, size=(items, 1))
        kept = rng.random((items, 3)) < 0.8
        votes = np.where(kept, truth, rng.integers(0, 2, size=(items, 3)))
        ones = votes.sum(axis=1)
        counts = np.stack([3 - ones, ones], axis=1)
        found = alpha(counts, np.arange(items), level="nominal", numbers=np.arange(2.0), seed=1)
        assert found.interval is not None
        covered += found.interval.low <= 0.64 <= found.interval.high
    # Three standard errors of a true 95 % are 3.3 points at 400 trials.
    assert 0.91 <= covered / trials <= 0.985


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
