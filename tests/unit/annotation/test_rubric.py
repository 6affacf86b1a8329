"""A rubric is whole or says what it lacks; meaning, not wording, makes a major version."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotation.rules.presets import FORM_OF, PRESETS
from annotation.rules.rubric import (
    DimensionSpec,
    foreign_values,
    meaning_changes,
    points_of,
    rubric_problems,
    scale_problem,
)
from annotation.rules.scales import Point
from annotation.states import DimensionKind, GuidelineForm, Level, RationaleRule

CLARITY = DimensionSpec(
    key="clarity",
    name="Clarity",
    kind=DimensionKind.SCALE,
    points=(Point("1", "murky"), Point("2", "fair"), Point("3", "clear")),
    cut="2",
)


@pytest.mark.parametrize("preset", FORM_OF)
def test_a_preset_is_a_whole_rubric(preset: str) -> None:
    assert rubric_problems(PRESETS[preset], FORM_OF[preset]) == []


@pytest.mark.parametrize("preset", FORM_OF)
def test_every_point_of_a_preset_has_an_anchor(preset: str) -> None:
    assert all(point.anchor for spec in PRESETS[preset] for point in spec.points)


def test_the_points_of_a_scale_run_from_low_to_high() -> None:
    written = [Point("10"), Point("2"), Point("1")]
    assert [p.value for p in points_of(DimensionKind.SCALE, written)] == ["1", "2", "10"]


def test_a_yes_no_question_keeps_its_two_labels_and_takes_the_anchors() -> None:
    points = points_of(DimensionKind.YES_NO, [Point("yes", "It does")])
    assert points == (Point("no"), Point("yes", "It does"))


def test_a_label_that_a_kind_does_not_have_is_named() -> None:
    assert foreign_values(DimensionKind.YES_NO, [Point("maybe"), Point("yes")]) == ["maybe"]


def test_a_category_has_any_labels() -> None:
    assert foreign_values(DimensionKind.CATEGORY, [Point("refund"), Point("other")]) == []


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (replace(CLARITY, points=CLARITY.points[:1]), "scale_points"),
        (replace(CLARITY, points=tuple(Point(str(n)) for n in range(30))), "scale_points"),
        (replace(CLARITY, cut="9"), "scale_cut"),
        (replace(CLARITY, cut="1"), "scale_cut"),
        (replace(CLARITY, kind=DimensionKind.CATEGORY, level=Level.INTERVAL), "scale_level"),
    ],
)
def test_a_scale_that_nobody_could_use_is_refused(spec: DimensionSpec, code: str) -> None:
    problem = scale_problem(spec)
    assert problem is not None
    assert problem.code == code


def test_an_empty_rubric_says_so() -> None:
    assert "empty" in rubric_problems([], GuidelineForm.POINTWISE)[0]


def test_a_key_stands_once() -> None:
    assert any(
        "more than once" in p for p in rubric_problems([CLARITY] * 2, GuidelineForm.POINTWISE)
    )


def test_a_rubric_has_a_limit() -> None:
    many = [replace(CLARITY, key=f"k{n}") for n in range(21)]
    assert any("at most 20" in p for p in rubric_problems(many, GuidelineForm.POINTWISE))


def test_a_key_with_spaces_and_a_missing_name_are_named() -> None:
    problems = rubric_problems(
        [replace(CLARITY, key="Two words", name="")], GuidelineForm.POINTWISE
    )
    assert len(problems) == 2


def test_a_scale_does_not_stand_in_a_pairwise_guideline() -> None:
    assert "choose a preference" in rubric_problems([CLARITY], GuidelineForm.PAIRWISE)[0]


def test_wording_question_and_rationale_may_change_in_a_minor_version() -> None:
    after = replace(
        CLARITY,
        name="Plainness",
        question="Is it plain?",
        points=tuple(replace(p, anchor="other words") for p in CLARITY.points),
        rationale=RationaleRule.REQUIRED,
    )
    assert meaning_changes([CLARITY], [after]) == []


def test_a_new_order_of_dimensions_changes_no_meaning() -> None:
    other = replace(CLARITY, key="tone")
    assert meaning_changes([CLARITY, other], [other, CLARITY]) == []


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ([], "is gone"),
        ([CLARITY, replace(CLARITY, key="tone")], "is new"),
        ([replace(CLARITY, cut="3")], "another cut"),
        ([replace(CLARITY, allow_na=True)], "not applicable"),
        ([replace(CLARITY, level=Level.INTERVAL)], "another level"),
        ([replace(CLARITY, points=(*CLARITY.points, Point("4")))], "another scale"),
        ([replace(CLARITY, kind=DimensionKind.CATEGORY)], "another kind"),
    ],
)
def test_a_change_of_meaning_is_named(after: list[DimensionSpec], words: str) -> None:
    assert any(words in change for change in meaning_changes([CLARITY], after))
