from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement.adjust import benjamini_hochberg, benjamini_yekutieli, holm

ADJUSTMENTS = (holm, benjamini_hochberg, benjamini_yekutieli)
Adjustment = Callable[[list[float]], list[float]]
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.mark.parametrize("adjust", ADJUSTMENTS)
def test_no_hypotheses_no_values(adjust: Adjustment) -> None:
    assert adjust([]) == []


@pytest.mark.parametrize("adjust", ADJUSTMENTS)
def test_a_single_value_stays_as_it_is(adjust: Adjustment) -> None:
    assert adjust([0.03]) == [0.03]


def test_a_small_value_carries_larger_ones_below_their_threshold() -> None:
    # Step-up: .018 is above its own threshold as first, but the second rank allows it.
    assert max(benjamini_yekutieli([0.018, 0.0181])) <= 0.05


def test_a_large_value_stops_those_behind_it() -> None:
    # Step-down: .03 · 2 is above .05, so .04 is not looked at.
    assert holm([0.04, 0.03, 0.001]) == pytest.approx([0.06, 0.06, 0.003])


@given(p_values, st.randoms(use_true_random=False))
def test_the_order_of_the_values_does_not_matter(values: list[float], random: object) -> None:
    order = list(range(len(values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    for adjust in ADJUSTMENTS:
        assert adjust([values[i] for i in order]) == [adjust(values)[i] for i in order]


@given(p_values)
def test_no_value_becomes_smaller_and_holm_is_never_below_hochberg(values: list[float]) -> None:
    strict, mild = holm(values), benjamini_hochberg(values)
    for value, adjusted, explored in zip(values, strict, mild, strict=True):
        assert value <= explored + 1e-15
        assert explored <= adjusted + 1e-15
        assert adjusted <= 1
