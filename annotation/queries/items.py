"""What leads see of items and their labels. No label of a sealed item is read here."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, TextField
from django.db.models.functions import Cast

from accounts.models import Rater
from annotation.models import (
    Dataset,
    GoldItem,
    Item,
    Rating,
    ReferenceLabel,
    Response,
    RoundItem,
    RoundRater,
    whole,
)
from annotation.queries.sealed import touching_sealed
from annotation.states import (
    AssignmentState,
    DatasetKind,
    Part,
    ReferenceState,
    RoundKind,
    RoundState,
)
from core import filters

PAGE_ITEMS = 50
EXACT = ("part", "kind", "difficulty", "case", "source")


NOT_CLOSED = (RoundState.DRAFT, RoundState.OPEN, RoundState.PAUSED)


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """What is looked for in the items of a dataset; empty fields ask for everything."""

    text: str = ""
    part: str = ""
    kind: str = ""
    difficulty: str = ""
    case: str = ""
    source: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class ShownResponse:
    """One response with its system, as leads see it."""

    name: str
    text: str
    system: str
    length: int
    latency_ms: float | None
    cost: object | None


@dataclass(frozen=True, slots=True)
class RatingRow:
    """One rater's labels on an item in one round, in the order of the table's dimensions."""

    round: str
    version: str
    rater: str
    labels: Sequence[str]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class RatingTable:
    """The ratings under one guideline."""

    guideline: str
    dimensions: Sequence[str]
    rows: Sequence[RatingRow]


@dataclass(frozen=True, slots=True)
class ItemLabels:
    """Reference labels and ratings of an item, or the sentence why they are not shown."""

    reference: Sequence[ReferenceLabel] = ()
    tables: Sequence[RatingTable] = ()
    hidden_because: str = ""
    hides_systems: bool = False


def visible_items(*, project_id: int) -> QuerySet[Item]:
    """Items that are whole and not withdrawn; what came over the API is on no page."""
    return Item.objects.filter(
        whole(),
        project=project_id,
        dataset__kind=DatasetKind.NORMAL,
        withdrawn_at__isnull=True,
    )


def items_page(
    *, dataset: Dataset, wanted: ItemFilter, number: object, is_barred: bool = False
) -> Page[Item]:
    """One page of the dataset's items, in the order in which they came.

    Whoever `is_barred` from sealed texts does not find them by their words either.
    """
    items = visible_items(project_id=dataset.project_id).filter(dataset=dataset)
    if wanted.text:
        by_words = Q(title__icontains=wanted.text)
        if is_barred:
            by_words &= ~Q(pk__in=touching_sealed(items, dataset.project_id).values("pk"))
        items = items.filter(Q(external_id__icontains=wanted.text) | by_words)
    exact = {name: getattr(wanted, name) for name in EXACT if getattr(wanted, name)}
    items = items.filter(**exact)
    if wanted.tag:
        items = _tagged(items, wanted.tag)
    return filters.paged(items.order_by("pk").defer("extra"), number, size=PAGE_ITEMS)


def _tagged(items: QuerySet[Item], tag: str) -> QuerySet[Item]:
    """Those with the tag. The databases write JSON in two ways, with and without escapes."""
    as_text = items.annotate(tag_text=Cast("tags", TextField()))
    escaped, plain = json.dumps(tag), json.dumps(tag, ensure_ascii=False)
    return as_text.filter(Q(tag_text__icontains=escaped) | Q(tag_text__icontains=plain))


def responses_of(item: Item) -> list[ShownResponse]:
    """The item's responses in its own order, with the texts that its content holds."""
    texts = item.content.body.get("responses", []) if item.content else []
    names = ("A", "B") if len(texts) == 2 else ("",)
    rows = list(Response.objects.filter(item=item))
    return [
        ShownResponse(
            name=name,
            text=text,
            system=row.system,
            length=row.length,
            latency_ms=row.latency_ms,
            cost=row.cost,
        )
        for name, text, row in zip(names, texts, rows, strict=False)
    ]


def extra_of(item: Item) -> list[tuple[str, str]]:
    """The columns that nobody mapped, as texts."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in item.extra.items()
    ]


def siblings_of(item: Item, *, limit: int = 10) -> list[Item]:
    """Other items of the same prompt in this dataset."""
    same = visible_items(project_id=item.project_id).filter(
        dataset=item.dataset_id, prompt_key=item.prompt_key
    )
    return list(same.exclude(pk=item.pk).order_by("pk")[:limit])


def labels_of(item: Item, *, user_id: int) -> ItemLabels:
    """What this member may read of an item's labels.

    Nothing while the item is sealed, and nothing to somebody who may yet rate it.
    """
    if touching_sealed(Item.objects.filter(pk=item.pk), item.project_id).exists():
        where = "lies in" if item.part == Part.SEALED else "has the same prompt as one in"
        return ItemLabels(
            hidden_because=f"This item {where} the sealed part: nobody reads its labels or "
            "verdicts before an approval, so that they stay a fair test of a judge."
        )
    if may_yet_rate(item, user_id):
        return ItemLabels(
            hidden_because="You rate in a round that holds this item. Its systems and labels are "
            "shown to you when that round is closed.",
            hides_systems=True,
        )
    return ItemLabels(reference=_reference(item), tables=_rating_tables(item))


def may_yet_rate(item: Item, user_id: int) -> bool:
    """Whether this person rates in a round that may give them the item and is not over."""
    return items_yet_rated_by(user_id, among=[item.pk]).exists()


def items_yet_rated_by(user_id: int, *, among: Collection[int] | None = None) -> QuerySet[Any, int]:
    """Keys of the items of rounds that are not over and in which this person rates, and of the
    gold items that such a round may hand out; `among` narrows both to these items."""
    running = Q(rater__user=user_id, removed_at__isnull=True, round__state__in=NOT_CLOSED)
    mine = RoundRater.objects.filter(running, round__revealed_at__isnull=True)
    planned = RoundItem.objects.filter(round__in=mine.values("round"))
    golds = golds_yet_given_to(user_id)
    if among is not None:
        planned, golds = planned.filter(item__in=among), golds.filter(item__in=among)
    keys = planned.values_list("item_id", flat=True)
    return keys.union(golds.values_list("item_id", flat=True), all=True)


def golds_yet_given_to(user_id: int) -> QuerySet[GoldItem]:
    """The gold items that a round which is not over may hand out to this person. They are no part
    of its plan, and are as little to be read of before they were rated."""
    giving = RoundRater.objects.filter(
        rater__user=user_id,
        removed_at__isnull=True,
        round__gold_every__isnull=False,
        round__state__in=NOT_CLOSED,
        round__guideline_version__guideline=OuterRef("guideline"),
        round__guideline_version__major=OuterRef("major"),
    )
    return GoldItem.objects.filter(Exists(giving), withdrawn_at__isnull=True)


def items_yet_rated_by_raters(raters: Collection[Rater]) -> QuerySet[RoundItem]:
    """The same for several raters at once."""
    return RoundItem.objects.filter(
        round__state__in=NOT_CLOSED,
        round__revealed_at__isnull=True,
        round__round_raters__rater__in=raters,
        round__round_raters__removed_at__isnull=True,
    )


def _reference(item: Item) -> list[ReferenceLabel]:
    """The newest label of each guideline, major version, dimension and method."""
    newest: dict[tuple[int, int, str, str], ReferenceLabel] = {}
    found = ReferenceLabel.objects.filter(item=item).select_related("guideline").order_by("version")
    for label in found:
        newest[label.guideline_id, label.major, label.dimension_key, label.method] = label
    return [label for label in newest.values() if label.state != ReferenceState.WITHDRAWN]


def _rating_tables(item: Item) -> list[RatingTable]:
    """Current ratings by guideline; those of a session wait for its reveal."""
    ratings = (
        Rating.objects.filter(
            assignment__item=item,
            assignment__state=AssignmentState.SUBMITTED,
            assignment__gold__isnull=True,
            is_current=True,
        )
        .exclude(assignment__round__kind=RoundKind.SESSION, assignment__round__revealed_at=None)
        .select_related("assignment__rater", "assignment__round", "dimension__version__guideline")
        .order_by("assignment__submitted_at", "assignment_id", "dimension__position")
    )
    by_guideline: dict[str, list[Rating]] = defaultdict(list)
    for rating in ratings:
        by_guideline[rating.dimension.version.guideline.name].append(rating)
    return [_rating_table(name, members) for name, members in by_guideline.items()]


def _rating_table(guideline: str, ratings: Sequence[Rating]) -> RatingTable:
    names = {rating.dimension.key: rating.dimension.name for rating in ratings}
    slots: dict[int, dict[str, Rating]] = defaultdict(dict)
    for rating in ratings:
        slots[rating.assignment_id][rating.dimension.key] = rating
    return RatingTable(
        guideline=guideline,
        dimensions=list(names.values()),
        rows=[_rating_row(list(names), of_slot) for of_slot in slots.values()],
    )


def _rating_row(keys: Sequence[str], of_slot: Mapping[str, Rating]) -> RatingRow:
    rating = next(iter(of_slot.values()))
    assignment = rating.assignment
    return RatingRow(
        round=assignment.round.name,
        version=rating.dimension.version.number,
        rater=assignment.rater.name if assignment.rater else "",
        labels=[spoken(of_slot[key].label) if key in of_slot else "" for key in keys],
        at=assignment.submitted_at,
    )


def api_items(*, project_id: int, dataset_id: int | None, part: str) -> QuerySet[Item]:
    """Items with texts and systems for the API, which leaves out what is sealed."""
    items = visible_items(project_id=project_id)
    if dataset_id is not None:
        items = items.filter(dataset=dataset_id)
    if part:
        items = items.filter(part=part)
    return items.select_related("content").prefetch_related(
        Prefetch("responses", queryset=Response.objects.order_by("position"))
    )


def spoken(word: str) -> str:
    """A stored word as it is read: edge_case becomes edge case."""
    return word.replace("_", " ")
