"""Labels against their scale: what is valid, what it is stored as, what a swap does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.rules import scales
from annotation.rules.scales import DimensionRule, Point
from core.errors import Invalid


def five(**changes: object) -> DimensionRule:
    points = tuple(Point(str(number)) for number in range(1, 6))
    return DimensionRule(key="clarity", kind="scale", points=points, **changes)  # type: ignore[arg-type]


def categories(*values: str, cut: str = "") -> DimensionRule:
    points = tuple(map(Point, values))
    return DimensionRule(key="tone", kind="category", points=points, cut=cut)


@pytest.mark.parametrize("raw", ["4", 4, 4.0, "4.0", " 4 "])
def test_a_number_in_any_spelling_is_its_point(raw: object) -> None:
    assert scales.check(five(), raw) == "4"


@pytest.mark.parametrize("raw", ["6", "0", "4.5", "four", "nan", "1e0", "٤", True, "-4"])
def test_a_rating_outside_the_scale_is_refused(raw: object) -> None:
    with pytest.raises(Invalid, match=r"is not a label of “clarity”\. Choose one of 1, 2, 3, 4, 5"):
        scales.check(five(), raw)


@pytest.mark.parametrize("raw", [None, "", "  "])
def test_no_label_is_asked_for(raw: object) -> None:
    with pytest.raises(Invalid, match="“clarity” has no label yet"):
        scales.check(five(), raw)


@pytest.mark.parametrize("raw", ["n/a", "not_applicable"])
def test_not_applicable_is_taken_only_where_it_is_allowed(raw: str) -> None:
    assert scales.check(five(allow_na=True), raw) == "not_applicable"
    with pytest.raises(Invalid, match="“Not applicable” is not allowed for “clarity”"):
        scales.check(five(), raw)


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("yes_no", ("no", "yes")),
        ("pairwise", ("A", "tie", "B")),
        ("pairwise_graded", ("A2", "A1", "tie", "B1", "B2")),
    ],
)
def test_fixed_kinds_bring_their_labels(kind: scales.Kind, labels: tuple[str, ...]) -> None:
    rule = DimensionRule(key="d", kind=kind)
    assert rule.labels == labels
    assert [scales.check(rule, label) for label in labels] == list(labels)


@pytest.mark.parametrize("raw", ["a", "Tie", "A1", "C", "1"])
def test_other_labels_are_compared_to_the_letter(raw: str) -> None:
    with pytest.raises(Invalid, match="Choose one of A, tie, B"):
        scales.check(DimensionRule(key="preference", kind="pairwise"), raw)


def test_a_category_is_compared_to_the_letter() -> None:
    rule = categories("warm", "cold")
    assert scales.check(rule, "warm") == "warm"
    with pytest.raises(Invalid, match="“Warm” is not a label of “tone”"):
        scales.check(rule, "Warm")


def test_not_applicable_is_the_last_of_the_labels() -> None:
    assert five(allow_na=True).labels == ("1", "2", "3", "4", "5", "not_applicable")
    assert five(allow_na=True).values == ("1", "2", "3", "4", "5")


def test_the_level_of_measurement_follows_the_kind_unless_declared() -> None:
    assert five().measured_at == "ordinal"
    assert five(level="interval").measured_at == "interval"
    assert categories("a", "b").measured_at == "nominal"
    assert DimensionRule(key="d", kind="pairwise_graded").measured_at == "ordinal"
    assert DimensionRule(key="d", kind="pairwise").measured_at == "nominal"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: five(cut="6"), "The cut 6 of “clarity” is none of 1, 2"),
        (lambda: five(cut="1"), "at its lowest label would let everything pass"),
        (lambda: DimensionRule(key="d", kind="pairwise", cut="A"), "has no cut"),
        (lambda: categories("a"), "needs at least two labels"),
        (lambda: categories("a", ""), "needs at least two labels, none of them empty"),
        (lambda: categories("a", "a"), "names a label twice"),
        (lambda: categories("a", "n/a"), "“Not applicable” is no label"),
        (lambda: categories("a", "b" * 41), "longer than 40 characters"),
        (
            lambda: DimensionRule(key="d", kind="scale", points=(Point("1"), Point("x"))),
            "are numbers",
        ),
        (
            lambda: DimensionRule(key="d", kind="scale", points=(Point("2"), Point("1"))),
            "rise from lowest to highest",
        ),
        (
            lambda: DimensionRule(key="d", kind="scale", points=(Point("1"), Point("1.0"))),
            "rise from lowest to highest",
        ),
        (
            lambda: DimensionRule(key="d", kind="yes_no", points=(Point("y"), Point("n"))),
            "are fixed by its kind: no, yes",
        ),
        (lambda: DimensionRule(key="d", kind="pairwise", level="interval"), "Only a scale of num"),
    ],
)
def test_a_scale_that_nobody_could_rate_on_is_refused(make: object, sentence: str) -> None:
    assert callable(make)
    with pytest.raises(Invalid, match=sentence):
        make()


@pytest.mark.parametrize(
    ("label", "other"), [("A", "B"), ("A1", "B1"), ("A2", "B2"), ("tie", "tie")]
)
def test_a_swap_exchanges_the_sides(label: str, other: str) -> None:
    assert scales.swapped(label) == other
    assert scales.swapped(other) == label


@given(st.sampled_from([*scales.PAIRWISE, *scales.PAIRWISE_GRADED, scales.NOT_APPLICABLE]))
def test_a_double_swap_changes_nothing(label: str) -> None:
    assert scales.swapped(scales.swapped(label)) == label


@given(st.text(max_size=20) | st.floats() | st.integers() | st.booleans() | st.none())
def test_whatever_comes_is_a_label_of_the_scale_or_refused(raw: object) -> None:
    rule = five(allow_na=True)
    try:
        label = scales.check(rule, raw)
    except Invalid:
        return
    assert label in rule.labels
