"""What is written in a draft comes out of the editor's form as it went in."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.forms.guidelineeditor import (
    DIMENSION_FIELDS,
    Editor,
    dimension_row,
    read_points,
    reshaped,
    write_points,
)
from annotation.rules import presets
from annotation.rules.rubric import DimensionSpec, points_of, scale_problem
from annotation.rules.scales import Point
from annotation.states import DimensionKind, GuidelineForm, Level, RationaleRule

WORDS = (
    st.text("abc =éш,.-ع", min_size=1, max_size=12).map(lambda t: " ".join(t.split())).filter(bool)
)
NUMBERS = st.lists(st.integers(-5, 20), min_size=2, max_size=6, unique=True).map(sorted)


def posted(specs: list[DimensionSpec]) -> QueryDict:
    data = QueryDict(mutable=True)
    data.update({"text": "", "example-TOTAL_FORMS": "0", "example-INITIAL_FORMS": "0"})
    data.update({"dimension-TOTAL_FORMS": str(len(specs)), "dimension-INITIAL_FORMS": "0"})
    for place, spec in enumerate(specs):
        for name, value in dimension_row(spec).items():
            if value is not False:
                data[f"dimension-{place}-{name}"] = "on" if value is True else str(value)
    return data


def through_the_form(spec: DimensionSpec) -> DimensionSpec:
    pairwise = spec.kind in (DimensionKind.PAIRWISE, DimensionKind.PAIRWISE_GRADED)
    form = GuidelineForm.PAIRWISE if pairwise else GuidelineForm.POINTWISE
    editor = Editor(form=form, data=posted([spec]))
    assert editor.is_valid(), editor.entries
    (came,) = editor.specs()
    return came


def same(came: DimensionSpec, went: DimensionSpec) -> bool:
    facts = ("key", "name", "question", "kind", "points", "cut", "allow_na", "rationale")
    return came.level_of_measurement == went.level_of_measurement and all(
        getattr(came, fact) == getattr(went, fact) for fact in facts
    )


@st.composite
def scales(draw: st.DrawFn) -> DimensionSpec:
    numbers = [str(number) for number in draw(NUMBERS)]
    points = tuple(Point(number, draw(st.just("") | WORDS)) for number in numbers)
    return DimensionSpec(
        key="depth",
        name="Depth",
        kind=DimensionKind.SCALE,
        points=points,
        question=draw(st.just("") | WORDS),
        cut=draw(st.sampled_from(["", *numbers[1:]])),
        allow_na=draw(st.booleans()),
        rationale=draw(st.sampled_from(RationaleRule)),
        level=draw(st.sampled_from([None, Level.ORDINAL, Level.INTERVAL])),
    )


# A form is slow to build: more tables would say little more.
@settings(max_examples=50)
@given(scales())
def test_a_scale_survives_the_editor(spec: DimensionSpec) -> None:
    assert scale_problem(spec) is None
    assert same(through_the_form(spec), spec)


@pytest.mark.parametrize(
    "spec",
    [spec for rubric in presets.PRESETS.values() for spec in rubric],
    ids=lambda spec: f"{spec.key}-{spec.kind.value}",
)
def test_every_preset_survives_the_editor(spec: DimensionSpec) -> None:
    assert same(through_the_form(spec), spec)


@pytest.mark.parametrize("kind", list(DimensionKind))
@pytest.mark.parametrize("level", [Level.NOMINAL, Level.ORDINAL])
def test_a_declared_level_survives_whatever_the_kind(kind: DimensionKind, level: Level) -> None:
    values = {DimensionKind.SCALE: "123", DimensionKind.CATEGORY: "xyz"}.get(kind, "")
    points = points_of(kind, [Point(value, "") for value in values])
    spec = DimensionSpec(key="k", name="K", kind=kind, points=points, level=level)
    if scale_problem(spec) is None:
        assert same(through_the_form(spec), spec)


def test_equal_steps_of_names_are_refused_at_the_level() -> None:
    points = (Point("x", ""), Point("y", ""))
    spec = DimensionSpec(
        key="k", name="K", kind=DimensionKind.CATEGORY, points=points, level=Level.INTERVAL
    )
    editor = Editor(form=GuidelineForm.POINTWISE, data=posted([spec]))
    assert not editor.is_valid()
    assert [entry["target"] for entry in editor.entries] == ["id_dimension-0-level"]


@given(st.lists(st.builds(Point, WORDS.filter(lambda w: " =" not in w), WORDS), max_size=5))
def test_points_are_read_as_they_are_written(points: list[Point]) -> None:
    neat = [Point(p.value, " ".join(p.anchor.split())) for p in points]
    assert read_points(write_points(points)) == neat


def test_an_equals_sign_without_room_parts_too() -> None:
    assert read_points("4=Right\n5 =\n a=b = c=d") == [
        Point("4", "Right"),
        Point("5", ""),
        Point("a=b", "c=d"),
    ]


@pytest.mark.parametrize(
    ("act", "order", "at_hand"),
    [
        ("down_dimension:0", "bac", 1),
        ("down_dimension:2", "abc", 2),
        ("up_dimension:1", "bac", 0),
        ("up_dimension:0", "abc", 0),
        ("remove_dimension:1", "ac", 1),
        ("remove_dimension:2", "ab", 1),
        ("add_dimension", "abc", 3),
        ("down_dimension:9", "abc", -1),
    ],
)
def test_rows_move_and_the_row_at_hand_takes_the_focus(act: str, order: str, at_hand: int) -> None:
    points = points_of(DimensionKind.YES_NO, [])
    specs = [
        DimensionSpec(key=key, name=key, kind=DimensionKind.YES_NO, points=points) for key in "abc"
    ]
    editor = reshaped(posted(specs), act, form=GuidelineForm.POINTWISE)
    assert [row["key"] for row in editor.rows.dimensions if row] == list(order)
    focused = [
        place
        for place, form in enumerate(editor.dimensions.forms)
        if form.fields["name"].widget.attrs.get("autofocus")
    ]
    assert focused == ([] if at_hand == -1 else [at_hand])
    assert DIMENSION_FIELDS[0] == "name"
