from __future__ import annotations

import pytest

from measurement.scale import OutsideScale, Scale
from measurement.verdicts import Call, JudgeTable

PAIR, GRADED, POINTS = Scale.pairwise(), Scale.pairwise(is_graded=True), Scale.parse("1-5")


def combined(calls: list[Call], *, scale: Scale = PAIR) -> tuple[str, str]:
    table = JudgeTable.build(calls, scale=scale)
    return table.labels.get("i", ""), table.outcomes["i"]


def both(one: str, other: str) -> list[Call]:
    return [Call("i", one, "AB"), Call("i", other, "BA")]


@pytest.mark.parametrize(
    ("one", "other", "label"),
    [("A", "A", "A"), ("A", "B", "tie"), ("A", "tie", "tie"), ("tie", "tie", "tie")],
)
def test_two_orders_that_differ_are_a_tie(one: str, other: str, label: str) -> None:
    assert combined(both(one, other)) == (label, "ok")


def test_the_same_side_in_two_grades_takes_the_weaker_one() -> None:
    assert combined(both("B2", "B1"), scale=GRADED) == ("B1", "ok")
    assert combined(both("B2", "A2"), scale=GRADED) == ("tie", "ok")


def test_a_sample_that_lacks_an_order_has_no_verdict() -> None:
    calls = [Call("i", "A", "AB"), Call("i", None, "BA", outcome="refused")]
    assert combined(calls) == ("", "refused")


def test_an_order_that_never_came_is_missing() -> None:
    assert combined([Call("i", "A", "AB"), Call("j", "A", "BA")]) == ("", "missing")


def test_one_order_alone_needs_no_partner() -> None:
    assert combined([Call("i", "A", "AB")]) == ("A", "ok")


def samples(*labels: str) -> list[Call]:
    return [Call("i", label, sample=str(place)) for place, label in enumerate(labels)]


def test_samples_are_decided_by_strict_plurality() -> None:
    assert combined(samples("A", "B", "A")) == ("A", "ok")


def test_samples_of_a_pair_without_a_plurality_tie() -> None:
    assert combined(samples("A", "B")) == ("tie", "ok")


def test_samples_of_categories_without_a_plurality_are_split() -> None:
    assert combined(samples("x", "y"), scale=Scale.parse("x,y,z")) == ("", "split")


def test_samples_of_ratings_take_the_median_and_the_lower_of_two() -> None:
    assert combined(samples("5", "1", "3"), scale=POINTS) == ("3", "ok")
    assert combined(samples("5", "1", "3", "4"), scale=POINTS) == ("3", "ok")


def test_fewer_than_half_of_the_samples_give_no_label() -> None:
    calls = samples("A")
    calls += [Call("i", None, sample=str(n), outcome="invalid") for n in (1, 2)]
    assert combined(calls) == ("", "invalid")


def test_half_of_the_samples_are_enough() -> None:
    assert combined([*samples("A"), Call("i", None, sample="1", outcome="failed")]) == ("A", "ok")


def test_the_same_call_again_is_a_repeat() -> None:
    table = JudgeTable.build([Call("i", "A"), Call("i", "B")], scale=PAIR)
    assert (table.labels["i"], table.repeats) == ("A", 1)


def test_not_applicable_is_a_verdict_without_a_place() -> None:
    table = JudgeTable.build([Call("i", "not_applicable"), Call("j", 2.0)], scale=POINTS)
    assert table.coded(["i", "j", "k"], POINTS).tolist() == [-1, 1, -2]


def test_samples_that_mostly_do_not_apply_do_not_apply() -> None:
    calls = samples("not_applicable", "4", "not_applicable")
    assert combined(calls, scale=POINTS) == ("not_applicable", "ok")
    assert combined(samples("not_applicable", "4"), scale=POINTS) == ("", "split")


def test_a_label_outside_the_scale_is_refused() -> None:
    with pytest.raises(OutsideScale):
        JudgeTable.build([Call("i", "C")], scale=PAIR)


def test_a_failed_call_may_carry_any_text() -> None:
    assert combined([Call("i", "nonsense", outcome="invalid")]) == ("", "invalid")
