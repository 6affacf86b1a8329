from __future__ import annotations

import pytest

from measurement.scale import TableError
from measurement.table import RatingTable


def test_the_first_label_of_a_rater_counts_and_later_ones_are_kept_apart() -> None:
    table = RatingTable.build([("i", "ana", "A"), ("i", "ben", "B"), ("i", "ana", "B")])
    assert table.repeats == 1
    assert [table.labels[code] for code in table.label_codes] == ["A", "B"]
    assert table.retests.tolist() == [[0, 0, 1]]


def test_repeats_go_with_the_items_that_are_left_out() -> None:
    rows = [("i", "ana", "A"), ("i", "ana", "B"), ("j", "ana", "A"), ("j", "ben", "A")]
    table = RatingTable.build([*rows, ("j", "ben", "B")]).with_at_least(2)
    assert (table.items, table.retests.tolist()) == (("j",), [[0, 0, 1]])


def test_the_same_label_again_is_a_repeat_too() -> None:
    table = RatingTable.build([("i", "ana", "A"), ("i", "ana", "A")])
    assert (table.repeats, len(table.label_codes)) == (1, 1)


def test_items_without_a_cluster_are_clusters_of_their_own() -> None:
    rows = [("i", "ana", "A", "c"), ("j", "ana", "A", "c"), ("k", "ana", "A"), ("c", "ana", "A")]
    assert RatingTable.build(rows).clusters == 3


def test_an_item_in_two_clusters_is_refused() -> None:
    with pytest.raises(TableError, match="Item i is in cluster c in one row and in d"):
        RatingTable.build([("i", "ana", "A", "c"), ("i", "ben", "A", "d")])


def test_thin_items_can_be_left_out() -> None:
    rows = [("i", "ana", "A"), ("j", "ana", "A"), ("j", "ben", "B")]
    table = RatingTable.build(rows).with_at_least(2)
    assert table.items == ("j",)
    assert table.item_codes.tolist() == [0, 0]


def test_the_order_of_the_rows_changes_nothing_but_which_label_came_first() -> None:
    rows = [("i", "ana", "A"), ("j", "ben", "B"), ("j", "ana", "tie")]
    one, other = RatingTable.build(rows), RatingTable.build(reversed(rows))
    assert one.items == other.items
    assert one.raters == other.raters
    assert one.label_codes.tolist() == other.label_codes.tolist()


def test_labels_of_several_kinds_are_told_apart_by_their_text() -> None:
    # To Python 1, 1.0 and True are equal; the third is another label.
    kinds = [1, 1.0, "1", " 1 ", True, None, float("nan"), ""]
    table = RatingTable.build((item, "ana", label) for item, label in enumerate(kinds))
    assert [table.labels[code] for code in table.label_codes] == ["1"] * 4 + ["true"]


def test_who_gave_no_label_is_no_rater_and_what_got_none_no_item() -> None:
    table = RatingTable.build([("i", "ana", "A", "c"), ("j", "ben", " ", "d")])
    assert (table.items, table.raters, table.has_clusters) == (("i",), ("ana",), True)


def test_a_generator_of_many_rows_is_read_once_in_portions() -> None:
    rows = [(f"{item:04}", rater, "AB"[item % 2]) for item in range(900) for rater in "xy"]
    table = RatingTable.build(row for row in [*rows, ("0000", "y", "B"), ("0000", "x", "tie")])
    assert (len(table.items), len(table.label_codes)) == (900, 1800)
    # The repeats stand in the order of the rows, each behind the label that counts.
    assert [[table.labels[code] for code in codes] for _, *codes in table.retests] == [
        ["A", "B"],
        ["A", "tie"],
    ]
