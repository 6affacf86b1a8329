"""What differs between two versions of a guideline, in words."""

from __future__ import annotations

from dataclasses import replace

from annotation.rules.presets import FOUR_DIMENSIONS, PRESETS
from annotation.rules.rubric import DimensionSpec
from annotation.rules.scales import Point
from annotation.rules.versiondiff import Fate, Part, differences
from annotation.rules.writing import WorkedExample, Writing
from annotation.states import RationaleRule

FOUR = PRESETS[FOUR_DIMENSIONS]
ACCURACY = FOUR[0]
SHORT = WorkedExample("Too short", "No.", is_good=False, why="It helps nobody.")


def writing(*dimensions: DimensionSpec, examples: tuple[WorkedExample, ...] = ()) -> Writing:
    return Writing("Look.", examples, dimensions)


def changed(before: DimensionSpec, after: DimensionSpec) -> Part:
    (part,) = differences(writing(before), writing(after)).dimensions
    return part


def whats(part: Part) -> list[tuple[str, bool]]:
    return [(entry.what, entry.is_meaning) for entry in part.entries]


def test_a_version_does_not_differ_from_itself() -> None:
    same = writing(*FOUR, examples=(SHORT,))
    assert not differences(same, same)


def test_another_question_is_a_change_of_wording() -> None:
    part = changed(ACCURACY, replace(ACCURACY, question="Is it true?"))
    assert (part.title, part.key, part.fate) == ("Accuracy", "accuracy", Fate.CHANGED)
    assert whats(part) == [("question", False)]


def test_another_anchor_names_its_point() -> None:
    points = (*ACCURACY.points[:-1], Point("5", "Right"))
    assert whats(changed(ACCURACY, replace(ACCURACY, points=points))) == [("anchor of 5", False)]


def test_another_cut_and_not_applicable_are_changes_of_meaning() -> None:
    part = changed(ACCURACY, replace(ACCURACY, cut="3", allow_na=True))
    assert whats(part) == [("cut", True), ("“not applicable”", True)]


def test_another_rule_for_the_rationale_is_named() -> None:
    part = changed(ACCURACY, replace(ACCURACY, rationale=RationaleRule.REQUIRED))
    assert whats(part) == [("rationale", False)]


def test_a_point_more_is_another_scale() -> None:
    part = changed(ACCURACY, replace(ACCURACY, points=(*ACCURACY.points, Point("6", "Perfect"))))
    assert whats(part) == [("scale", True), ("anchor of 6", False)]


def test_what_is_a_change_of_meaning_here_is_one_for_publishing_too() -> None:
    for after in (
        replace(ACCURACY, cut="3"),
        replace(ACCURACY, allow_na=True),
        replace(ACCURACY, question="?"),
        replace(ACCURACY, rationale=RationaleRule.NONE),
    ):
        found = differences(writing(ACCURACY), writing(after))
        marked = [entry for part in found.dimensions for entry in part.entries if entry.is_meaning]
        assert bool(marked) == bool(found.meaning)


def test_dimensions_that_come_and_go_are_told_by_their_key() -> None:
    found = differences(writing(*FOUR[:2]), writing(*FOUR[1:3])).dimensions
    assert [(part.key, part.fate) for part in found] == [
        ("clarity", Fate.NEW),
        ("accuracy", Fate.GONE),
    ]


def test_dimensions_in_another_order_have_another_place() -> None:
    found = differences(writing(*FOUR[:2]), writing(FOUR[1], FOUR[0])).dimensions
    assert [whats(part) for part in found] == [[("place", False)], [("place", False)]]


def test_an_example_that_is_new_shows_all_of_it() -> None:
    (part,) = differences(writing(), writing(examples=(SHORT,))).examples
    assert part.fate == Fate.NEW
    assert [entry.what for entry in part.entries] == ["title", "verdict", "response", "why"]


def test_an_example_is_known_again_by_its_title() -> None:
    kinder = replace(SHORT, text="Nope.", why="It is curt.")
    (part,) = differences(writing(examples=(SHORT,)), writing(examples=(kinder,))).examples
    assert part.fate == Fate.CHANGED
    assert [entry.what for entry in part.entries] == ["response", "why"]


def test_an_example_with_another_title_is_known_again_by_its_text() -> None:
    renamed = replace(SHORT, title="Curt")
    (part,) = differences(writing(examples=(SHORT,)), writing(examples=(renamed,))).examples
    assert [entry.what for entry in part.entries] == ["title"]


def test_two_examples_of_one_title_stay_two() -> None:
    long = replace(SHORT, text="A very long answer.")
    found = differences(writing(examples=(SHORT, long)), writing(examples=(long,))).examples
    assert [(part.title, part.fate) for part in found] == [("Too short", Fate.GONE)]
