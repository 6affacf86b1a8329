from __future__ import annotations

import numpy as np
import pytest

from measurement import intervals


def test_nothing_counted_is_undefined_with_the_reason() -> None:
    empty = np.empty(0)
    found = intervals.share(empty, empty, np.empty(0, dtype=np.int64), because="nobody was asked")
    assert found.undefined_because == "nobody was asked"


def test_independent_items_get_wilsons_interval_on_all_of_them() -> None:
    hits = np.repeat([1.0, 0.0], [170, 30])
    found = intervals.share(hits, np.ones(200), np.arange(200), because="")
    wilson = intervals.wilson(170, 200)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (wilson.low, wilson.high)


def test_clusters_without_spread_are_worth_their_number() -> None:
    hits = np.tile([1.0, 0.0], 10)
    found = intervals.effective(hits, np.ones(20), np.repeat(np.arange(10), 2), level=0.05)
    assert (found.variance, found.n_eff) == (0.0, 10.0)


def test_one_cluster_is_worth_one_item() -> None:
    found = intervals.effective(np.ones(9), np.ones(9), np.zeros(9, dtype=np.int64), level=0.05)
    assert found.n_eff == 1
    assert found.lower_bound(level=0.05) == pytest.approx(0.05)


def test_clusters_that_differ_more_than_chance_count_for_less_than_n() -> None:
    hits = np.repeat([1.0, 1.0, 0.0, 1.0], 10)
    found = intervals.effective(hits, np.ones(40), np.repeat(np.arange(4), 10), level=0.05)
    assert found.n_eff < 4


def test_the_effective_size_never_exceeds_n() -> None:
    # Every cluster holds one hit and one miss but for one: less spread than chance.
    hits = np.array([1.0, 0.0] * 20 + [1.0, 1.0])
    found = intervals.effective(hits, np.ones(42), np.repeat(np.arange(21), 2), level=0.05)
    assert found.n_eff == 42


def test_all_hits_in_clusters_are_bounded_by_the_number_of_clusters() -> None:
    found = intervals.effective(np.ones(100), np.ones(100), np.arange(100) // 10, level=0.05)
    assert found.lower_bound(level=0.05) == pytest.approx(intervals.lower_bound(10, 10))


def test_a_bound_and_its_mirror_add_up_to_one() -> None:
    low, high = intervals.lower_bound(30, 200), intervals.upper_bound(170, 200)
    assert low + high == pytest.approx(1.0)


def test_resampling_whole_units_keeps_the_number_of_units() -> None:
    units = np.column_stack([np.ones(30), np.arange(30.0)])
    sums = intervals.resampled_sums(units, seed=1, replicates=50)
    assert sums.shape == (50, 2)
    assert (sums[:, 0] == 30).all()


def test_many_alike_units_are_drawn_with_the_same_spread_as_one_by_one() -> None:
    few = np.repeat([[1.0, 1.0], [0.0, 1.0]], [600, 400], axis=0)
    many = few + np.column_stack([np.arange(1000) * 1e-9, np.zeros(1000)])
    alike = intervals.resampled_sums(few, seed=1, replicates=4000)[:, 0]
    apart = intervals.resampled_sums(many, seed=1, replicates=4000)[:, 0]
    # Both have the standard deviation √(1000 · .6 · .4) = 15.5.
    assert alike.std() == pytest.approx(15.49, abs=0.7)
    assert apart.std() == pytest.approx(15.49, abs=0.7)


def test_large_tables_are_resampled_in_bounded_steps() -> None:
    units = np.random.default_rng(1).random((3000, 2))
    sums = intervals.resampled_sums(units, seed=1, replicates=2000)
    assert sums.shape == (2000, 2)
    assert sums[:, 0].mean() == pytest.approx(units[:, 0].sum(), rel=0.01)


def test_units_that_look_the_same_are_drawn_as_often_as_they_occur() -> None:
    # 900 units of 0 and 100 of 1: a replicate's sum is binomial with mean 100, variance 90.
    units = np.repeat([[0.0], [1.0]], [900, 100], axis=0)
    sums = intervals.resampled_sums(units, seed=1, replicates=4000)[:, 0]
    assert sums.mean() == pytest.approx(100, abs=1)
    assert sums.var() == pytest.approx(90, rel=0.1)


@pytest.mark.parametrize("size", [60, 5000])
def test_where_a_unit_stands_changes_no_replicate(size: int) -> None:
    rng = np.random.default_rng(4)
    units = rng.integers(0, 3, size=(size, 2)) / 7
    one, other = (
        intervals.resampled_sums(order, seed=1, replicates=50)
        for order in (units, rng.permutation(units))
    )
    assert np.array_equal(one, other)


def test_units_of_many_zeros_are_summed_over_the_same_draws() -> None:
    rng = np.random.default_rng(4)
    units = np.eye(100)[rng.integers(0, 100, size=150)] * rng.random((150, 1))
    sums = intervals.resampled_sums(units, seed=1, replicates=700)
    expected = np.concatenate([drawn @ units for drawn in intervals.draws(150, seed=1)])[:700]
    assert sums == pytest.approx(expected, abs=1e-12)


def test_a_paired_difference_has_an_interval_around_its_mean() -> None:
    differences = np.repeat([1.0, 0.0, -1.0], [30, 160, 10])
    found = intervals.mean_difference(differences, np.arange(200), seed=1, because="")
    assert found.value == pytest.approx(0.1)
    assert found.interval is not None
    # Normal approximation: ± 1.96 · √(.19 / 200) = ± .060.
    assert found.interval.low == pytest.approx(0.04, abs=0.01)
    assert found.interval.high == pytest.approx(0.16, abs=0.01)


def test_one_unit_has_no_bootstrap_interval() -> None:
    found = intervals.mean_difference(np.ones(3), np.zeros(3, dtype=np.int64), seed=1, because="")
    assert found.interval is None


def test_sums_by_cluster_follow_the_order_of_the_codes() -> None:
    assert intervals.sum_by(np.array([5, 2, 5]), np.array([1.0, 2.0, 4.0])).tolist() == [2.0, 5.0]


def test_no_difference_at_all_is_undefined_with_the_reason() -> None:
    none = np.empty(0, dtype=np.int64)
    found = intervals.mean_difference(np.empty(0), none, seed=1, because="no shared item")
    assert found.undefined_because == "no shared item"
