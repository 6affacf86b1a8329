from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement import intervals, planning
from measurement.planning import NoNumber
from measurement.scale import TableError


@pytest.mark.parametrize(
    ("target", "level"), [(0.8, 0.05), (0.8, 0.00625), (0.5, 0.1), (0.99, 0.05)]
)
def test_the_hits_needed_are_the_fewest_whose_bound_is_above_the_target(
    target: float, level: float
) -> None:
    sizes = np.array([1, 2, 7, 44, 45, 300, 5000])
    needed = planning.needed_hits(sizes, target=target, level=level)
    for n, hits in zip(sizes.tolist(), needed.tolist(), strict=True):
        if hits <= n:
            assert intervals.lower_bound(hits, n, level=level) > target
        assert intervals.lower_bound(hits - 1, n, level=level) <= target


def test_ten_items_are_too_few_for_any_proof() -> None:
    [row] = planning.gate_table([10], true=0.99, target=0.8, level=0.05)
    # .8 to the tenth is .107: even ten of ten happen too often by chance.
    assert (row["needed"], row["power"]) == (None, 0.0)


@pytest.mark.parametrize("true", [0.83, 0.87, 0.95, 0.999])
def test_every_larger_number_of_items_has_the_power_too(true: float) -> None:
    items = planning.gate_items(true=true, target=0.8, level=0.025)
    later = planning.gate_power(
        np.arange(items, 6 * items + 500), true=true, target=0.8, level=0.025
    )
    before = planning.gate_power(np.array([items - 1]), true=true, target=0.8, level=0.025)
    assert later.min() >= 0.8 > before[0]


def test_a_later_look_needs_more_items() -> None:
    levels = (0.05, 0.025, 0.0125, 0.00625)
    items = [planning.gate_items(true=0.87, target=0.8, level=level) for level in levels]
    assert items == sorted(set(items))


@pytest.mark.parametrize("true", [0.8, 0.7])
def test_a_judge_that_is_not_above_the_target_is_told_so(true: float) -> None:
    with pytest.raises(NoNumber, match="whatever the number"):
        planning.gate_items(true=true, target=0.8, level=0.05)


def test_a_judge_a_hair_above_the_target_is_told_that_nobody_rates_that_many() -> None:
    with pytest.raises(NoNumber, match="nobody"):
        planning.gate_items(true=0.8001, target=0.8, level=0.05)


def test_a_change_of_nothing_cannot_be_seen() -> None:
    with pytest.raises(NoNumber):
        planning.unpaired_items(0.8, 0.0)
    with pytest.raises(NoNumber):
        planning.paired_items(0.0, discordance=0.2)
    with pytest.raises(NoNumber):
        planning.rating_items(0.0, spread=1.0)


@pytest.mark.parametrize(
    ("change", "discordance", "baseline", "words"),
    [
        (0.1, 0.05, None, "at least 0.1"),
        (0.1, 1.2, None, "at most all"),
        (0.02, 0.5, 0.9, "at most 0.18"),
        (0.2, 0.3, 0.9, "between 0 and 1"),
    ],
)
def test_options_that_contradict_each_other_get_a_sentence(
    change: float, discordance: float, baseline: float | None, words: str
) -> None:
    with pytest.raises(TableError, match=words):
        planning.paired_items(change, discordance=discordance, baseline=baseline)


def test_shares_stay_between_nothing_and_everything() -> None:
    with pytest.raises(TableError, match="between 0 and 1"):
        planning.unpaired_items(0.9, 0.2)


def test_a_number_that_nobody_counts_is_no_answer() -> None:
    with pytest.raises(NoNumber):
        planning.whole(planning.rating_items(1e-9, spread=1.0))


@given(st.floats(0.05, 0.95), st.floats(0.01, 0.04))
def test_down_and_up_need_the_same_number_of_items(baseline: float, change: float) -> None:
    up = planning.unpaired_items(baseline, change)
    down = planning.unpaired_items(baseline + change, -change)
    assert up == pytest.approx(down)


@given(st.floats(0.1, 3), st.integers(10, 10_000), st.floats(0.5, 0.99))
def test_the_smallest_change_of_n_items_needs_n_items(spread: float, n: int, power: float) -> None:
    smallest = planning.smallest_change(n, spread=spread, power=power)
    assert planning.rating_items(smallest, spread=spread, power=power) == pytest.approx(n)
