"""What makes a rubric whole, and which changes to it are changes of meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from annotation.rules import scales
from annotation.rules.scales import Point
from annotation.states import DimensionKind, GuidelineForm, Level, RationaleRule
from core.errors import Invalid

KEY = re.compile(r"[a-z][a-z0-9_-]{0,59}")
WHOLE = re.compile(r"-?\d{1,6}")
MOST_POINTS = 21
MOST_DIMENSIONS = 20

PAIRWISE_KINDS = frozenset({DimensionKind.PAIRWISE, DimensionKind.PAIRWISE_GRADED})

FIXED_VALUES: dict[DimensionKind, tuple[str, ...]] = {
    DimensionKind.YES_NO: scales.YES_NO,
    DimensionKind.PAIRWISE: scales.PAIRWISE,
    DimensionKind.PAIRWISE_GRADED: scales.PAIRWISE_GRADED,
}
"""Kinds whose labels are the same everywhere; only their anchors are written."""

KIND_NAMES: dict[DimensionKind, str] = {
    DimensionKind.SCALE: "Scale of numbers",
    DimensionKind.YES_NO: "Yes or no",
    DimensionKind.CATEGORY: "Categories",
    DimensionKind.PAIRWISE: "Preference: A, tie, B",
    DimensionKind.PAIRWISE_GRADED: "Graded preference: A2, A1, tie, B1, B2",
}
RATIONALE_NAMES: dict[RationaleRule, str] = {
    RationaleRule.OPTIONAL: "optional",
    RationaleRule.REQUIRED: "required",
    RationaleRule.NONE: "not asked for",
}

ORDERED_KINDS = frozenset({DimensionKind.SCALE, DimensionKind.PAIRWISE_GRADED})


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
        if self.level is not None:
            return self.level
        return Level.ORDINAL if self.kind in ORDERED_KINDS else Level.NOMINAL


def points_of(kind: DimensionKind, written: Sequence[Point]) -> tuple[Point, ...]:
    """The points of a dimension: fixed kinds keep their labels and take the written anchors.

    Whole numbers on a scale are put from low to high; all else stays as written.
    """
    fixed = FIXED_VALUES.get(kind)
    if fixed is not None:
        anchors = {point.value: point.anchor for point in written}
        return tuple(Point(value, anchors.get(value, "")) for value in fixed)
    if kind is DimensionKind.SCALE and all(WHOLE.fullmatch(point.value) for point in written):
        return tuple(sorted(written, key=lambda point: int(point.value)))
    return tuple(written)


def foreign_values(kind: DimensionKind, written: Sequence[Point]) -> list[str]:
    """Written labels that a kind with fixed labels does not have."""
    fixed = FIXED_VALUES.get(kind)
    return [] if fixed is None else [p.value for p in written if p.value not in fixed]


def scale_problem(spec: DimensionSpec) -> Invalid | None:
    """Why nobody could rate on this scale (code `scale_points`, `scale_level` or `scale_cut`)."""
    if len(spec.points) > MOST_POINTS:
        return Invalid("scale_points", f"“{spec.key}” has more than {MOST_POINTS} points.")
    try:
        scales.DimensionRule(
            key=spec.key,
            kind=cast(scales.Kind, spec.kind.value),
            points=spec.points,
            level=cast(scales.Level, spec.level_of_measurement.value),
            cut=spec.cut,
            allow_na=spec.allow_na,
        )
    except Invalid as refusal:
        return refusal
    return None


def kind_problem(kind: DimensionKind, form: GuidelineForm) -> str:
    """Why a dimension of this kind cannot stand in a guideline of this form; empty if it can."""
    if (kind in PAIRWISE_KINDS) == (form is GuidelineForm.PAIRWISE):
        return ""
    if form is GuidelineForm.PAIRWISE:
        return "This guideline compares two responses: choose a preference."
    return "This guideline rates one response at a time: a preference needs a pairwise guideline."


def rubric_problems(specs: Sequence[DimensionSpec], form: GuidelineForm) -> list[str]:
    """What keeps a rubric from being published, as sentences; none when it is whole."""
    if not specs:
        return ["The rubric is empty: add at least one dimension."]
    problems = []
    if len(specs) > MOST_DIMENSIONS:
        problems.append(f"A rubric has at most {MOST_DIMENSIONS} dimensions.")
    keys = [spec.key for spec in specs]
    problems += [
        f"The key “{key}” stands more than once; each dimension has its own."
        for key in sorted({key for key in keys if keys.count(key) > 1})
    ]
    for spec in specs:
        problems += dimension_problems(spec, form)
    return problems


def meaning_changes(before: Sequence[DimensionSpec], after: Sequence[DimensionSpec]) -> list[str]:
    """Changes after which labels cannot be compared with those before, as sentences.

    None: the new version may be a minor one. Wording, questions, anchors and the rule for
    rationales may change freely.
    """
    old = {spec.key: spec for spec in before}
    new = {spec.key: spec for spec in after}
    found = [f"the dimension “{key}” is gone" for key in old if key not in new]
    found += [f"the dimension “{key}” is new" for key in new if key not in old]
    for key, spec in new.items():
        if key in old:
            found += [f"“{key}” has another {what}" for what in _differences(old[key], spec)]
    return found


def dimension_problems(spec: DimensionSpec, form: GuidelineForm) -> list[str]:
    """What is wrong with one dimension of a guideline of this form, as sentences."""
    problems = [] if KEY.fullmatch(spec.key) else [f"The key “{spec.key}” is no key."]
    problems += [] if spec.name else [f"The dimension “{spec.key}” has no name."]
    kind = kind_problem(spec.kind, form)
    problems += [f"“{spec.key}”: {kind}"] if kind else []
    scale = scale_problem(spec)
    return problems + ([scale.sentence] if scale else [])


def _differences(old: DimensionSpec, new: DimensionSpec) -> list[str]:
    pairs = {
        "kind": (old.kind, new.kind),
        "level of measurement": (old.level_of_measurement, new.level_of_measurement),
        "scale": (old.values, new.values),
        "cut": (old.cut, new.cut),
        "rule for “not applicable”": (old.allow_na, new.allow_na),
    }
    return [name for name, (one, other) in pairs.items() if one != other]
