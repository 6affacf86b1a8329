"""What differs between two versions of a guideline: text, worked examples, rubric."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from annotation.rules import linediff
from annotation.rules.linediff import Row
from annotation.rules.rubric import (
    KIND_NAMES,
    RATIONALE_NAMES,
    DimensionSpec,
    meaning_changes,
)
from annotation.rules.writing import WorkedExample, Writing


class Fate(StrEnum):
    """What became of an example or a dimension."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that differs; `is_meaning`: labels before and after cannot be compared."""

    what: str
    rows: tuple[Row, ...]
    is_meaning: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """An example or a dimension that differs."""

    title: str
    fate: Fate
    entries: tuple[Entry, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Differences:
    """Everything that differs; empty parts are the same in both versions."""

    text: tuple[Row, ...]
    examples: tuple[Part, ...]
    dimensions: tuple[Part, ...]
    meaning: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.text or self.examples or self.dimensions)


@dataclass(frozen=True, slots=True)
class _Fact:
    words: str
    is_meaning: bool = False


_Facts = Mapping[str, _Fact]


def differences(before: Writing, after: Writing) -> Differences:
    """What a reader of `before` has to learn to go by `after`."""
    return Differences(
        text=linediff.rows(before.text, after.text),
        examples=tuple(_examples(before.examples, after.examples)),
        dimensions=tuple(_dimensions(before.dimensions, after.dimensions)),
        meaning=tuple(meaning_changes(before.dimensions, after.dimensions)),
    )


def _examples(before: Sequence[WorkedExample], after: Sequence[WorkedExample]) -> Iterator[Part]:
    left = list(before)
    for example in after:
        former = _former(example, left)
        if former is not None:
            left.remove(former)
        yield from _part(
            example.title,
            _of_example(former) if former else None,
            _of_example(example),
        )
    for example in left:
        yield from _part(example.title, _of_example(example), None)


def _former(example: WorkedExample, left: Sequence[WorkedExample]) -> WorkedExample | None:
    """What the example was before: the same throughout, else of the same title, else text."""
    tests: list[Callable[[WorkedExample], bool]] = [
        lambda one: one == example,
        lambda one: one.title == example.title,
        lambda one: one.text == example.text,
    ]
    return next((one for test in tests for one in left if test(one)), None)


def _dimensions(before: Sequence[DimensionSpec], after: Sequence[DimensionSpec]) -> Iterator[Part]:
    old = {spec.key: spec for spec in before}
    new = {spec.key: spec for spec in after}
    was = _places([key for key in old if key in new])
    now = _places([key for key in new if key in old])
    for key, spec in new.items():
        former = old.get(key)
        yield from _part(
            spec.name,
            _of_dimension(former, was.get(key, 0)) if former else None,
            _of_dimension(spec, now.get(key, 0)),
            key=key,
        )
    for key, spec in old.items():
        if key not in new:
            yield from _part(spec.name, _of_dimension(spec, 0), None, key=key)


def _places(keys: Sequence[str]) -> dict[str, int]:
    return {key: place for place, key in enumerate(keys, start=1)}


def _part(title: str, before: _Facts | None, after: _Facts | None, *, key: str = "") -> list[Part]:
    """The part with what differs in it, or nothing."""
    fate = Fate.NEW if before is None else Fate.GONE if after is None else Fate.CHANGED
    entries = tuple(_entries(before or {}, after or {}))
    return [Part(title, fate, entries, key)] if entries else []


def _entries(before: _Facts, after: _Facts) -> Iterator[Entry]:
    nothing = _Fact("")
    for what in dict.fromkeys((*before, *after)):
        old, new = before.get(what, nothing), after.get(what, nothing)
        rows = linediff.rows(old.words, new.words)
        if rows:
            yield Entry(what, rows, old.is_meaning or new.is_meaning)


def _of_example(example: WorkedExample) -> _Facts:
    return {
        "title": _Fact(example.title),
        "verdict": _Fact("good" if example.is_good else "bad"),
        "response": _Fact(example.text),
        "why": _Fact(example.why),
    }


def _of_dimension(spec: DimensionSpec, place: int) -> _Facts:
    """`place` among the dimensions that both versions have; 0 for one that only one has."""
    return {
        "place": _Fact(str(place) if place else ""),
        "name": _Fact(spec.name),
        "question": _Fact(spec.question),
        "kind": _Fact(KIND_NAMES[spec.kind], is_meaning=True),
        "level of measurement": _Fact(spec.level_of_measurement.value, is_meaning=True),
        "scale": _Fact(", ".join(spec.values), is_meaning=True),
        **{f"anchor of {point.value}": _Fact(point.anchor) for point in spec.points},
        "cut": _Fact(spec.cut, is_meaning=True),
        "“not applicable”": _Fact("allowed" if spec.allow_na else "not allowed", is_meaning=True),
        "rationale": _Fact(RATIONALE_NAMES[spec.rationale]),
    }
