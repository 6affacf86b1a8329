"""What makes a rubric whole, and which changes to it are changes of meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from annotation.states import DimensionKind, GuidelineForm, Level, RationaleRule

NOT_APPLICABLE = "not_applicable"
KEY = re.compile(r"[a-z][a-z0-9_-]{0,59}")
LONGEST_VALUE = 40
MOST_POINTS = 21
MOST_DIMENSIONS = 20

PAIRWISE_KINDS = frozenset({DimensionKind.PAIRWISE, DimensionKind.PAIRWISE_GRADED})

FIXED_VALUES: dict[DimensionKind, tuple[str, ...]] = {
    DimensionKind.YES_NO: ("no", "yes"),
    DimensionKind.PAIRWISE: ("A", "B", "tie"),
    DimensionKind.PAIRWISE_GRADED: ("A2", "A1", "tie", "B1", "B2"),
}
"""Kinds whose labels are the same everywhere; only their anchors are written."""

LEVELS: dict[DimensionKind, Level] = {
    DimensionKind.SCALE: Level.ORDINAL,
    DimensionKind.YES_NO: Level.NOMINAL,
    DimensionKind.CATEGORY: Level.NOMINAL,
    DimensionKind.PAIRWISE: Level.NOMINAL,
    DimensionKind.PAIRWISE_GRADED: Level.ORDINAL,
}


@dataclass(frozen=True, slots=True)
class Point:
    """One allowed label and the words that say when it is right."""

    value: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class DimensionSpec:
    """One criterion as it is written: points from worst to best, `cut` empty for none."""

    key: str
    name: str
    kind: DimensionKind
    points: tuple[Point, ...]
    question: str = ""
    cut: str = ""
    allow_na: bool = False
    rationale: RationaleRule = RationaleRule.OPTIONAL
    level: Level | None = None

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(point.value for point in self.points)

    @property
    def level_of_measurement(self) -> Level:
        """The declared level, or the usual one of the kind."""
        return self.level or LEVELS[self.kind]


def points_of(kind: DimensionKind, written: Sequence[Point]) -> tuple[Point, ...]:
    """The points of a dimension: fixed kinds keep their labels and take the written anchors.

    Whole numbers on a scale are put from low to high; all else stays as written.
    """
    fixed = FIXED_VALUES.get(kind)
    if fixed is not None:
        anchors = {point.value: point.anchor for point in written}
        return tuple(Point(value, anchors.get(value, "")) for value in fixed)
    if kind is DimensionKind.SCALE and all(_is_whole(point.value) for point in written):
        return tuple(sorted(written, key=lambda point: int(point.value)))
    return tuple(written)


def foreign_values(kind: DimensionKind, written: Sequence[Point]) -> list[str]:
    """Written labels that a kind with fixed labels does not have."""
    fixed = FIXED_VALUES.get(kind)
    return [] if fixed is None else [p.value for p in written if p.value not in fixed]


def point_problems(spec: DimensionSpec) -> list[str]:
    """What is wrong with the points, as sentences."""
    values = spec.values
    problems = []
    if not 2 <= len(values) <= MOST_POINTS:
        problems.append(f"Give 2 to {MOST_POINTS} points, one a line; there are {len(values)}.")
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        problems.append(f"Each point stands once; {_quoted(repeated)} stands more often.")
    if any(not value or len(value) > LONGEST_VALUE for value in values):
        problems.append(f"A point's label has 1 to {LONGEST_VALUE} characters.")
    if NOT_APPLICABLE in values:
        problems.append(
            f"{NOT_APPLICABLE!r} is no point of a scale: tick “may be not applicable” instead."
        )
    return problems


def cut_problems(spec: DimensionSpec) -> list[str]:
    """What is wrong with the cut, as sentences."""
    if not spec.cut:
        return []
    if spec.kind not in {DimensionKind.SCALE, DimensionKind.YES_NO}:
        return ["Only scales and yes/no have a cut; leave it empty here."]
    if spec.cut not in spec.values:
        return [f"The cut is one of the points: {', '.join(spec.values)}."]
    if spec.cut == spec.values[0]:
        return ["With the lowest point as the cut everything would be acceptable; raise it."]
    return []


def rubric_problems(specs: Sequence[DimensionSpec], form: GuidelineForm) -> list[str]:
    """What keeps a rubric from being published, as sentences; none when it is whole."""
    if not specs:
        return ["The rubric is empty: add at least one dimension."]
    problems = []
    if len(specs) > MOST_DIMENSIONS:
        problems.append(f"A rubric has at most {MOST_DIMENSIONS} dimensions.")
    keys = [spec.key for spec in specs]
    problems += [
        f"The key {key!r} stands more than once; each dimension has its own."
        for key in sorted({key for key in keys if keys.count(key) > 1})
    ]
    for spec in specs:
        problems += [f"{spec.name or spec.key}: {text}" for text in _problems(spec, form)]
    return problems


def kind_problem(kind: DimensionKind, form: GuidelineForm) -> str:
    """Why a dimension of this kind cannot stand in a guideline of this form; empty if it can."""
    if (kind in PAIRWISE_KINDS) == (form is GuidelineForm.PAIRWISE):
        return ""
    if form is GuidelineForm.PAIRWISE:
        return "This guideline compares two responses: choose a preference."
    return "This guideline rates one response at a time: a preference needs a pairwise guideline."


def meaning_changes(before: Sequence[DimensionSpec], after: Sequence[DimensionSpec]) -> list[str]:
    """Changes after which labels cannot be compared with those before, as sentences.

    None: the new version may be a minor one. Wording, questions, anchors and the rule for
    rationales may change freely.
    """
    old = {spec.key: spec for spec in before}
    new = {spec.key: spec for spec in after}
    found = [f"the dimension {key!r} is gone" for key in old if key not in new]
    found += [f"the dimension {key!r} is new" for key in new if key not in old]
    for key, spec in new.items():
        if key in old:
            found += [f"{key!r} has another {what}" for what in _differences(old[key], spec)]
    return found


def _problems(spec: DimensionSpec, form: GuidelineForm) -> list[str]:
    problems = [] if KEY.fullmatch(spec.key) else ["The key needs small letters and digits."]
    problems += [] if spec.name else ["The name is missing."]
    kind = kind_problem(spec.kind, form)
    problems += [kind] if kind else []
    return problems + point_problems(spec) + cut_problems(spec)


def _differences(old: DimensionSpec, new: DimensionSpec) -> list[str]:
    pairs = {
        "kind": (old.kind, new.kind),
        "level of measurement": (old.level_of_measurement, new.level_of_measurement),
        "scale": (old.values, new.values),
        "cut": (old.cut, new.cut),
        "answer to “not applicable”": (old.allow_na, new.allow_na),
    }
    return [name for name, (one, other) in pairs.items() if one != other]


def _is_whole(value: str) -> bool:
    return bool(re.fullmatch(r"-?\d{1,6}", value))


def _quoted(values: Sequence[str]) -> str:
    return ", ".join(repr(value) for value in values)
