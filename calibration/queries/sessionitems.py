"""Revealed items of a session: everyone's labels side by side, the thread, what was settled.

Nothing here is read before the reveal of the item's round. Somebody who takes part reads only
items that they rated themselves; and nobody reads what they may yet rate in another round.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.db.models import Count, F, QuerySet

from annotation.models import Dimension, Item, Rating, Round
from annotation.queries import labels, workbench
from annotation.queries.items import items_yet_rated_by
from annotation.queries.workbench import Choice, ShownItem
from annotation.states import AssignmentState
from calibration.models import (
    CalibrationSession,
    ClauseNote,
    SessionComment,
    SessionItem,
    SessionMention,
    Settlement,
)
from calibration.queries import sessions
from calibration.states import Stage
from core import filters
from measurement.spread import mean_distance

PAGE_ITEMS = 25
PAGE_COMMENTS = 50
HISTORY_SHOWN = 50
NOT_RATED = (
    "You did not rate this item before the reveal, so what the others said of it stays hidden "
    "from you."
)
YET_RATED = (
    "You may yet rate this item in another round; what others said of it is shown to you when that "
    "round is closed."
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: `is_staff` reads items without having rated them."""

    user_id: int
    is_staff: bool


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An item in a session's list. `apart`: the widest mean distance of its labels, 0–1."""

    place: SessionItem
    is_hidden: bool
    apart: float | None
    comments: int
    settled: int


@dataclass(frozen=True, slots=True)
class OneAnswer:
    """What one participant said of the item: a label for each dimension, and why."""

    rater: str
    labels: Sequence[str]
    rationale: str


@dataclass(frozen=True, slots=True)
class DimensionView:
    """One dimension of an item: how often each point was given, and what was settled last."""

    key: str
    name: str
    choices: Sequence[Choice]
    points: tuple[str, ...]
    counts: tuple[int, ...]
    settled: Settlement | None

    @property
    def revision(self) -> int:
        return self.settled.revision if self.settled is not None else 0


@dataclass(frozen=True, slots=True)
class ItemView:
    """A revealed item as this reader may see it."""

    place: SessionItem
    hidden_because: str
    shown: ShownItem | None = None
    dimensions: Sequence[DimensionView] = ()
    answers: Sequence[OneAnswer] = ()
    history: Sequence[Settlement] = ()
    notes: Sequence[ClauseNote] = ()
    previous_id: int | None = None
    next_id: int | None = None


def round_of(session: CalibrationSession, stage: str) -> Round | None:
    return session.first_round if stage == Stage.FIRST else session.second_round


def hidden_from(round_: Round, item_ids: Collection[int], reader: Reader) -> Mapping[int, str]:
    """Those of the items that this reader does not read, each with the reason: two queries."""
    found = dict.fromkeys(items_yet_rated_by(reader.user_id, among=item_ids), YET_RATED)
    if reader.is_staff:
        return found
    own = round_.assignments.filter(
        rater__user=reader.user_id, state=AssignmentState.SUBMITTED, item__in=item_ids
    )
    rated = set(own.values_list("item_id", flat=True))
    return {pk: NOT_RATED for pk in item_ids if pk not in rated} | found


def page(
    session: CalibrationSession, round_: Round, *, stage: Stage, number: object, reader: Reader
) -> tuple[Page[SessionItem], list[ItemLine]]:
    """A page of a revealed round's items in their order, with how far apart the labels are."""
    places = session.items.filter(stage=stage).select_related("item").order_by("position")
    listed = filters.paged(places, number, size=PAGE_ITEMS)
    rows = list(listed.object_list)
    ids = [row.item_id for row in rows]
    hidden = hidden_from(round_, ids, reader)
    apart = _apart(round_, [pk for pk in ids if pk not in hidden])
    comments = dict(
        SessionComment.objects.filter(place__in=rows).values_list("place").annotate(Count("pk"))
    )
    settled = dict(
        Settlement.objects.filter(place__in=rows, revision=1)
        .values_list("place")
        .annotate(Count("pk"))
    )
    return listed, [
        ItemLine(
            place=row,
            is_hidden=row.item_id in hidden,
            apart=apart.get(row.item_id),
            comments=comments.get(row.pk, 0),
            settled=settled.get(row.pk, 0),
        )
        for row in rows
    ]


def view(place: SessionItem, round_: Round, *, reader: Reader) -> ItemView:
    """One revealed item with everything that was said of it; nothing of a hidden one."""
    because = hidden_from(round_, [place.item_id], reader).get(place.item_id, "")
    previous_id, next_id = _neighbours(place)
    if because:
        return ItemView(place, because, previous_id=previous_id, next_id=next_id)
    dimensions = list(round_.guideline_version.dimensions.select_related("version"))
    given = _given(round_, place.item_id)
    history = list(
        place.settlements.select_related("author", "dimension").order_by("-pk")[:HISTORY_SHOWN]
    )
    return ItemView(
        place=place,
        hidden_because="",
        shown=_shown(place.item),
        dimensions=[_dimension(one, given, _last(place, one)) for one in dimensions],
        answers=_answers(dimensions, given),
        history=history,
        notes=list(place.clause_notes.select_related("guideline_version").order_by("pk")),
        previous_id=previous_id,
        next_id=next_id,
    )


def mentions(session: CalibrationSession, reader: Reader) -> list[tuple[SessionMention, bool]]:
    """Where this reader was named, newest first, and whether the item is hidden from them: what
    was said of it is then no more theirs to read here than on its own page."""
    found = sessions.mentions(session, user_id=reader.user_id)
    round_ = session.first_round
    if not found or round_ is None:
        return []
    hidden = hidden_from(round_, [one.comment.place.item_id for one in found], reader)
    return [(one, one.comment.place.item_id in hidden) for one in found]


def thread(place: SessionItem, number: object) -> Page[SessionComment]:
    """The comments on an item, oldest first, the last page unless another is asked for."""
    comments = place.comments.select_related("author").order_by("pk")
    last = -(-comments.count() // PAGE_COMMENTS)
    return filters.paged(comments, number or last, size=PAGE_COMMENTS)


def clause_notes(*, guideline_id: int, state: str = "") -> QuerySet[ClauseNote]:
    """What sessions and reviews found wanting in a guideline: what is to do first, newest first."""
    notes = ClauseNote.objects.filter(guideline_version__guideline=guideline_id)
    if state:
        notes = notes.filter(done_at__isnull=state == "open")
    return notes.select_related(
        "guideline_version", "place__session", "place__item", "review_place__review", "author"
    ).order_by(F("done_at").asc(nulls_first=True), "-pk")


def _shown(item: Item) -> ShownItem | None:
    if item.content is None or item.content.erased_at is not None:
        return None
    return workbench.shown_item(item, is_swapped=False)


def _given(round_: Round, item_id: int) -> dict[int, list[Rating]]:
    """The current ratings of an item by assignment, in the order of their raters' names."""
    ratings = (
        Rating.objects.filter(
            assignment__round=round_,
            assignment__item=item_id,
            assignment__state=AssignmentState.SUBMITTED,
            is_current=True,
        )
        .select_related("assignment__rater", "dimension")
        .order_by("assignment__rater__name", "assignment_id", "dimension__position")
    )
    found: dict[int, list[Rating]] = defaultdict(list)
    for rating in ratings:
        found[rating.assignment_id].append(rating)
    return found


def _answers(
    dimensions: Sequence[Dimension], given: Mapping[int, Sequence[Rating]]
) -> list[OneAnswer]:
    keys = [dimension.key for dimension in dimensions]
    found = []
    for ratings in given.values():
        by_key = {rating.dimension.key: rating.label for rating in ratings}
        rater = ratings[0].assignment.rater
        found.append(
            OneAnswer(
                rater=rater.name if rater is not None else "",
                labels=[
                    workbench.WORDS.get(by_key.get(key, ""), by_key.get(key, "")) for key in keys
                ],
                rationale=next((one.rationale for one in ratings if one.rationale), ""),
            )
        )
    return found


def _dimension(
    dimension: Dimension, given: Mapping[int, Sequence[Rating]], settled: Settlement | None
) -> DimensionView:
    scale = labels.scale_of(dimension)
    counted = Counter(
        rating.label
        for ratings in given.values()
        for rating in ratings
        if rating.dimension.key == dimension.key
    )
    return DimensionView(
        key=dimension.key,
        name=dimension.name,
        choices=workbench.shown_dimension(dimension).choices,
        points=scale.labels,
        counts=tuple(counted.get(label, 0) for label in scale.labels),
        settled=settled,
    )


def _last(place: SessionItem, dimension: Dimension) -> Settlement | None:
    settled: Any = place.settlements.filter(dimension__key=dimension.key)
    last: Settlement | None = settled.select_related("author").order_by("-revision").first()
    return last


def _neighbours(place: SessionItem) -> tuple[int | None, int | None]:
    others = SessionItem.objects.filter(session=place.session_id, stage=place.stage)
    before = others.filter(position__lt=place.position).order_by("-position")
    later = others.filter(position__gt=place.position).order_by("position")
    return (
        before.values_list("item_id", flat=True).first(),
        later.values_list("item_id", flat=True).first(),
    )


def _apart(round_: Round, item_ids: Sequence[int]) -> dict[int, float]:
    """For each item with two labels on a dimension the widest mean distance, 0–1."""
    import numpy as np

    found: dict[int, float] = {}
    for dimension in round_.guideline_version.dimensions.select_related("version"):
        scale = labels.scale_of(dimension)
        counted: dict[int, list[int]] = {}
        rows = Rating.objects.filter(
            assignment__round=round_,
            assignment__item__in=item_ids,
            assignment__state=AssignmentState.SUBMITTED,
            is_current=True,
            dimension__key=dimension.key,
        )
        for item_id, label in rows.values_list("assignment__item_id", "label"):
            code = scale.code(label)
            if code >= 0:
                counted.setdefault(item_id, [0] * len(scale.labels))[code] += 1
        far = mean_distance(
            np.array(list(counted.values()), dtype=np.int64).reshape(-1, len(scale.labels)),
            has_order=scale.has_order,
        )
        for item_id, distance in zip(counted, far.tolist(), strict=True):
            found[item_id] = max(found.get(item_id, 0.0), distance)
    return found
