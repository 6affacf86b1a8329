"""What one rater sees of an item. Nothing here ever reads another rater's row, a reference label,
a verdict, a system's name or an external id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from django.db.models import Q, QuerySet

from annotation.models import Assignment, Dimension, Draft, GuidelineVersion, Item, Rating, Round
from annotation.queries.news import News, news
from annotation.rules import display, scales
from annotation.states import AssignmentState, GuidelineForm, ItemKind, RationaleRule
from core.prepared import Prepared

WORDS = {
    "A": "A",
    "B": "B",
    "tie": "Tie",
    "A2": "A clearly",
    "A1": "A slightly",
    "B1": "B slightly",
    "B2": "B clearly",
    "yes": "Yes",
    "no": "No",
    scales.NOT_APPLICABLE: "Not applicable",
}
PAIR_KEYS = {
    "pairwise": {"A": "1 ArrowLeft", "tie": "0 ArrowDown", "B": "2 ArrowRight"},
    "pairwise_graded": {
        "A2": "1",
        "A1": "2 ArrowLeft",
        "tie": "0 ArrowDown",
        "B1": "3 ArrowRight",
        "B2": "4",
    },
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One message before the response."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownResponse:
    """A response under the letter that this rater knows it by ('' for a single one)."""

    shown_as: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item without anything that tells where it comes from."""

    kind: str
    input: str
    context: str
    turns: Sequence[Turn]
    responses: Sequence[ShownResponse]

    @property
    def is_pair(self) -> bool:
        return self.kind == ItemKind.PAIR


@dataclass(frozen=True, slots=True)
class Choice:
    """One label as it is offered: its words, the keys that choose it, what it stands for."""

    value: str
    words: str
    keys: str
    anchor: str

    @property
    def key(self) -> str:
        """The key that is printed on it."""
        return self.keys.split(" ")[0] if self.keys else ""


@dataclass(frozen=True, slots=True)
class ShownDimension:
    """One criterion as the rater sees it."""

    key: str
    name: str
    question: str
    kind: str
    choices: Sequence[Choice]

    @property
    def is_pairwise(self) -> bool:
        return self.kind in PAIR_KEYS

    @property
    def anchors(self) -> list[Choice]:
        """The choices that say what they stand for."""
        return [choice for choice in self.choices if choice.anchor]


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example of the guideline."""

    title: str
    is_good: bool
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Given:
    """What the rater has answered so far, as shown; and the seconds spent on it."""

    labels: Mapping[str, str]
    rationale: str
    active_seconds: float


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything on the workbench for one assignment."""

    assignment: Assignment
    version: GuidelineVersion
    item: ShownItem
    dimensions: Sequence[ShownDimension]
    examples: Sequence[Example]
    rationale_rule: str
    given: Given
    previous_id: int | None
    news: News | None

    @property
    def is_rationale_required(self) -> bool:
        return self.rationale_rule == RationaleRule.REQUIRED

    @property
    def may_give_reason(self) -> bool:
        return self.rationale_rule != RationaleRule.NONE


def rule_of(dimension: Dimension) -> scales.DimensionRule:
    """The dimension's scale as the rules know it."""
    kinds: dict[str, scales.Kind] = {kind: kind for kind in get_args(scales.Kind)}
    levels: dict[str, scales.Level] = {level: level for level in get_args(scales.Level)}
    return scales.DimensionRule(
        key=dimension.key,
        kind=kinds[dimension.kind],
        points=tuple(
            scales.Point(str(point["value"]), str(point.get("anchor", "")))
            for point in dimension.points
        ),
        level=levels[dimension.level],
        cut=dimension.cut,
        allow_na=dimension.allow_na,
    )


def is_swapped(round_: Round, *, rater_id: int, item_id: int) -> bool:
    """Whether this rater sees the item's responses in swapped order; only pairs have two."""
    if round_.guideline_version.guideline.form != GuidelineForm.PAIRWISE:
        return False
    return display.is_swapped(round_.salt, rater=rater_id, item=item_id)


def seen_swapped(assignment: Assignment, *, rater_id: int) -> bool:
    """The order that this rater saw: recorded while the row is theirs, afterwards by the rule."""
    if assignment.rater_id == rater_id:
        return assignment.is_swapped
    return is_swapped(assignment.round, rater_id=rater_id, item_id=assignment.item_id)


def bench(assignment: Assignment, *, rater_id: int) -> Bench:
    """The page of an assignment that is or was the rater's own, in six queries; two more
    for the first item in a round and after a new guideline version.

    `assignment` comes through a door with its round, guideline version, item and content. A row
    that is somebody else's by now gives this rater's own draft and order, never theirs.
    """
    swapped = seen_swapped(assignment, rater_id=rater_id)
    version = assignment.guideline_version or assignment.round.guideline_version
    dimensions = dimensions_of(version)
    last = last_own(assignment, rater_id=rater_id)
    return Bench(
        assignment=assignment,
        version=version,
        item=shown_item(assignment.item, is_swapped=swapped),
        dimensions=[shown_dimension(dimension) for dimension in dimensions],
        examples=[_example(raw) for raw in version.examples],
        rationale_rule=_rationale_rule(dimensions),
        given=_given(assignment, dimensions, rater_id=rater_id, swapped=swapped),
        previous_id=last.pk if last else None,
        news=news(version, last=last, assignment=assignment, rater_id=rater_id),
    )


def dimensions_of(version: GuidelineVersion) -> list[Dimension]:
    """The rubric of a version, in its order."""
    return _rubric.rows(version_id=version.pk)


def shown_item(item: Item, *, is_swapped: bool) -> ShownItem:
    """The item's texts; the responses of a pair in the order and under the letters shown."""
    body: dict[str, Any] = (item.content.body if item.content else None) or {}
    texts = [str(text) for text in body.get("responses", [])]
    if item.kind == ItemKind.PAIR:
        if is_swapped:
            texts.reverse()
        responses = [ShownResponse(*pair) for pair in zip("AB", texts, strict=False)]
    else:
        responses = [ShownResponse("", text) for text in texts]
    return ShownItem(
        kind=item.kind,
        input=str(body.get("input") or ""),
        context=str(body.get("context") or ""),
        turns=[
            Turn(str(turn.get("role", "")), str(turn.get("text", "")))
            for turn in body.get("messages") or []
        ],
        responses=responses,
    )


def shown_dimension(dimension: Dimension) -> ShownDimension:
    """The choices of a dimension in the order of the scale (preferences run from A to B)."""
    rule = rule_of(dimension)
    anchors = {point.value: point.anchor for point in rule.points}
    order = {"pairwise": scales.PAIRWISE, "pairwise_graded": scales.PAIRWISE_GRADED}
    values = order.get(rule.kind, rule.values)
    keys = PAIR_KEYS.get(rule.kind) or _digits(values)
    choices = [
        Choice(
            value,
            WORDS.get(value, value) if rule.kind in ("yes_no", *PAIR_KEYS) else value,
            keys.get(value, ""),
            anchors.get(value, ""),
        )
        for value in values
    ]
    if rule.allow_na:
        choices.append(Choice(scales.NOT_APPLICABLE, WORDS[scales.NOT_APPLICABLE], "n", ""))
    return ShownDimension(
        dimension.key, dimension.name, dimension.question, dimension.kind, choices
    )


def last_own(assignment: Assignment, *, rater_id: int) -> Assignment | None:
    """The rater's own answer before this one, in the same round: where Back leads."""
    mine = Assignment.objects.filter(
        round=assignment.round_id, rater=rater_id, state=AssignmentState.SUBMITTED
    ).select_related("guideline_version")
    if _is_answered(assignment, rater_id):
        at = assignment.submitted_at
        mine = mine.filter(Q(submitted_at__lt=at) | Q(submitted_at=at, pk__lt=assignment.pk))
    return mine.order_by("-submitted_at", "-pk").first()


def last_of_round(*, round_id: int, rater_id: int) -> int | None:
    """The rater's latest answer in the round, to look at it again."""
    return (
        Assignment.objects.filter(round=round_id, rater=rater_id, state=AssignmentState.SUBMITTED)
        .order_by("-submitted_at", "-pk")
        .values_list("pk", flat=True)
        .first()
    )


def _is_answered(assignment: Assignment, rater_id: int) -> bool:
    return assignment.state == AssignmentState.SUBMITTED and assignment.rater_id == rater_id


def _given(
    assignment: Assignment, dimensions: Sequence[Dimension], *, rater_id: int, swapped: bool
) -> Given:
    if _is_answered(assignment, rater_id):
        own, rationale, seconds = _ratings_of(assignment)
    else:
        draft = Draft.objects.filter(
            round=assignment.round_id, item=assignment.item_id, rater=rater_id
        ).first()
        if draft is None:
            return Given({}, "", 0.0)
        own, rationale, seconds = draft.labels, draft.rationale, draft.active_seconds
    shown = {
        d.key: display.to_shown_label(str(own[d.key]), swapped=swapped and rule_of(d).is_pairwise)
        for d in dimensions
        if d.key in own
    }
    return Given(shown, rationale, seconds)


def _ratings_of(assignment: Assignment) -> tuple[dict[str, str], str, float]:
    rows = Rating.objects.filter(assignment=assignment, is_current=True).select_related("dimension")
    labels = {row.dimension.key: row.label for row in rows}
    rationale = next((row.rationale for row in rows if row.rationale), "")
    return labels, rationale, assignment.active_seconds


def _rationale_rule(dimensions: Sequence[Dimension]) -> str:
    """One reason is given for the whole item: the strictest rule of its dimensions holds."""
    rules = {dimension.rationale for dimension in dimensions}
    for rule in (RationaleRule.REQUIRED, RationaleRule.OPTIONAL):
        if rule in rules:
            return rule
    return RationaleRule.NONE


def _digits(values: Sequence[str]) -> dict[str, str]:
    """A point from 0 to 9 is chosen by its own digit, anything else by its place."""
    if all(len(value) == 1 and value.isascii() and value.isdigit() for value in values):
        return {value: value for value in values}
    return {value: str(place) for place, value in enumerate(values, start=1) if place <= 9}


def _example(raw: Mapping[str, Any]) -> Example:
    return Example(
        title=str(raw.get("title", "")),
        is_good=bool(raw.get("is_good")),
        text=str(raw.get("text", "")),
        why=str(raw.get("why", "")),
    )


@Prepared
def _rubric(*, version_id: int) -> QuerySet[Dimension]:
    return Dimension.objects.filter(version=version_id).order_by("position")
