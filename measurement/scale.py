"""The labels that one dimension allows, and how two of them may be compared."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from measurement.arrays import Floats, Ints, np

Level = Literal["nominal", "ordinal", "interval"]

LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval")
NOT_APPLICABLE = "not_applicable"
TIE = "tie"
PAIRWISE = ("A", TIE, "B")
GRADED = ("A2", "A1", TIE, "B1", "B2")
PREFERRED = ("A", "B")
PASS_FAIL = ("fail", "pass")
_GRADED_TO_PLAIN = {"A2": "A", "A1": "A", TIE: TIE, "B1": "B", "B2": "B"}
_RANGE = re.compile(r"\s*(-?\d+)\s*-\s*(-?\d+)\s*")
_WIDEST_RANGE = 1000


class TableError(ValueError):
    """Labels or options that cannot be measured; the text is a sentence for people."""


class OutsideScale(TableError):
    """A label that the scale does not have."""


def label_text(value: object) -> str:
    """The text under which a label is compared: `4`, `4.0` and `"4"` are one label; none is ""."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    return str(value).strip()


def as_number(text: str) -> float | None:
    """The label as a finite number, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def side_of(label: str) -> str:
    """The winner that a graded preference names; every other label is its own side."""
    return _GRADED_TO_PLAIN.get(label, label)


@dataclass(frozen=True, slots=True)
class Scale:
    """The allowed labels of one dimension, lowest first, and how they may be compared.

    `level` is the level of measurement. `is_pairwise` marks preferences between A and B (plain
    or graded). `has_order` says that the order of `labels` means something, so that a cut can
    be made. `cut` is the first label that counts as acceptable.
    """

    labels: tuple[str, ...]
    level: Level = "nominal"
    is_numeric: bool = False
    is_pairwise: bool = False
    has_order: bool = False
    cut: str | None = None

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels):
            raise TableError("A scale names each label once.")
        if self.level not in LEVELS:
            raise TableError(f"The level of measurement is one of {', '.join(LEVELS)}.")
        if self.level == "interval" and not self.is_numeric:
            raise TableError("The level interval needs labels that are numbers.")
        if self.cut is not None:
            self._check_cut(self.cut)

    def _check_cut(self, cut: str) -> None:
        if not self.has_order:
            raise TableError(
                f"A cut at {cut} needs labels in order: name the scale from lowest to highest."
            )
        if cut not in self.labels:
            raise TableError(f"The cut {cut} is not on the scale {self.spoken()}.")
        if cut == self.labels[0]:
            raise TableError(f"A cut at {cut}, the lowest label, would let everything pass.")

    @classmethod
    def points(
        cls, low: int, high: int, *, level: Level = "ordinal", cut: str | int | None = None
    ) -> Scale:
        """A rating scale of whole points, such as 1 to 5."""
        if high <= low or high - low >= _WIDEST_RANGE:
            raise TableError(f"{low}-{high} is not a scale: the first point is the lowest.")
        labels = tuple(str(point) for point in range(low, high + 1))
        return cls(labels, level, is_numeric=True, has_order=True).with_cut(cut)

    @classmethod
    def pairwise(cls, *, is_graded: bool = False, level: Level = "nominal") -> Scale:
        """A preference between two responses: A, tie, B, or the graded A2 A1 tie B1 B2."""
        return cls(GRADED if is_graded else PAIRWISE, level, is_pairwise=True)

    @classmethod
    def listed(
        cls, labels: Sequence[object], *, level: Level | None = None, cut: object = None
    ) -> Scale:
        """Labels named by somebody, lowest first; numbers are put in order."""
        texts = tuple(label_text(label) for label in labels)
        for known in (PAIRWISE, GRADED):
            if set(texts) == set(known):
                return cls(known, level or "nominal", is_pairwise=True).with_cut(cut)
        if len(texts) < 2 or not all(texts):
            raise TableError("A scale has at least two labels, none of them empty.")
        numbers = [as_number(text) for text in texts]
        is_numeric = None not in numbers
        if is_numeric:
            texts = _by_number(texts)
        chosen = level or ("ordinal" if is_numeric else "nominal")
        return cls(texts, chosen, is_numeric=is_numeric, has_order=True).with_cut(cut)

    @classmethod
    def parse(cls, text: str, *, level: Level | None = None, cut: object = None) -> Scale:
        """Read `1-5` or `a,b,c`; a numeric scale is ordinal unless a level is given."""
        matched = _RANGE.fullmatch(text)
        if matched:
            low, high = int(matched[1]), int(matched[2])
            return cls.points(low, high, level=level or "ordinal").with_cut(cut)
        return cls.listed(text.split(","), level=level, cut=cut)

    @classmethod
    def seen(
        cls, labels: Iterable[object], *, level: Level | None = None, cut: object = None
    ) -> Scale:
        """The scale that a set of labels shows: pairwise, numbers, or plain categories."""
        texts = {label_text(label) for label in labels} - {"", NOT_APPLICABLE}
        chosen: Level = level or "nominal"
        for known in (PAIRWISE, GRADED):
            if texts and texts <= set(known):
                return cls(known, chosen, is_pairwise=True).with_cut(cut)
        if texts and all(as_number(text) is not None for text in texts):
            ordered = _by_number(texts)
            return cls(ordered, chosen, is_numeric=True, has_order=True).with_cut(cut)
        if chosen != "nominal":
            raise TableError(
                f"The level {chosen} needs labels in order: name the scale from lowest to highest."
            )
        return cls(tuple(sorted(texts)), chosen).with_cut(cut)

    def with_cut(self, cut: object) -> Scale:
        """The same scale with this cut; None leaves it as it is."""
        text = label_text(cut)
        if not text:
            return self
        if not self.has_order:
            return replace(self, cut=text)
        found = self.find(text)
        return replace(self, cut=text if found is None else self.labels[found])

    def find(self, label: object) -> int | None:
        """The place of a label on the scale, or None; numbers are compared as numbers."""
        text = label_text(label)
        if text in self.labels:
            return self.labels.index(text)
        number = as_number(text) if self.is_numeric else None
        if number is None:
            return None
        return next((i for i, known in enumerate(self.labels) if float(known) == number), None)

    def code(self, label: object) -> int:
        """The place of a label on the scale; −1 for none and for "not applicable".

        Raises OutsideScale with a sentence for any other label.
        """
        text = label_text(label)
        found = self.find(text)
        if found is not None:
            return found
        if text in {"", NOT_APPLICABLE}:
            return -1
        raise OutsideScale(f"The label {text} is not on the scale {self.spoken()}.")

    def codes(self, vocabulary: Sequence[str]) -> Ints:
        """`code` of each label of a vocabulary, as an array."""
        return np.array([self.code(label) for label in vocabulary], dtype=np.int64)

    def numbers(self) -> Floats:
        """Each label's number: its own on a numeric scale, else its place from 0."""
        if self.is_numeric:
            return np.array([float(label) for label in self.labels])
        return np.arange(len(self.labels), dtype=np.float64)

    def spoken(self) -> str:
        """The labels for a sentence."""
        if len(self.labels) > 12:
            return f"{self.labels[0]} … {self.labels[-1]}"
        return ", ".join(self.labels)

    @property
    def is_rating(self) -> bool:
        """More than two points with an order that matters: needs a cut before a gate decides."""
        is_ordered = self.level != "nominal" or self.cut is not None
        return is_ordered and not self.is_pairwise and len(self.labels) > 2

    def tested(self) -> Scale:
        """The labels that the gate compares: pass and fail at the cut, plain A, tie, B, or these.

        A graded preference collapses to A, tie and B.
        """
        if self.cut is not None:
            return Scale(PASS_FAIL, has_order=True)
        if self.is_pairwise:
            return Scale(PAIRWISE, is_pairwise=True)
        return self

    def tested_codes(self) -> Ints:
        """For each label of this scale its place on `tested()`."""
        if self.cut is not None:
            return (np.arange(len(self.labels)) >= self.labels.index(self.cut)).astype(np.int64)
        if self.is_pairwise:
            return np.array(
                [PAIRWISE.index(side_of(label)) for label in self.labels], dtype=np.int64
            )
        return np.arange(len(self.labels), dtype=np.int64)


def _by_number(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts of numbers, lowest first, one for each number (the shortest way to write it)."""
    chosen: dict[float, str] = {}
    for text in sorted(texts, key=lambda text: (len(text), text)):
        chosen.setdefault(float(text), text)
    return tuple(chosen[number] for number in sorted(chosen))
