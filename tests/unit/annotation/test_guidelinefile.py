"""The file that guidelines travel in: what goes in comes out, and what is wrong is said."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.rules.guidelinefile import (
    LARGEST_FILE,
    FiledGuideline,
    FiledVersion,
    as_document,
    read,
    read_document,
    written,
)
from annotation.rules.presets import FORM_OF, PRESETS
from annotation.rules.rubric import DimensionSpec
from annotation.rules.writing import WorkedExample, Writing
from annotation.states import GuidelineForm, VersionState
from core.errors import Invalid

WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40
)
NAMES = WORDS.map(str.strip).filter(bool)
EXAMPLES = st.builds(
    WorkedExample,
    title=WORDS.filter(str.strip),
    text=WORDS.filter(str.strip),
    is_good=st.booleans(),
    why=WORDS | st.just(""),
)


@st.composite
def guidelines(draw: st.DrawFn) -> FiledGuideline:
    preset = draw(st.sampled_from(sorted(FORM_OF)))
    numbers = draw(st.sets(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=3))
    versions = tuple(
        FiledVersion(
            major,
            minor,
            VersionState.SUPERSEDED,
            draw(st.none() | st.datetimes(timezones=st.just(UTC))),
            draw(WORDS),
            Writing(
                draw(WORDS), tuple(draw(st.lists(EXAMPLES, max_size=2))), leveled(PRESETS[preset])
            ),
        )
        for major, minor in sorted(numbers)
    )
    return FiledGuideline(draw(NAMES), FORM_OF[preset], versions)


def leveled(specs: Sequence[DimensionSpec]) -> tuple[DimensionSpec, ...]:
    """Dimensions as they are stored: with the level of measurement said."""
    return tuple(replace(spec, level=spec.level_of_measurement) for spec in specs)


@given(guidelines())
def test_what_is_written_is_read_again_to_the_letter(guideline: FiledGuideline) -> None:
    assert read(written([guideline]).encode()) == (guideline,)


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read(b"\xef\xbb\xbf" + written([tone()]).encode()) == (tone(),)


def tone() -> FiledGuideline:
    four = leveled(PRESETS["four"])
    example = WorkedExample("Curt", "No.", is_good=False, why="It helps nobody.")
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    return FiledGuideline(
        "Tone",
        GuidelineForm.POINTWISE,
        (
            FiledVersion(1, 0, VersionState.SUPERSEDED, at, "", Writing("Look.", (), four)),
            FiledVersion(
                1, 1, VersionState.PUBLISHED, at, "Says more.", Writing("Look!", (example,), four)
            ),
        ),
    )


Change = Callable[[dict[str, Any]], object]


def version(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["guidelines"][0]["versions"][1]
    return found


def dimension(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = version(document)["dimensions"][0]
    return found


BROKEN: list[tuple[Change, str]] = [
    (lambda d: d.update(format="other"), "This is not a guideline file"),
    (lambda d: d.update(version=2), "The file is of version 2"),
    (lambda d: d.update(more=1), "The file: “more” is not known here"),
    (lambda d: d.update(guidelines=[]), "holds no guideline"),
    (lambda d: d.update(guidelines={}), "“guidelines” has to be a list of objects"),
    (lambda d: d["guidelines"].append(d["guidelines"][0]), "two guidelines named “Tone”"),
    (lambda d: d["guidelines"][0].pop("name"), "Guideline 1: “name” is missing or empty"),
    (lambda d: d["guidelines"][0].update(name="x" * 121), "longer than 120 characters"),
    (lambda d: d["guidelines"][0].update(form="both"), "Guideline “Tone”: “form” has to be one of"),
    (lambda d: d["guidelines"][0].update(versions=[]), "it has no version"),
    (lambda d: d["guidelines"][0]["versions"].reverse(), "from the oldest to the newest"),
    (lambda d: d["guidelines"][0]["versions"][0].update(state="draft"), "only its newest version"),
    (lambda d: version(d).update(number="one"), "“one” is no version number"),
    (lambda d: version(d).update(number="1.99999"), "is no version number"),
    (lambda d: version(d).update(state="lost"), "Guideline “Tone”, version 1.1: “state” has to be"),
    (lambda d: version(d).update(published_at="noon"), "“published_at” has to be a time"),
    (lambda d: version(d).update(published_at=7), "“published_at” has to be a time"),
    (lambda d: version(d).update(text=["a"]), "“text” has to be a text in quotes"),
    (lambda d: version(d).update(text="a\0b"), "“text” holds a sign that cannot be stored"),
    (lambda d: version(d).update(text="\ud800"), "“text” holds a sign that cannot be stored"),
    (lambda d: version(d).update(text="x" * 50_001), "“text” is longer than 50,000 characters"),
    (lambda d: version(d)["examples"][0].update(is_good="yes"), "example 1: “is_good” has to be"),
    (lambda d: version(d)["examples"][0].update(title=" "), "example 1: “title” is missing"),
    (lambda d: version(d).update(dimensions=[dimension(d)] * 2), "have the same key"),
    (lambda d: dimension(d).update(key="Two words"), "version 1.1, dimension 1: The key"),
    (lambda d: dimension(d).update(kind="pairwise"), "a preference needs a pairwise guideline"),
    (lambda d: dimension(d).update(cut="9"), "The cut 9 of “accuracy” is none of"),
    (lambda d: dimension(d).update(level="interval", kind="category"), "of level interval"),
    (lambda d: dimension(d).update(points=[{"value": "1"}]), "at least two labels"),
    (lambda d: dimension(d).update(points=[1, 2]), "“points” has to be a list of objects"),
    (lambda d: dimension(d)["points"][0].update(words=""), "point 1: “words” is not known here"),
    (lambda d: dimension(d).update(allow_na=None), "“allow_na” has to be true or false"),
    (lambda d: dimension(d).update(rationale="maybe"), "“rationale” has to be one of"),
]


@pytest.mark.parametrize(("change", "sentence"), BROKEN)
def test_what_is_wrong_is_said_with_its_place(change: Change, sentence: str) -> None:
    document = copy.deepcopy(as_document([tone()]))
    change(document)
    with pytest.raises(Invalid) as refusal:
        read_document(document)
    assert sentence in refusal.value.sentence


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "line 1, column 1"),
        (b"{", "no JSON that can be read"),
        (b"\xff\xfe", "not in UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format": NaN}', "no JSON that can be read"),
        (b"[]", "This is not a guideline file"),
        (b" " * (LARGEST_FILE + 1), "larger than 5 MB"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_a_sentence(raw: bytes, sentence: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(raw)
    assert sentence in refusal.value.sentence


def test_the_file_is_json_that_any_tool_reads() -> None:
    document = json.loads(written([tone()]))
    assert document["guidelines"][0]["versions"][1]["examples"][0]["why"] == "It helps nobody."
