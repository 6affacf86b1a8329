from __future__ import annotations

import math

import pytest

from measurement.scale import OutsideScale, Scale, TableError, label_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(4, "4"), (4.0, "4"), (4.5, "4.5"), (" A ", "A"), (True, "true"), (False, "false")],
)
def test_a_label_has_one_text(value: object, text: str) -> None:
    assert label_text(value) == text


@pytest.mark.parametrize("value", [None, "", "  ", math.nan])
def test_an_empty_label_is_a_missing_one(value: object) -> None:
    assert label_text(value) == ""


def test_a_range_is_an_ordinal_scale_of_points() -> None:
    scale = Scale.parse("1-5")
    assert scale.labels == ("1", "2", "3", "4", "5")
    assert (scale.level, scale.is_numeric) == ("ordinal", True)


def test_listed_words_are_categories_in_the_given_order() -> None:
    scale = Scale.parse("bad, fair,good")
    assert scale.labels == ("bad", "fair", "good")
    assert scale.level == "nominal"


def test_listed_numbers_are_put_in_order() -> None:
    assert Scale.parse("10,2,1").labels == ("1", "2", "10")


@pytest.mark.parametrize("text", ["5-1", "1-1", "a", "", "a,,b", "a,a"])
def test_a_scale_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(TableError):
        Scale.parse(text)


@pytest.mark.parametrize("labels", [["A", "B"], ["tie"], ["B", "tie", "A"]])
def test_labels_of_a_preference_are_read_as_pairwise(labels: list[str]) -> None:
    scale = Scale.seen(labels)
    assert scale.is_pairwise
    assert scale.labels == ("A", "tie", "B")


def test_a_graded_preference_collapses_to_a_plain_one_for_the_gate() -> None:
    scale = Scale.seen(["A2", "tie", "B1"])
    collapsed = [scale.tested().labels[code] for code in scale.tested_codes()]
    assert collapsed == ["A", "A", "tie", "B", "B"]


def test_other_labels_next_to_a_and_b_are_categories() -> None:
    assert not Scale.seen(["A", "B", "C"]).is_pairwise


def test_a_declared_list_may_say_that_a_and_b_are_categories() -> None:
    assert not Scale.parse("A,B").is_pairwise
    assert Scale.parse("A,B,tie").is_pairwise


def test_seen_numbers_are_nominal_until_somebody_says_otherwise() -> None:
    scale = Scale.seen(["3", "1", 2.0])
    assert (scale.labels, scale.level) == (("1", "2", "3"), "nominal")


def test_an_order_of_words_is_never_guessed() -> None:
    with pytest.raises(TableError, match="in order"):
        Scale.seen(["good", "bad"], level="ordinal")


def test_the_level_interval_needs_numbers() -> None:
    with pytest.raises(TableError, match="numbers"):
        Scale.parse("a,b,c", level="interval")


def test_a_cut_divides_the_scale_into_fail_and_pass() -> None:
    scale = Scale.parse("1-5", cut="4")
    assert scale.tested().labels == ("fail", "pass")
    assert scale.tested_codes().tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(("cut", "word"), [("9", "not on the scale"), ("1", "let everything pass")])
def test_a_cut_that_divides_nothing_is_refused(cut: str, word: str) -> None:
    with pytest.raises(TableError, match=word):
        Scale.parse("1-5", cut=cut)


def test_a_cut_through_a_preference_is_refused() -> None:
    with pytest.raises(TableError, match="in order"):
        Scale.pairwise().with_cut("A")


def test_numbers_are_found_however_they_are_written() -> None:
    scale = Scale.parse("1-5")
    assert [scale.code(label) for label in ("4", 4.0, "4.00")] == [3, 3, 3]


def test_not_applicable_and_empty_have_no_place_and_anything_else_is_refused() -> None:
    scale = Scale.parse("1-5")
    assert scale.code("not_applicable") == scale.code("") == -1
    with pytest.raises(OutsideScale, match="1, 2, 3, 4, 5"):
        scale.code("6")


def test_words_in_order_count_as_their_places() -> None:
    scale = Scale.parse("bad,fair,good", level="ordinal")
    assert scale.is_rating
    assert scale.numbers().tolist() == [0.0, 1.0, 2.0]


def test_a_long_scale_is_named_by_its_ends() -> None:
    assert Scale.parse("1-100").spoken() == "1 … 100"


def test_a_label_twice_on_a_scale_is_refused() -> None:
    with pytest.raises(TableError, match="once"):
        Scale(("a", "a"))


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(TableError, match="level"):
        Scale(("a", "b"), "ratio")  # type: ignore[arg-type]
