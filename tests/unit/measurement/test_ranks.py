from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement import ranks
from measurement.arrays import Floats
from measurement.estimate import Estimate
from measurement.scale import Scale
from tests.unit.measurement.builders import aligned

POINTS = Scale.parse("1-5", cut="4")
OF_TWO = (ranks.kendall_tau, ranks.spearman, ranks.pearson)

pairs = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=25)
Pairs = list[tuple[int, int]]


def all_of(rows: Pairs, clusters: list[int] | None = None) -> list[Estimate]:
    one, other = np.array(rows, dtype=np.float64).T
    codes = np.array(clusters) if clusters else np.arange(len(rows))
    return [figure(one, other, codes, seed=1) for figure in OF_TWO]


def ends(found: Estimate) -> tuple[float, ...]:
    return () if found.interval is None else (found.interval.low, found.interval.high)


def test_a_side_that_never_changes_has_no_order() -> None:
    for found in all_of([(3, 1), (3, 2), (3, 5)]):
        assert found.undefined_because == ranks.ONE_SIDE_CONSTANT
        assert found.n == 3


def test_one_item_alone_has_no_order() -> None:
    for figure in OF_TWO:
        assert figure(np.ones(1), np.ones(1), np.arange(1), seed=1).undefined_because
        assert figure(np.ones(0), np.ones(0), np.arange(0), seed=1).undefined_because


def test_one_cluster_alone_has_a_value_without_an_interval() -> None:
    for found in all_of([(1, 1), (2, 3), (3, 2)], clusters=[0, 0, 0]):
        assert found.is_defined
        assert found.interval is None


def test_very_many_patterns_in_one_cluster_have_no_interval_either() -> None:
    values = np.arange(1200.0)
    found = ranks.spearman(values, values**2, np.zeros(1200, dtype=np.int64), seed=1)
    assert found.value == pytest.approx(1)
    assert found.interval is None


def test_replicates_without_order_are_counted() -> None:
    interval = all_of([(1, 1), (1, 1), (1, 1), (2, 2)])[0].interval
    assert interval is not None
    assert "undefined" in interval.method


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_no_figure_and_no_interval(
    rows: Pairs, random: object
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for one, other in zip(all_of(rows), all_of(shuffled), strict=True):
        assert one.value == pytest.approx(other.value)
        assert ends(one) == pytest.approx(ends(other))


@given(pairs)
def test_the_sides_may_change_places(rows: Pairs) -> None:
    swapped = [(other, one) for one, other in rows]
    for one, other in zip(all_of(rows), all_of(swapped), strict=True):
        assert one.value == pytest.approx(other.value)


@given(pairs)
def test_turning_one_side_round_turns_the_sign(rows: Pairs) -> None:
    turned = [(one, 6 - other) for one, other in rows]
    for one, other in zip(all_of(rows), all_of(turned), strict=True):
        assert (one.value is None) == (other.value is None)
        assert one.value is None or other.value == pytest.approx(-one.value)


@given(pairs)
def test_ranks_see_the_order_of_the_points_and_nothing_else(rows: Pairs) -> None:
    stretched = [(one**3, other) for one, other in rows]
    for one, other in zip(all_of(rows)[:2], all_of(stretched)[:2], strict=True):
        assert one.value == pytest.approx(other.value)
        assert one.interval == other.interval


@given(pairs)
def test_a_side_beside_its_copy_is_in_perfect_order(rows: Pairs) -> None:
    for found in all_of([(one, one + 1) for one, _ in rows]):
        assert found.value is None or found.value == pytest.approx(1)


@given(pairs)
def test_every_figure_lies_within_its_range(rows: Pairs) -> None:
    for found in all_of(rows):
        assert found.value is None or abs(found.value) <= 1 + 1e-9


def w(ratings: Floats) -> Estimate:
    return ranks.kendall_w(ratings, np.arange(len(ratings)), seed=1)


tables = st.lists(st.lists(st.integers(1, 5), min_size=3, max_size=3), min_size=2, max_size=15)


@given(tables, st.permutations(range(3)))
def test_the_order_of_the_raters_changes_no_w(table: list[list[int]], order: list[int]) -> None:
    ratings = np.array(table, dtype=np.float64)
    assert w(ratings).value == pytest.approx(w(ratings[:, order]).value)


@given(tables)
def test_raters_who_copy_each_other_have_a_w_of_one(table: list[list[int]]) -> None:
    first = np.array(table, dtype=np.float64)[:, :1]
    found = w(np.repeat(first, 3, axis=1))
    assert found.value is None or found.value == pytest.approx(1)


def test_w_needs_complete_ratings_of_two_raters_that_differ() -> None:
    assert "not every rater" in w(np.array([[1, np.nan], [2, 1]])).undefined_because
    assert "two raters" in w(np.ones((3, 1))).undefined_because
    assert w(np.ones((3, 2))).undefined_because == ranks.NO_ORDER_AT_ALL


def test_the_alignment_shows_the_order_of_ratings_beside_the_bias() -> None:
    votes = {"i": "122", "j": "334", "k": "455", "l": "111"}
    found = aligned(votes, {"i": "3", "j": "4", "k": "5", "l": "2"}, scale=POINTS)
    # Too mild throughout, in perfect order.
    assert found.bias.value == pytest.approx((14 - 32 / 3) / 4)
    assert found.ranks["tau_b"].value == pytest.approx(1)
    assert found.ranks["tau_b"].n == 4
    assert found.as_dict()["ranks"]["tau_b"]["value"] == pytest.approx(1)


def test_the_same_votes_in_another_order_tie() -> None:
    # .1 + .2 + .3 depends on the order of the sum.
    scale = Scale.parse("0.1,0.2,0.3", level="ordinal")
    votes = {"i": ["0.1", "0.2", "0.3"], "j": ["0.3", "0.2", "0.1"], "k": ["0.3", "0.3", "0.3"]}
    found = aligned(votes, {"i": "0.1", "j": "0.1", "k": "0.3"}, scale=scale)
    assert found.ranks["tau_b"].value == pytest.approx(1)


def test_labels_without_order_have_no_rank_correlation() -> None:
    assert "no order" in aligned({"i": "AA"}, {"i": "A"}).ranks["tau_b"].undefined_because
