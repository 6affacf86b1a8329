"""What is a valid label for a dimension, how labels compare, and what a swap does to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.errors import Invalid
from core.mapping import as_key, listed

Kind = Literal["scale", "yes_no", "category", "pairwise", "pairwise_graded"]
Level = Literal["nominal", "ordinal", "interval"]

NOT_APPLICABLE = "not_applicable"
NOT_APPLICABLE_SHORT = "n/a"
TIE = "tie"
YES_NO = ("no", "yes")
PAIRWISE = ("A", TIE, "B")
PAIRWISE_GRADED = ("A2", "A1", TIE, "B1", "B2")
LABEL_CHARS = 40

_FIXED: dict[Kind, tuple[str, ...]] = {
    "yes_no": YES_NO,
    "pairwise": PAIRWISE,
    "pairwise_graded": PAIRWISE_GRADED,
}
_USUAL_LEVEL: dict[Kind, Level] = {
    "scale": "ordinal",
    "yes_no": "nominal",
    "category": "nominal",
    "pairwise": "nominal",
    "pairwise_graded": "ordinal",
}
_SWAPPED = {"A": "B", "B": "A", "A1": "B1", "B1": "A1", "A2": "B2", "B2": "A2"}


@dataclass(frozen=True, slots=True)
class Point:
    """One allowed label and what it stands for."""

    value: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class DimensionRule:
    """The scale of one dimension. `points` run from lowest to highest, or from A to B.

    `points` may be left out for yes/no and pairwise kinds. `cut` is the lowest label that counts
    as acceptable ('' = none). Raises `Invalid` for a scale that nobody could rate on.
    """

    key: str
    kind: Kind
    points: tuple[Point, ...] = ()
    level: Level | None = None
    cut: str = ""
    allow_na: bool = False

    def __post_init__(self) -> None:
        if not self.points and self.kind in _FIXED:
            # A frozen value has no other way to fill in its own default.
            object.__setattr__(self, "points", tuple(map(Point, _FIXED[self.kind])))
        _check_points(self)
        _check_level(self)
        _check_cut(self)

    @property
    def values(self) -> tuple[str, ...]:
        """The points' labels, without "not applicable"."""
        return tuple(point.value for point in self.points)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that a rater may give."""
        return (*self.values, NOT_APPLICABLE) if self.allow_na else self.values

    @property
    def is_pairwise(self) -> bool:
        return self.kind in ("pairwise", "pairwise_graded")

    @property
    def measured_at(self) -> Level:
        """The level of measurement: the one declared, else the usual one of the kind."""
        return self.level or _USUAL_LEVEL[self.kind]


def _check_points(rule: DimensionRule) -> None:
    values = rule.values
    fixed = _FIXED.get(rule.kind)
    if fixed and set(values) != set(fixed):
        raise Invalid(
            "scale_points", f"The labels of “{rule.key}” are fixed by its kind: {', '.join(fixed)}."
        )
    if len(values) < 2 or not all(values):
        raise Invalid(
            "scale_points", f"“{rule.key}” needs at least two labels, none of them empty."
        )
    if len(set(values)) != len(values):
        raise Invalid("scale_points", f"“{rule.key}” names a label twice. Each label stands once.")
    if {NOT_APPLICABLE, NOT_APPLICABLE_SHORT} & set(values):
        raise Invalid(
            "scale_points", f"“Not applicable” is no label of “{rule.key}”: allow it apart."
        )
    if any(len(value) > LABEL_CHARS for value in values):
        raise Invalid(
            "scale_points", f"A label of “{rule.key}” is longer than {LABEL_CHARS} characters."
        )
    if rule.kind == "scale":
        _check_numbers(rule)


def _check_numbers(rule: DimensionRule) -> None:
    numbers = [_number(value) for value in rule.values]
    if None in numbers:
        raise Invalid("scale_points", f"The points of the scale “{rule.key}” are numbers.")
    if numbers != sorted({number for number in numbers if number is not None}):
        raise Invalid(
            "scale_points", f"The points of the scale “{rule.key}” rise from lowest to highest."
        )


def _check_level(rule: DimensionRule) -> None:
    if rule.measured_at == "interval" and rule.kind != "scale":
        raise Invalid(
            "scale_level", f"Only a scale of numbers can be of level interval, not “{rule.key}”."
        )


def _check_cut(rule: DimensionRule) -> None:
    if not rule.cut:
        return
    if rule.is_pairwise:
        raise Invalid("scale_cut", f"A preference such as “{rule.key}” has no cut.")
    if rule.cut not in rule.values:
        raise Invalid(
            "scale_cut", f"The cut {rule.cut} of “{rule.key}” is none of {', '.join(rule.values)}."
        )
    if rule.cut == rule.values[0]:
        raise Invalid(
            "scale_cut", f"A cut of “{rule.key}” at its lowest label would let everything pass."
        )


def check(rule: DimensionRule, raw: object) -> str:
    """The label as it is stored, or `Invalid` with a sentence that says what is allowed.

    Numbers on a scale are compared as numbers (4, "4" and "4.0" are one label); other labels to
    the letter. "n/a" is "not applicable" where the dimension allows it.
    """
    text = as_key(raw)
    if not text:
        raise Invalid(
            "label_missing", f"“{rule.key}” has no label yet. Choose one of {_allowed(rule)}."
        )
    if text in (NOT_APPLICABLE, NOT_APPLICABLE_SHORT):
        if rule.allow_na:
            return NOT_APPLICABLE
        raise Invalid("label_outside", f"“Not applicable” is not allowed for “{rule.key}”.")
    found = text if text in rule.values else _same_number(rule, text)
    if found is None:
        raise Invalid(
            "label_outside",
            f"“{text[:LABEL_CHARS]}” is not a label of “{rule.key}”. Choose one of "
            f"{_allowed(rule)}.",
        )
    return found


def swapped(label: str) -> str:
    """A pairwise label with the two responses exchanged: shown order to own order and back."""
    return _SWAPPED.get(label, label)


def _same_number(rule: DimensionRule, text: str) -> str | None:
    if rule.kind != "scale":
        return None
    number = _number(text)
    return next((v for v in rule.values if number is not None and _number(v) == number), None)


def _number(text: str) -> float | None:
    """The number that a plain decimal text stands for; None for words, nan and the endless."""
    if not text.strip("+-.0123456789") and text.isascii():
        try:
            return float(text)
        except ValueError:
            return None
    return None


def _allowed(rule: DimensionRule) -> str:
    return listed("", rule.labels) if len(rule.labels) > 12 else ", ".join(rule.labels)
