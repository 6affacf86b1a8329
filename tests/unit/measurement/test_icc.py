from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement.arrays import Floats
from measurement.icc import icc

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
    dtype=np.float64,
)


def alone(ratings: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(len(ratings))


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([[1.0, 2.0]], "two items"),
        ([[1.0], [2.0]], "two raters"),
        ([[3.0, 3.0], [3.0, 3.0]], "the same"),
        ([[1.0, 2.0], [2.0, 1.0]], "do not differ"),
    ],
)
def test_icc_is_undefined_with_a_reason(ratings: list[list[float]], reason: str) -> None:
    table = np.array(ratings)
    assert reason in icc(table, alone(table), seed=1).undefined_because


def test_items_in_clusters_get_the_cluster_bootstrap() -> None:
    found = icc(SHROUT_FLEISS, np.array([0, 0, 1, 2, 3, 3]), seed=1)
    assert found.interval is not None
    assert found.interval.method.startswith("cluster bootstrap")
    assert found.interval.low < 0.28976378 < found.interval.high


def test_the_bootstrap_of_many_items_is_close_to_the_exact_interval() -> None:
    rng = np.random.default_rng(1)
    ratings = rng.normal(size=(400, 1)) + rng.normal(size=(400, 3))
    # Each item counts twice, in a cluster of two: worth 400 independent items.
    exact = icc(ratings, alone(ratings), seed=1).interval
    drawn = icc(np.repeat(ratings, 2, axis=0), np.repeat(np.arange(400), 2), seed=1).interval
    assert exact is not None
    assert drawn is not None
    assert (drawn.low, drawn.high) == pytest.approx((exact.low, exact.high), abs=0.02)


def test_perfect_agreement_is_one() -> None:
    ratings = np.array([[1.0, 1.0], [2.0, 2.0], [5.0, 5.0]])
    assert icc(ratings, alone(ratings), seed=1).value == 1
    assert icc(ratings, alone(ratings), seed=1, of_mean=True).value == 1


def test_the_mean_of_raters_who_contradict_each_other_has_no_reliability() -> None:
    # MSR 1/6, MSC 0, MSE 5/3, n 4: MSR + (MSC − MSE)/n = −1/4, below the formula's pole.
    ratings = np.array([[1.0, 3.0], [3.0, 1.0], [2.0, 3.0], [3.0, 2.0]])
    found = icc(ratings, alone(ratings), seed=1, of_mean=True)
    assert "offsets" in found.undefined_because


def test_a_bound_that_the_mean_of_raters_cannot_have_is_left_out() -> None:
    ratings = np.array([[2.0, 5.0], [3.0, 1.0], [4.0, 4.0], [5.0, 1.0]])
    single = icc(ratings, alone(ratings), seed=1)
    of_mean = icc(ratings, alone(ratings), seed=1, of_mean=True)
    assert single.interval is not None
    assert of_mean.value == pytest.approx(-4.8)
    assert of_mean.interval is None


def test_one_cluster_alone_has_no_interval() -> None:
    together = np.zeros(6, dtype=np.int64)
    found = [icc(SHROUT_FLEISS, together, seed=1, of_mean=of_mean) for of_mean in (False, True)]
    assert [estimate.interval for estimate in found] == [None, None]


grids = st.integers(2, 5).flatmap(
    lambda raters: st.lists(
        st.lists(st.integers(1, 5), min_size=raters, max_size=raters), min_size=2, max_size=6
    )
)


@given(grids)
def test_icc_is_at_most_one_inside_its_interval_or_has_a_reason(grid: list[list[int]]) -> None:
    ratings = np.array(grid, dtype=np.float64)
    for of_mean in (False, True):
        found = icc(ratings, alone(ratings), seed=1, of_mean=of_mean)
        assert found.is_defined or found.undefined_because
        assert found.value is None or found.value <= 1 + 1e-9
