"""The mean distance of an item's labels: the same as over all pairs, one by one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement.spread import mean_distance

ITEM = st.lists(st.integers(0, 6), min_size=4, max_size=4)


def pair_by_pair(item: list[int], *, has_order: bool) -> float:
    labels = [label for label, votes in enumerate(item) for _ in range(votes)]
    pairs = list(combinations(labels, 2))
    if not pairs:
        return 0.0
    return sum(abs(a - b) / 3 if has_order else a != b for a, b in pairs) / len(pairs)


@given(st.lists(ITEM, max_size=5), st.booleans())
def test_it_is_the_mean_over_all_pairs(items: list[list[int]], has_order: bool) -> None:
    counts = np.array(items, dtype=np.int64).reshape(len(items), 4)
    found = mean_distance(counts, has_order=has_order)
    assert found == pytest.approx([pair_by_pair(item, has_order=has_order) for item in items])


def test_the_two_ends_of_a_scale_are_one_apart_and_neighbours_a_step() -> None:
    counts = np.array([[1, 0, 0, 0, 1], [0, 1, 1, 0, 0], [0, 0, 3, 0, 0], [0, 0, 1, 0, 0]])
    assert mean_distance(counts, has_order=True).tolist() == [1.0, 0.25, 0.0, 0.0]
    assert mean_distance(counts, has_order=False).tolist() == [1.0, 1.0, 0.0, 0.0]
