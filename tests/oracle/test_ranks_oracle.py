"""Rank correlations against scipy, and their intervals against resampling row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from measurement import ranks
from measurement.arrays import Floats

SEEDS = range(10)
COUNTERPARTS: dict[str, Callable[[Floats, Floats], float]] = {
    "kendall_tau": lambda one, other: float(stats.kendalltau(one, other).statistic),
    "spearman": lambda one, other: float(stats.spearmanr(one, other).statistic),
    "pearson": lambda one, other: float(stats.pearsonr(one, other).statistic),
}


def two_sides(seed: int, *, n: int = 0) -> tuple[Floats, Floats]:
    """Related points with many ties."""
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(8, 120))
    one = rng.integers(0, int(rng.integers(3, 30)), size=n)
    other = np.where(rng.random(n) < 0.5, one // 2, rng.integers(0, 6, size=n))
    return one.astype(np.float64), other.astype(np.float64)


@pytest.mark.parametrize("name", COUNTERPARTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_value_is_scipys(seed: int, name: str) -> None:
    one, other = two_sides(seed)
    found = getattr(ranks, name)(one, other, np.arange(len(one)), seed=1)
    assert found.value == pytest.approx(COUNTERPARTS[name](one, other), abs=1e-12)


@pytest.mark.parametrize("name", COUNTERPARTS)
def test_the_value_of_very_many_patterns_is_scipys(name: str) -> None:
    rng = np.random.default_rng(31)
    one = rng.normal(size=1500)
    other = one + rng.normal(size=1500)
    found = getattr(ranks, name)(one, other, np.arange(1500), seed=1)
    assert found.value == pytest.approx(COUNTERPARTS[name](one, other), abs=1e-12)
    assert found.interval is not None
    assert found.interval.method.startswith("jackknife")


@pytest.mark.parametrize("name", COUNTERPARTS)
@pytest.mark.parametrize("size", [1, 4])
def test_the_interval_is_that_of_resampling_row_by_row(name: str, size: int) -> None:
    one, other = two_sides(4, n=80)
    clusters = np.arange(80) // size
    found = getattr(ranks, name)(one, other, clusters, seed=1).interval
    rng = np.random.default_rng(5)
    drawn = []
    for _ in range(1500):
        picks = rng.integers(0, 80 // size, size=80 // size)
        rows = np.concatenate([np.flatnonzero(clusters == pick) for pick in picks])
        drawn.append(COUNTERPARTS[name](one[rows], other[rows]))
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.025)


@pytest.mark.parametrize("size", [1, 5])
def test_the_jackknife_is_as_wide_as_resampling(size: int) -> None:
    # The same points, once with so little noise that no two items look alike.
    one, other = two_sides(6, n=1200)
    jitter = np.random.default_rng(7).normal(scale=1e-6, size=1200)
    clusters = np.arange(1200) // size
    coarse = ranks.spearman(one, other, clusters, seed=1).interval
    fine = ranks.spearman(one + jitter, other, clusters, seed=1).interval
    assert coarse is not None
    assert fine is not None
    assert fine.method.startswith("jackknife")
    assert fine.high - fine.low == pytest.approx(coarse.high - coarse.low, rel=0.25)


@pytest.mark.parametrize("seed", SEEDS)
def test_kendalls_w_without_ties_is_friedmans_statistic(seed: int) -> None:
    # Friedman's statistic is m (n − 1) W.
    rng = np.random.default_rng(seed)
    ratings = rng.normal(size=(9, 4)) + rng.normal(size=(9, 1))
    found = ranks.kendall_w(ratings, np.arange(9), seed=1)
    theirs = stats.friedmanchisquare(*ratings).statistic / (4 * 8)
    assert found.value == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_kendalls_w_with_ties_is_friedmans_statistic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ratings = rng.integers(1, 5, size=(12, 5)).astype(np.float64)
    found = ranks.kendall_w(ratings, np.arange(12), seed=1)
    theirs = stats.friedmanchisquare(*ratings).statistic / (5 * 11)
    assert found.value == pytest.approx(theirs, abs=1e-12)
