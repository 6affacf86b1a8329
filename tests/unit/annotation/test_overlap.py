"""Slots of an item: never more than the overlap, none forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.rules import overlap
from core.errors import Invalid


def test_an_item_has_as_many_slots_as_raters_are_wanted() -> None:
    assert list(overlap.slots(3)) == [0, 1, 2]


def test_the_lowest_free_slot_is_given_first() -> None:
    assert overlap.free_slot(3, set()) == 0
    assert overlap.free_slot(3, {0, 2}) == 1
    assert overlap.free_slot(3, {0, 1, 2}) is None


@given(st.integers(1, 20), st.sets(st.integers(0, 25)))
def test_a_free_slot_is_inside_the_overlap_and_not_taken(wanted: int, live: set[int]) -> None:
    slot = overlap.free_slot(wanted, live)
    if slot is None:
        assert set(overlap.slots(wanted)) <= live
    else:
        assert slot in overlap.slots(wanted)
        assert slot not in live


def test_leased_slots_fill_an_item_and_submitted_ones_finish_it() -> None:
    assert overlap.is_full(3, taken=3)
    assert not overlap.is_full(3, taken=2)
    assert overlap.is_done(3, submitted=3)
    assert not overlap.is_done(3, submitted=2)


def test_what_is_missing_is_never_negative() -> None:
    assert [overlap.missing(3, submitted=count) for count in (0, 2, 3, 5)] == [3, 1, 0, 0]


@pytest.mark.parametrize("wanted", [0, -1, 101])
def test_an_overlap_out_of_range_is_refused(wanted: int) -> None:
    with pytest.raises(Invalid, match=f"from 1 to 100, not {wanted}"):
        overlap.check_overlap(wanted)


def test_an_overlap_needs_as_many_raters() -> None:
    assert overlap.check_overlap(3, raters=3) == 3
    with pytest.raises(Invalid, match="An overlap of 3 needs as many raters, and the round has 2"):
        overlap.check_overlap(3, raters=2)
