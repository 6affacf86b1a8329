"""Orders from hashes: the same every time, different for each rater, and fair."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from annotation.rules import display
from annotation.rules.scales import PAIRWISE, PAIRWISE_GRADED


def order(salt: str, rater: str) -> list[int]:
    return sorted(range(50), key=lambda item: display.item_order_key(salt, rater=rater, item=item))


def test_the_order_of_one_rater_is_the_same_every_time() -> None:
    assert order("salt", "ana") == order("salt", "ana")


def test_the_order_differs_by_rater_and_by_round() -> None:
    orders = [order("salt", "ana"), order("salt", "ben"), order("other", "ana")]
    assert len({tuple(one) for one in orders}) == 3
    assert all(sorted(one) == list(range(50)) for one in orders)


def test_the_keys_are_known_values() -> None:
    # Stored orders must not change with a release: these values were taken down once.
    assert display.item_order_key("salt", rater=1, item=2) == 5061730540335500209
    assert display.shuffle_key("salt", item=2) == 351542704606633751
    swaps = [display.is_swapped("salt", rater=1, item=item) for item in range(8)]
    assert swaps == [False, False, True, False, True, True, True, True]


@given(st.text(max_size=80), st.integers(), st.integers())
def test_keys_fit_a_signed_column(salt: str, rater: int, item: int) -> None:
    assert 0 <= display.item_order_key(salt, rater=rater, item=item) < 2**63
    assert 0 <= display.shuffle_key(salt, item=item) < 2**63


def test_half_of_the_items_are_shown_swapped() -> None:
    # 4,000 fair coins: 2,000 ± 4 standard deviations of 31.6.
    swapped = sum(display.is_swapped("salt", rater="ana", item=item) for item in range(4000))
    assert 1873 < swapped < 2127


def test_two_raters_do_not_see_the_same_order_of_responses() -> None:
    same = sum(
        display.is_swapped("salt", rater="ana", item=item)
        == display.is_swapped("salt", rater="ben", item=item)
        for item in range(4000)
    )
    assert 1873 < same < 2127


def test_rater_and_item_do_not_run_into_each_other() -> None:
    first = display.item_order_key("salt", rater="1", item="23")
    assert first != display.item_order_key("salt", rater="12", item="3")


def test_a_label_for_what_was_shown_is_turned_into_the_own_labelling() -> None:
    assert display.to_own_label("A1", swapped=True) == "B1"
    assert display.to_own_label("A1", swapped=False) == "A1"
    assert display.to_own_label("tie", swapped=True) == "tie"


@given(st.sampled_from([*PAIRWISE, *PAIRWISE_GRADED, "4", "yes"]), st.booleans())
def test_shown_and_own_labels_lead_back_to_each_other(label: str, swapped: bool) -> None:
    own = display.to_own_label(label, swapped=swapped)
    assert display.to_shown_label(own, swapped=swapped) == label
