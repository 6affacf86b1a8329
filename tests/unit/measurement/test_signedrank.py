from __future__ import annotations

import itertools

import numpy as np
import pytest

from measurement.arrays import Ints
from measurement.signedrank import rank_biserial, signed_levels, signed_rank
from measurement.signflip import sign_flip


def enumerated(contributions: list[int]) -> float:
    """Two-sided p by trying every combination of signs."""
    observed = abs(sum(contributions))
    sizes = [abs(value) for value in contributions if value]
    sums = [
        abs(sum(sign * size for sign, size in zip(signs, sizes, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(sizes))
    ]
    return sum(total >= observed for total in sums) / len(sums)


def alone(levels: Ints) -> Ints:
    return np.arange(len(levels))


@pytest.mark.parametrize(
    "contributions",
    [[1, 1, 1], [3, -1, 4, 0, -2], [2, 4, 6, -8], [5, 5, -5, 5, 7], [1, -1, 2, -2], [9]],
)
def test_the_p_value_is_that_of_all_combinations_of_signs(contributions: list[int]) -> None:
    found = sign_flip(np.array(contributions))
    assert found.is_exact
    assert found.p == pytest.approx(enumerated(contributions), abs=1e-12)


def test_outcomes_as_extreme_as_the_observed_one_count_by_half_in_the_mid_p() -> None:
    # Sums of ±1 ±2 ±4: all eight differ, two are as extreme as 1 + 2 + 4, none is more so.
    assert sign_flip(np.array([1, 2, 4])).mid_p == pytest.approx(1 / 8)
    # In the middle one outcome of six (of sixteen) is as extreme: all but half of its chance.
    assert sign_flip(np.array([1, 1, -1, -1])).mid_p == pytest.approx(1 - 6 / 16 / 2)


@pytest.mark.parametrize("contributions", [[], [0, 0, 0]])
def test_nothing_but_zeros_gives_p_one(contributions: list[int]) -> None:
    found = sign_flip(np.array(contributions, dtype=np.int64))
    assert (found.p, found.mid_p) == (1.0, 1.0)


def test_a_distribution_too_large_to_build_is_replaced_by_the_normal_one() -> None:
    rng = np.random.default_rng(1)
    few = rng.permutation(np.arange(1, 500)) * rng.choice([-1, 1], size=499, p=[0.46, 0.54])
    many = np.arange(1, 2001) * rng.choice([-1, 1], size=2000)
    assert sign_flip(few).is_exact
    found = sign_flip(many)
    assert not found.is_exact
    assert 0 < found.p <= 1


def test_items_of_one_cluster_change_sign_together() -> None:
    levels = np.array([1, 1, 1, 1, 1, 1, 1, 1])
    independent = signed_rank(levels, alone(levels))
    together = signed_rank(levels, np.array([0, 0, 0, 0, 1, 1, 1, 1]))
    assert independent.p == pytest.approx(2 / 256)
    assert together.p == pytest.approx(2 / 4)


def test_pratt_ranks_the_zeros_and_then_leaves_them_out() -> None:
    levels = np.array([0, 0, 1, -2, 3])
    dropped, ranked = (signed_rank(levels, alone(levels), zeros=z) for z in ("wilcox", "pratt"))
    assert (dropped.r_plus, dropped.r_minus) == (1 + 3, 2)
    assert (ranked.r_plus, ranked.r_minus) == (3 + 5, 4)


def test_tied_sizes_share_their_middle_rank() -> None:
    levels = np.array([1, -1, 1, 2])
    found = signed_rank(levels, alone(levels))
    assert (found.r_plus, found.r_minus) == (2 + 2 + 4, 2)


def test_no_difference_anywhere_is_p_one_and_an_undefined_effect() -> None:
    levels = np.zeros(5, dtype=np.int64)
    found = signed_rank(levels, alone(levels))
    assert (found.n, found.p) == (0, 1.0)
    assert rank_biserial(levels, alone(levels), seed=1).undefined_because == "no item differs"


def test_sizes_that_only_floating_point_tells_apart_are_tied() -> None:
    differences = np.array([0.8 - 0.7, 0.3 - 0.2, 0.1 + 0.2 - 0.3, 0.5 - 0.7])
    assert len(set(differences.tolist())) == 4
    assert signed_levels(differences, noise=1e-12).tolist() == [1, 1, 0, -2]


def test_the_effect_in_a_draw_is_that_of_the_items_drawn() -> None:
    from measurement.signedrank import _biserial

    rng = np.random.default_rng(4)
    levels = rng.integers(-4, 5, size=30)
    levels = levels[np.argsort(np.abs(levels), kind="stable")]
    for _ in range(30):
        weights = rng.multinomial(30, np.full(30, 1 / 30)).astype(float)
        drawn = np.repeat(levels, weights.astype(int))
        found = signed_rank(drawn, alone(drawn))
        ours = _biserial(levels, weights[None, :])[0]
        assert ours == pytest.approx(
            (found.r_plus - found.r_minus) / (found.r_plus + found.r_minus)
        )


def test_the_effect_has_a_wider_interval_when_clusters_move_together() -> None:
    levels = np.repeat(np.array([1, 1, 2, -1, 1, 3, -2, 1]), 10)
    apart = rank_biserial(levels, alone(levels), seed=1).interval
    together = rank_biserial(levels, np.arange(80) // 10, seed=1).interval
    assert apart is not None
    assert together is not None
    assert together.high - together.low > apart.high - apart.low
