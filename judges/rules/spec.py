"""What a judge version is made of and what it sees of an item: plain values."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from measurement.scale import NOT_APPLICABLE, TIE, Level, Scale

PAIR_LABELS = ("A", "B", TIE)

DimensionKind = Literal["scale", "yes_no", "category", "pairwise"]
ItemKind = Literal["single", "pair", "conversation"]
Order = Literal["", "AB", "BA"]


@dataclass(frozen=True, slots=True)
class DimensionSpec:
    """One question of the rubric. ``points`` are (value, anchor), worst first; labels are text.

    Without points, yes/no and pairwise dimensions have their usual ones. ``cut`` is the first
    point that counts as acceptable.
    """

    key: str
    question: str
    kind: DimensionKind
    points: tuple[tuple[str, str], ...] = ()
    cut: str | None = None
    allow_na: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The labels of the rubric in the order of the scale, without "not applicable"."""
        if self.points:
            return tuple(value for value, _ in self.points)
        if self.kind == "yes_no":
            return ("no", "yes")
        return PAIR_LABELS if self.kind == "pairwise" else ()

    @property
    def ranking(self) -> tuple[str, ...]:
        """The points from worst to best: by number on numeric scales, else as they stand."""
        return tuple(sorted(self.values, key=int)) if self.is_numeric else self.values

    @property
    def scale(self) -> Scale:
        """The scale by which samples are combined: a rating scale has an order, others none."""
        level: Level = "ordinal" if self.kind == "scale" else "nominal"
        return Scale(self.ranking, level, self.is_numeric, is_pairwise=self.kind == "pairwise")

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that an answer may carry."""
        return (*self.values, NOT_APPLICABLE) if self.allow_na else self.values

    @property
    def is_numeric(self) -> bool:
        """Whether the scale's values are whole numbers, asked for as numbers."""
        return self.kind == "scale" and all(re.fullmatch(r"-?\d{1,6}", v) for v in self.values)


@dataclass(frozen=True, slots=True)
class ItemView:
    """The texts of one item that a judge may see: no system names, no labels, no tags."""

    id: str
    kind: ItemKind
    input: str = ""
    context: str = ""
    messages: tuple[tuple[str, str], ...] = ()
    reference: str = ""
    response: str = ""
    response_a: str = ""
    response_b: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example with the labels of people; ``label_version`` pins which labels."""

    item: ItemView
    labels: tuple[tuple[str, str], ...]
    rationale: str = ""
    label_version: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """Yes/no questions that stand in for a scale dimension.

    ``points`` declares the mapping: the label for no yes, for one yes, and so on, so it holds one
    entry more than ``questions``.
    """

    dimension: str
    questions: tuple[str, ...]
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionSpec:
    """Everything that can change a verdict of one judge version.

    ``capabilities`` is the profile of the endpoint, frozen with the version: ``structured_output``
    ("native" or "prompt", default "native") and ``prompt_cache`` (default false) are read here.
    ``artefact`` is the digest of a recorded file or a trained baseline, ``members`` are the
    fingerprints of a panel's or cascade's versions, ``constants`` the (dimension, label) pairs of a
    baseline that always answers the same. ``with_reference`` false hides the reference answer
    wherever a template names it; dimensions with a checklist are asked in its questions.
    ``is_reworded`` is of the bias laboratory and of no saved version: the fixed sentences around
    the rubric in other words, its labels in the opposite order.
    """

    kind: str
    provider: str
    base_url: str
    model: str
    max_tokens: int
    system_template: str
    user_template: str
    dimensions: tuple[DimensionSpec, ...]
    effort: str | None = None
    thinking: str | None = None
    guideline_text: str = ""
    guideline_version: str = ""
    examples: tuple[Example, ...] = ()
    reasoning_first: bool = True
    both_orders: bool = True
    samples: int = 1
    aggregation: str = "default"
    capabilities: Mapping[str, object] = field(default_factory=dict, hash=False)
    parser_version: str = "1"
    artefact: str = ""
    members: tuple[str, ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    temperature: float | None = None
    with_reference: bool = True
    checklists: tuple[Checklist, ...] = ()
    is_reworded: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "capabilities", MappingProxyType(dict(self.capabilities)))

    @property
    def is_pairwise(self) -> bool:
        """Whether this version compares two responses."""
        return any(dimension.kind == "pairwise" for dimension in self.dimensions)

    @property
    def structured_output(self) -> str:
        """How the form of the answer is asked for: "native" or "prompt"."""
        return str(self.capabilities.get("structured_output", "native"))

    def checklist_of(self, key: str) -> Checklist | None:
        """The questions that stand in for a dimension's scale, if any do."""
        return next((one for one in self.checklists if one.dimension == key), None)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of what is sent; ``role`` is "user" or "assistant"."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """One request as it is sent. ``digest`` is the SHA-256 of all its other fields."""

    system: str
    user: str
    schema: Mapping[str, object] = field(hash=False)
    max_tokens: int
    model: str
    digest: str
    effort: str | None = None
    thinking: str | None = None
    structured_output: str = "native"
    follow_up: tuple[Turn, ...] = ()
    temperature: float | None = None

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The conversation from its first turn."""
        return (Turn("user", self.user), *self.follow_up)


def canonical_json(value: object) -> str:
    """JSON with sorted keys, no spaces and ASCII only: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


LATER_FIELDS: Mapping[str, object] = MappingProxyType(
    {
        "constants": (),
        "temperature": None,
        "with_reference": True,
        "checklists": (),
        "is_reworded": False,
    }
)
"""Fields that came after the first versions were saved, each with the value that changes nothing.

They are left out of the JSON at that value: what was saved before keeps its fingerprint.
"""


def as_json(version: VersionSpec) -> dict[str, Any]:
    """The version as plain JSON values; ``from_json`` gives the same version back."""
    values = {f.name: getattr(version, f.name) for f in dataclasses.fields(version)}
    return {
        name: _plain(value)
        for name, value in values.items()
        if name not in LATER_FIELDS or value != LATER_FIELDS[name]
    }


def from_json(stored: Mapping[str, Any]) -> VersionSpec:
    """The version that ``as_json`` wrote. Raises TypeError or KeyError on anything else."""
    dimensions = tuple(
        DimensionSpec(**(one | {"points": _pairs(one["points"])})) for one in stored["dimensions"]
    )
    lists = {
        "dimensions": dimensions,
        "members": tuple(stored["members"]),
        "constants": _pairs(stored.get("constants", ())),
    }
    examples = tuple(_example(one) for one in stored["examples"])
    checklists = tuple(_checklist(one) for one in stored.get("checklists", ()))
    return VersionSpec(**({**stored} | lists | {"examples": examples, "checklists": checklists}))


def _checklist(stored: Mapping[str, Any]) -> Checklist:
    lists = {name: tuple(stored[name]) for name in ("questions", "points")}
    return Checklist(**({**stored} | lists))


def _example(stored: Mapping[str, Any]) -> Example:
    item = ItemView(**(stored["item"] | {"messages": _pairs(stored["item"]["messages"])}))
    return Example(**({**stored} | {"item": item, "labels": _pairs(stored["labels"])}))


def _pairs(stored: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in stored)


def _plain(value: object) -> object:
    """The value as JSON knows it; the order of points, dimensions and examples is kept."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value
