"""What must hold for any two versions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement.comparison import Comparison, PairedScores, compare
from measurement.estimate import Estimate
from measurement.signedrank import signed_levels, signed_rank

points = st.integers(0, 4)
pairs = st.lists(st.tuples(points, points), min_size=2, max_size=25)
Pairs = list[tuple[int, int]]


def compared(rows: Pairs, *, factor: float = 1.0, added: float = 0.0) -> Comparison:
    table = np.array(rows, dtype=float) * factor + added
    return compare(PairedScores(table[:, 0], table[:, 1], np.arange(len(rows))), seed=1)


def p_values(found: Comparison) -> tuple[float, ...]:
    return (found.p, found.wilcoxon.p, found.pratt.p, found.sign_p)


def close(one: Estimate, other: Estimate, *, times: float = 1.0) -> bool:
    if one.value is None or other.value is None:
        return one.undefined_because == other.undefined_because
    return one.value * times == pytest.approx(other.value, abs=1e-9)


@given(pairs)
def test_swapping_the_versions_flips_signs_and_keeps_p(rows: Pairs) -> None:
    one, other = compared(rows), compared([(b, a) for a, b in rows])
    assert p_values(one) == pytest.approx(p_values(other))
    assert close(one.difference, other.difference, times=-1)
    assert close(one.rank_biserial, other.rank_biserial, times=-1)
    assert close(one.d_z, other.d_z, times=-1)
    assert (one.wins, one.ties, one.losses) == (other.losses, other.ties, other.wins)
    assert one.win_rate.value == pytest.approx(1 - (other.win_rate.value or 0))


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_no_figure_and_no_interval(
    rows: Pairs, random: object
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = compared(rows), compared(shuffled)
    for name in ("difference", "rank_biserial", "d_z", "win_rate"):
        figures = getattr(one, name), getattr(other, name)
        assert close(*figures)
        assert (figures[0].interval is None) == (figures[1].interval is None)
        if figures[0].interval is not None:
            ends = [(figure.interval.low, figure.interval.high) for figure in figures]
            assert ends[0] == pytest.approx(ends[1])
    assert p_values(one) == pytest.approx(p_values(other))


@given(pairs, st.floats(-100, 100))
def test_adding_the_same_to_both_versions_changes_nothing(rows: Pairs, added: float) -> None:
    one, other = compared([(a + 5, b + 5) for a, b in rows]), compared(rows, added=5 + added)
    assert one.wilcoxon.p == other.wilcoxon.p
    assert close(one.difference, other.difference)
    assert close(one.rank_biserial, other.rank_biserial)
    assert close(one.d_z, other.d_z)


@given(pairs, st.floats(0.01, 100))
def test_another_unit_scales_the_difference_and_nothing_else(rows: Pairs, factor: float) -> None:
    one, other = compared(rows), compared(rows, factor=factor)
    assert one.wilcoxon.p == other.wilcoxon.p
    assert close(one.difference, other.difference, times=factor)
    assert close(one.rank_biserial, other.rank_biserial)
    assert close(one.d_z, other.d_z)


@given(pairs, st.integers(1, 20))
def test_items_that_do_not_differ_leave_the_tests_without_them_alone(rows: Pairs, n: int) -> None:
    one, other = compared(rows), compared([*rows, *[(2, 2)] * n])
    assert one.wilcoxon.p == other.wilcoxon.p
    assert one.sign_p == other.sign_p
    assert close(one.rank_biserial, other.rank_biserial)
    if one.binary is not None:
        assert one.binary.p_exact <= 1


@given(pairs)
def test_every_p_is_a_probability_and_every_share_lies_in_its_range(rows: Pairs) -> None:
    found = compared(rows)
    assert all(0 < p <= 1 for p in p_values(found))
    for figure, low in ((found.rank_biserial, -1.0), (found.win_rate, 0.0)):
        if figure.interval is not None:
            assert low <= figure.interval.low <= figure.interval.high <= 1


@given(pairs, st.integers(1, 4))
def test_copies_of_an_item_in_its_cluster_leave_the_sign_flips_alone(rows: Pairs, n: int) -> None:
    differences = np.array([b - a for a, b in rows], dtype=float)
    levels = signed_levels(differences, noise=1e-12)
    signs = np.sign(levels)
    alone = signed_rank(signs, np.arange(len(rows)))
    copied = signed_rank(np.repeat(signs, n), np.repeat(np.arange(len(rows)), n))
    assert alone.p == pytest.approx(copied.p)
