"""The values that every figure is made from and given back as: scales, label tables, estimates."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
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
_RATER_BITS = 31


class TableError(ValueError):
    """Labels or options that cannot be measured; the text is a sentence for people."""


class OutsideScale(TableError):
    """A label that the scale does not have."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the figure may lie: `low` and `high` in the figure's own unit, at `level`."""

    low: float
    high: float
    level: float = 0.95
    method: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError("an interval has two finite ends, the lower one first")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the number of things it rests on, or the reason why there is none.

    `n` counts what the figure is a share or mean of (pairs, items, votes): each function says
    which. A value is always finite; `None` always comes with `undefined_because`.
    """

    value: float | None
    n: int
    interval: Interval | None = None
    undefined_because: str = ""

    def __post_init__(self) -> None:
        if self.value is None and not self.undefined_because:
            raise ValueError("an estimate without a value needs the reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError("an estimate is a finite number or undefined, never nan")

    @classmethod
    def undefined(cls, because: str, *, n: int = 0) -> Estimate:
        return cls(None, n, None, because)

    @property
    def is_defined(self) -> bool:
        return self.value is not None

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: value, n, interval as [low, high] or null, undefined_because."""
        bounds = None if self.interval is None else [self.interval.low, self.interval.high]
        return {
            "value": self.value,
            "n": self.n,
            "interval": bounds,
            "undefined_because": self.undefined_because,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Estimate:
        """Read the JSON form back; level and method of the interval are not part of it."""
        bounds = stored.get("interval")
        interval = None if bounds is None else Interval(float(bounds[0]), float(bounds[1]))
        return cls(stored["value"], stored["n"], interval, stored.get("undefined_because", ""))


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


class Vote(NamedTuple):
    """One rater's label on one item; `cluster` names what the item shares with its siblings."""

    item: str
    rater: str
    label: object
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class RatingTable:
    """The labels of one dimension, one row a vote, as arrays.

    `item_codes`, `rater_codes` and `label_codes` (all of length votes) point into `items`,
    `raters` and `labels`; `cluster_codes` has one entry an item. Items and raters stand in the
    order of their names, so the order of the rows changes no figure and no interval.
    A rater's later labels on the same item are kept apart in `retests` (first, later).
    """

    items: tuple[str, ...]
    raters: tuple[str, ...]
    labels: tuple[str, ...]
    item_codes: Ints
    rater_codes: Ints
    label_codes: Ints
    cluster_codes: Ints
    has_clusters: bool = False
    retests: Ints = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))

    @classmethod
    def build(cls, rows: Iterable[Vote | tuple[Any, ...]]) -> RatingTable:
        """Read rows of (item, rater, label[, cluster]); an empty label is a missing one.

        The first label of a rater on an item counts. Raises TableError when two rows put one
        item into different clusters.
        """
        items: dict[str, int] = {}
        raters: dict[str, int] = {}
        labels: dict[str, int] = {}
        clusters: dict[int, str] = {}
        first: dict[int, int] = {}
        later: list[tuple[int, int]] = []
        for row in rows:
            text = label_text(row[2])
            if not text:
                continue
            item = items.setdefault(str(row[0]), len(items))
            rater = raters.setdefault(str(row[1]), len(raters))
            label = labels.setdefault(text, len(labels))
            _note_cluster(clusters, item, row)
            key = item << _RATER_BITS | rater
            if key in first:
                later.append((first[key], label))
            else:
                first[key] = label
        return _assemble(items, raters, labels, clusters, first, later)

    @property
    def repeats(self) -> int:
        """How many labels were left out because the rater had labelled the item before."""
        return len(self.retests)

    @property
    def clusters(self) -> int:
        """How many clusters the items fall into; without clusters each item is its own."""
        return len(np.unique(self.cluster_codes))

    def with_at_least(self, ratings: int) -> RatingTable:
        """The items that this many raters rated ("not applicable" counts), with their rows."""
        enough = np.bincount(self.item_codes, minlength=len(self.items)) >= ratings
        if enough.all():
            return self
        kept = enough[self.item_codes]
        place = np.cumsum(enough) - 1
        return replace(
            self,
            items=tuple(name for name, keep in zip(self.items, enough, strict=True) if keep),
            item_codes=place[self.item_codes[kept]],
            rater_codes=self.rater_codes[kept],
            label_codes=self.label_codes[kept],
            cluster_codes=self.cluster_codes[enough],
        )

    def coded(self, scale: Scale) -> Ints:
        """Each vote's place on the scale; −1 for "not applicable". Raises OutsideScale."""
        if not self.labels:
            return np.empty(0, dtype=np.int64)
        return scale.codes(self.labels)[self.label_codes]


def _note_cluster(clusters: dict[int, str], item: int, row: Sequence[Any]) -> None:
    cluster = label_text(row[3]) if len(row) > 3 else ""
    if cluster and clusters.setdefault(item, cluster) != cluster:
        raise TableError(
            f"Item {row[0]} is in cluster {clusters[item]} in one row and in {cluster} in another."
        )


def _assemble(
    items: dict[str, int],
    raters: dict[str, int],
    labels: dict[str, int],
    clusters: dict[int, str],
    first: dict[int, int],
    later: list[tuple[int, int]],
) -> RatingTable:
    item_names, item_rank = _sorted_names(items)
    rater_names, rater_rank = _sorted_names(raters)
    label_names, label_rank = _sorted_names(labels)
    keys = np.fromiter(first.keys(), dtype=np.int64, count=len(first))
    codes = np.fromiter(first.values(), dtype=np.int64, count=len(first))
    item_codes = item_rank[keys >> _RATER_BITS]
    rater_codes = rater_rank[keys & (1 << _RATER_BITS) - 1]
    order = np.lexsort((rater_codes, item_codes))
    retests = np.array(later, dtype=np.int64).reshape(-1, 2)
    return RatingTable(
        items=item_names,
        raters=rater_names,
        labels=label_names,
        item_codes=item_codes[order],
        rater_codes=rater_codes[order],
        label_codes=label_rank[codes][order],
        cluster_codes=cluster_codes(
            item_names, {n: clusters[i] for n, i in items.items() if i in clusters}
        ),
        has_clusters=bool(clusters),
        retests=label_rank[retests],
    )


def _sorted_names(codes: Mapping[str, int]) -> tuple[tuple[str, ...], Ints]:
    """Names in order, and for each code given at first sight its place in that order."""
    names = tuple(sorted(codes))
    rank = np.empty(len(names), dtype=np.int64)
    for place, name in enumerate(names):
        rank[codes[name]] = place
    return names, rank


def cluster_codes(items: Sequence[str], clusters: Mapping[str, str]) -> Ints:
    """One code an item: siblings share one; an item without a cluster is its own."""
    seen: dict[tuple[bool, str], int] = {}
    keys = [(item in clusters, clusters.get(item, item)) for item in items]
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.int64)
