"""People's labels as measurement reads them: long rows of (item, rater, label, cluster)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from annotation.models import Assignment, Dimension, Item, Rating, Round, SealedSet
from annotation.queries.sealed import touching_sealed
from annotation.states import AssignmentState, DimensionKind, Part, RoundKind
from measurement.scale import GRADED, PAIRWISE, Level, Scale
from measurement.table import RatingTable, Vote

FEEDING = (RoundKind.STANDARD, RoundKind.IMPORTED)
"""Kinds of round whose blind ratings become reference labels."""


LEVELS: dict[str, Level] = {"nominal": "nominal", "ordinal": "ordinal", "interval": "interval"}


class LabelRow(NamedTuple):
    """One current rating with what decides whether and how it counts."""

    item_id: int
    external_id: str
    cluster: str
    part: str
    rater_id: int
    rater: str
    label: str


def scale_of(dimension: Dimension) -> Scale:
    """The dimension's scale as measurement knows it."""
    kind = DimensionKind(dimension.kind)
    if kind is DimensionKind.PAIRWISE:
        return Scale(PAIRWISE, is_pairwise=True)
    if kind is DimensionKind.PAIRWISE_GRADED:
        return Scale(GRADED, is_pairwise=True)
    labels = dimension.labels
    if kind is DimensionKind.SCALE:
        return Scale.listed(labels, level=LEVELS[dimension.level], cut=dimension.cut or None)
    return Scale(tuple(labels), has_order=kind is DimensionKind.YES_NO)


def round_labels(*, round_id: int, dimension_key: str) -> list[LabelRow]:
    """Every current rating of one dimension in one round: bounded by items x overlap."""
    return list(
        _rows(
            _current().filter(assignment__round_id=round_id, dimension__key=dimension_key),
        )
    )


def unsealed_votes(*, round_: Round, dimension_key: str) -> Iterator[Vote]:
    """The current ratings of a round that may be told by item and rater, item and rater by id.

    Streamed: a round of a million items does not have to fit in memory as rows.
    """
    ratings = _current().filter(assignment__round=round_, dimension__key=dimension_key)
    if Item.objects.filter(project=round_.project_id, part=Part.SEALED).exists():
        items = Item.objects.filter(round_items__round=round_)
        sealed = touching_sealed(items, round_.project_id)
        ratings = ratings.exclude(assignment__item__in=sealed.values("pk"))
    rows = ratings.values_list(
        "assignment__item_id", "assignment__rater_id", "label", "assignment__item__cluster_key"
    )
    for item_id, rater_id, label, cluster in rows.iterator(chunk_size=5000):
        yield Vote(str(item_id), str(rater_id), label, cluster)


def dataset_labels(
    *,
    dataset_id: int,
    guideline_id: int,
    major: int,
    dimension_key: str,
    part: str = "",
) -> list[LabelRow]:
    """The ratings of one dimension that feed reference labels."""
    found = _feeding(dataset_id, guideline_id, major).filter(dimension__key=dimension_key)
    if part:
        found = found.filter(assignment__item__part=part)
    return list(_first_of_each_rater(_rows(found)))


def sources(*, dataset_id: int, guideline_id: int, major: int, part: str) -> dict[str, int]:
    """How many of the ratings that feed reference labels came from each kind of round."""
    found = _feeding(dataset_id, guideline_id, major).filter(assignment__item__part=part)
    kinds = found.order_by().values_list("assignment__round__kind")
    return dict(kinds.annotate(n=Count("pk")).order_by("assignment__round__kind"))


def item_labels(
    *, dataset_id: int, guideline_id: int, major: int, item_ids: Collection[int]
) -> dict[str, list[LabelRow]]:
    """The same for a few items and, by its key, every dimension at once."""
    found = _feeding(dataset_id, guideline_id, major).filter(assignment__item_id__in=item_ids)
    by_key: dict[str, list[LabelRow]] = defaultdict(list)
    for key, *row in _in_time(found).values_list("dimension__key", *FIELDS):
        by_key[key].append(LabelRow(*row))
    return {key: list(_first_of_each_rater(rows)) for key, rows in by_key.items()}


def item_ratings(
    *, dataset_id: int, guideline_id: int, major: int, item_id: int, dimension_key: str
) -> list[Rating]:
    """The ratings of one item that feed its label on one dimension, the first of each rater,
    with their slots and raters."""
    found = _feeding(dataset_id, guideline_id, major).filter(
        assignment__item=item_id, dimension__key=dimension_key
    )
    first: dict[int | None, Rating] = {}
    for rating in _in_time(found).select_related("assignment__rater"):
        first.setdefault(rating.assignment.rater_id, rating)
    return list(first.values())


def round_item_ratings(*, round_id: int, item_id: int, dimension_key: str) -> list[Rating]:
    """The current ratings of one item in one round on one dimension."""
    found = _current().filter(
        assignment__round=round_id, assignment__item=item_id, dimension__key=dimension_key
    )
    return list(_in_time(found).select_related("assignment__rater"))


def _feeding(dataset_id: int, guideline_id: int, major: int) -> QuerySet[Rating]:
    """The ratings that feed reference labels: blind, before any reveal.

    Rounds of other kinds (sessions, drift checks) never count here, nor do ratings of sealed items
    that came after the first look, which froze the labels of the whole set, nor what somebody says
    of an item after they rated it in a session: they have heard what the others think of it.
    """
    found = (
        _current()
        .filter(
            assignment__item__dataset_id=dataset_id,
            assignment__round__kind__in=FEEDING,
            dimension__version__guideline_id=guideline_id,
            dimension__version__major=major,
        )
        .filter(
            Q(assignment__round__revealed_at__isnull=True)
            | Q(assignment__submitted_at__lte=F("assignment__round__revealed_at"))
        )
    )
    if Round.objects.filter(dataset=dataset_id, kind=RoundKind.SESSION).exists():
        in_session = Assignment.objects.filter(
            item=OuterRef("assignment__item"),
            rater=OuterRef("assignment__rater"),
            round__kind=RoundKind.SESSION,
            state=AssignmentState.SUBMITTED,
            submitted_at__lt=OuterRef("assignment__submitted_at"),
        )
        found = found.exclude(Exists(in_session))
    frozen_at = _frozen_at(dataset_id)
    if frozen_at is not None:
        found = found.exclude(
            assignment__item__part=Part.SEALED, assignment__submitted_at__gt=frozen_at
        )
    return found


def _frozen_at(dataset_id: int) -> datetime | None:
    frozen = SealedSet.objects.filter(dataset=dataset_id, retired_at__isnull=True)
    return frozen.values_list("frozen_at", flat=True).first()


def table(rows: Iterable[LabelRow]) -> RatingTable:
    """The rows as the table that every figure is made from."""
    return RatingTable.build(
        Vote(row.external_id, row.rater, row.label, row.cluster) for row in rows
    )


def _current() -> QuerySet[Rating]:
    return Rating.objects.filter(
        is_current=True,
        assignment__state=AssignmentState.SUBMITTED,
        assignment__gold__isnull=True,
        assignment__item__withdrawn_at__isnull=True,
    )


FIELDS = (
    "assignment__item_id",
    "assignment__item__external_id",
    "assignment__item__cluster_key",
    "assignment__item__part",
    "assignment__rater_id",
    "assignment__rater__name",
    "label",
)
"""The columns of a LabelRow."""


def _rows(ratings: QuerySet[Rating]) -> Iterator[LabelRow]:
    found = _in_time(ratings).values_list(*FIELDS)
    return (LabelRow(*row) for row in found.iterator(chunk_size=5000))


def _in_time(ratings: QuerySet[Rating]) -> QuerySet[Rating]:
    return ratings.order_by("assignment__submitted_at", "assignment_id")


def _first_of_each_rater(rows: Iterable[LabelRow]) -> Iterator[LabelRow]:
    seen: set[tuple[int, int]] = set()
    for row in rows:
        key = (row.item_id, row.rater_id)
        if key not in seen:
            seen.add(key)
            yield row
