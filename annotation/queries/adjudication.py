"""Items that raters left contested, what each of them said, and who may decide.

Sealed items are here only for an adjudicator who said that they will read them (`SealedReading`),
and without raters' names; for everybody else they do not exist.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from annotation.models import (
    Assignment,
    Dimension,
    GuidelineVersion,
    Item,
    Rating,
    ReferenceLabel,
    SealedReading,
    SealedSet,
)
from annotation.queries import labels
from annotation.queries.items import items_yet_rated_by, may_yet_rate, visible_items
from annotation.queries.sealed import touching_sealed
from annotation.states import AssignmentState, Method, Part, ReferenceState, VersionState
from core import registry

COMPUTED = (Method.PLURALITY, Method.MEDIAN)
LEAST_RATINGS = 2
LEAST_SEALED_RATINGS = 3
PAGE_ITEMS = 25
OPEN, DECIDED, STILL, SETTLED = "open", "decided", "still", "settled"


@dataclass(frozen=True, slots=True)
class ContestedFilter:
    """What is looked for; empty fields ask for everything."""

    text: str = ""
    dimension: str = ""
    state: str = OPEN


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one rater said on one dimension; `rater` is empty for a sealed item."""

    rater: str
    label: str
    rationale: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class SealedWaiting:
    """A sealed part with contested items that somebody could decide; only their number."""

    sealed_set: SealedSet
    contested: int


@dataclass(frozen=True, slots=True)
class Window:
    """Some rows of a long list; `after` leads to the next ones, 0 when there are none."""

    rows: Sequence[ReferenceLabel]
    after: int


def least_votes(part: str) -> int:
    """Ratings below which a label is not for one person to decide."""
    return LEAST_SEALED_RATINGS if part == Part.SEALED else LEAST_RATINGS


def computed(item: Item, dimension: Dimension) -> ReferenceLabel | None:
    """The newest label that was computed from the item's ratings."""
    return _of(item, dimension).filter(method__in=COMPUTED).order_by("-version").first()


def adjudicated(item: Item, dimension: Dimension) -> ReferenceLabel | None:
    """The newest word of a person on the item."""
    return _of(item, dimension).filter(method=Method.ADJUDICATED).order_by("-version").first()


def corrections(item: Item, dimension: Dimension) -> list[ReferenceLabel]:
    """Every correction after a review, the newest first; one that was taken back says so."""
    return list(_of(item, dimension).filter(method=Method.CORRECTED).order_by("-version"))


def history(item: Item, dimension: Dimension) -> list[ReferenceLabel]:
    """Every word of a person on the item, the newest first."""
    return list(_of(item, dimension).filter(method=Method.ADJUDICATED).order_by("-version"))


def _of(item: Item, dimension: Dimension) -> QuerySet[ReferenceLabel]:
    return ReferenceLabel.objects.filter(
        item=item,
        guideline=dimension.version.guideline_id,
        major=dimension.version.major,
        dimension_key=dimension.key,
    )


def why_not_decide(item: Item, *, user: User) -> str:
    """Why this person does not decide the item, or nothing. Their role is the door's matter."""
    if may_yet_rate(item, user.pk):
        return "You rate in a round that holds this item, so somebody else decides it."
    own = Assignment.objects.filter(
        item=item, rater__user=user, state=AssignmentState.SUBMITTED, gold__isnull=True
    )
    if own.exists():
        return "You rated this item yourself: somebody who did not decides it."
    return why_closed(item, user=user)


def why_closed(item: Item, *, user: User) -> str:
    """Why this person reads no rating of the item because of the sealed part, or nothing."""
    if item.part == Part.SEALED:
        if reads(item.dataset_id, user=user):
            return ""
        return "This item is sealed: its ratings are read by adjudicators of its part only."
    if touching_sealed(Item.objects.filter(pk=item.pk), item.project_id).exists():
        return "This item has the same prompt as a sealed one: nobody reads its ratings."
    return ""


def reads(dataset_id: int, *, user: User) -> bool:
    """Whether this person reads sealed ratings of the dataset to decide on contested items."""
    return readable_sets(user).filter(dataset=dataset_id).exists()


def readable_sets(user: User) -> QuerySet[SealedSet]:
    """The living, unfrozen sets that this person chose to read and may."""
    sets = SealedSet.objects.filter(
        pk__in=SealedReading.objects.filter(user=user).values("sealed_set"),
        frozen_at__isnull=True,
        retired_at__isnull=True,
        dataset__project__memberships__user=user,
        dataset__project__memberships__is_adjudicator=True,
    )
    barred = {
        project_id
        for project_id in sets.values_list("dataset__project_id", flat=True)
        if registry.is_barred_from_sealed(project_id=project_id, user_id=user.pk)
    }
    return sets.exclude(dataset__project__in=barred)


def sealed_waiting(*, project_id: int, user: User) -> list[SealedWaiting]:
    """Sealed parts that this adjudicator could read and does not yet; none for judge authors."""
    if registry.is_barred_from_sealed(project_id=project_id, user_id=user.pk):
        return []
    sets = SealedSet.objects.filter(
        dataset__project=project_id, frozen_at__isnull=True, retired_at__isnull=True
    ).exclude(readings__user=user)
    found = []
    for one in sets.select_related("dataset").order_by("pk"):
        rows = _contested(project_id).filter(item__dataset=one.dataset_id, item__part=Part.SEALED)
        number = rows.filter(adjudicated_state__isnull=True).count()
        if number:
            found.append(SealedWaiting(one, number))
    return found


def contested(
    *, project_id: int, user: User, wanted: ContestedFilter, is_adjudicator: bool
) -> QuerySet[Any]:
    """What raters left contested and this person may read, in the order in which it came."""
    rows = _readable(_contested(project_id), project_id, user, is_adjudicator=is_adjudicator)
    if wanted.state == OPEN:
        rows = rows.filter(adjudicated_state__isnull=True)
    elif wanted.state == STILL:
        rows = rows.filter(adjudicated_state=ReferenceState.CONTESTED)
    elif wanted.state == DECIDED:
        rows = rows.filter(
            adjudicated_state__in=(ReferenceState.DECIDED, ReferenceState.NOT_APPLICABLE)
        )
    if wanted.dimension:
        rows = rows.filter(dimension_key=wanted.dimension)
    if wanted.text:
        rows = rows.filter(
            Q(item__external_id__icontains=wanted.text) | Q(item__title__icontains=wanted.text)
        )
    return rows.select_related("item__dataset", "guideline").order_by("pk")


def window(rows: QuerySet[ReferenceLabel], *, after: int) -> Window:
    """The next page of the list behind a row: however long it is, one short read."""
    found = list(rows.filter(pk__gt=after)[: PAGE_ITEMS + 1])
    shown = found[:PAGE_ITEMS]
    return Window(shown, shown[-1].pk if len(found) > PAGE_ITEMS else 0)


def beside(rows: QuerySet[ReferenceLabel], label_id: int) -> tuple[int, int]:
    """The label before this one in the list and the one behind it; 0 where there is none."""
    before = rows.filter(pk__lt=label_id).order_by("-pk").values_list("pk", flat=True).first()
    behind = rows.filter(pk__gt=label_id).order_by("pk").values_list("pk", flat=True).first()
    return before or 0, behind or 0


def dimension_keys(project_id: int) -> list[str]:
    """The dimensions that the project's guidelines know."""
    keys = Dimension.objects.filter(version__guideline__project=project_id).order_by("key")
    return list(keys.values_list("key", flat=True).distinct())


def dimension_of(label: ReferenceLabel) -> Dimension | None:
    """The label's dimension as the newest version of its major asks it."""
    return (
        Dimension.objects.filter(
            version__guideline=label.guideline_id,
            version__major=label.major,
            key=label.dimension_key,
        )
        .select_related("version__guideline")
        .order_by("-version__minor")
        .first()
    )


def opinions(item: Item, dimension: Dimension) -> list[Opinion]:
    """What each rater said that the human label rests on; of sealed items without names."""
    rows = labels.item_ratings(
        dataset_id=item.dataset_id,
        guideline_id=dimension.version.guideline_id,
        major=dimension.version.major,
        item_id=item.pk,
        dimension_key=dimension.key,
    )
    return [_opinion(row, is_named=item.part != Part.SEALED) for row in rows]


def opinions_of_round(item: Item, dimension: Dimension, round_id: int) -> list[Opinion]:
    """The same of one round, whether or not its ratings make labels."""
    rows = labels.round_item_ratings(
        round_id=round_id, item_id=item.pk, dimension_key=dimension.key
    )
    return [_opinion(row, is_named=True) for row in rows]


def _opinion(row: Rating, *, is_named: bool) -> Opinion:
    rater = row.assignment.rater
    name = rater.name if rater is not None and is_named else ""
    at = row.assignment.submitted_at if is_named else None
    return Opinion(name, row.label, row.rationale, at)


def _contested(project_id: int) -> QuerySet[Any]:
    """The newest computed labels that are contested by enough votes, with a person's last word."""
    same = ReferenceLabel.objects.filter(
        item=OuterRef("item"),
        guideline=OuterRef("guideline"),
        dimension_key=OuterRef("dimension_key"),
        major=OuterRef("major"),
    )
    newer = same.filter(method__in=COMPUTED, version__gt=OuterRef("version"))
    said = same.filter(method=Method.ADJUDICATED).order_by("-version")
    enough = Q(votes__gte=LEAST_RATINGS) & ~Q(item__part=Part.SEALED)
    return (
        ReferenceLabel.objects.filter(
            enough | Q(votes__gte=LEAST_SEALED_RATINGS, item__part=Part.SEALED),
            item__in=visible_items(project_id=project_id).values("pk"),
            method__in=COMPUTED,
            state=ReferenceState.CONTESTED,
        )
        .exclude(Exists(newer))
        .annotate(adjudicated_state=Subquery(said.values("state")[:1]))
        .annotate(part=F("item__part"))
    )


def _readable(
    rows: QuerySet[Any], project_id: int, user: User, *, is_adjudicator: bool
) -> QuerySet[Any]:
    """Nothing that this person may yet rate; sealed items only for their adjudicators."""
    items = Item.objects.filter(project=project_id)
    open_rows = ~Q(item__in=touching_sealed(items, project_id).values("pk"))
    shown = open_rows
    if is_adjudicator:
        sets = readable_sets(user).filter(dataset__project=project_id)
        shown = open_rows | Q(item__part=Part.SEALED, item__dataset__in=sets.values("dataset"))
    return rows.filter(shown).exclude(item__in=items_yet_rated_by(user.pk))


def version_in_force(dimension: Dimension) -> GuidelineVersion | None:
    """The published version of the dimension's guideline, if it is of the same major."""
    return (
        GuidelineVersion.objects.filter(
            guideline=dimension.version.guideline_id,
            major=dimension.version.major,
            state=VersionState.PUBLISHED,
        )
        .select_related("guideline")
        .first()
    )


def decided_points(item: Item, dimension: Dimension) -> dict[str, ReferenceLabel]:
    """The person's label in force on each dimension of the same guideline's major."""
    rows = ReferenceLabel.objects.filter(
        item=item,
        guideline=dimension.version.guideline_id,
        major=dimension.version.major,
        method=Method.ADJUDICATED,
    ).order_by("version")
    newest = {row.dimension_key: row for row in rows}
    return {key: row for key, row in newest.items() if row.state == ReferenceState.DECIDED}


def names_of(item: Item, dimension: Dimension, *, project_id: int) -> dict[str, str]:
    """The names behind the ids of those who decided or corrected, while there are any."""
    said = [*history(item, dimension), *corrections(item, dimension)]
    ids = [int(row.actor[1:]) for row in said if row.actor[1:].isdecimal()]
    members = User.objects.filter(memberships__project=project_id, pk__in=ids)
    return {one.actor: one.shown_name for one in members}


def states_of(
    item_ids: Collection[int], *, guideline_id: int, major: int
) -> dict[tuple[int, str], str]:
    """By item and dimension how far each item is settled: open, decided, still or settled (by its
    votes); those without a label yet are left out."""
    rows = ReferenceLabel.objects.filter(
        item__in=item_ids,
        guideline=guideline_id,
        major=major,
        method__in=(*COMPUTED, Method.ADJUDICATED),
    ).order_by("version")
    newest: dict[tuple[int, str], dict[bool, str]] = defaultdict(dict)
    for item_id, key, method, state in rows.values_list(
        "item_id", "dimension_key", "method", "state"
    ):
        newest[item_id, key][method == Method.ADJUDICATED] = state
    found = {}
    for subject, states in newest.items():
        word, votes = states.get(True), states.get(False)
        if word is not None and word != ReferenceState.WITHDRAWN:
            found[subject] = STILL if word == ReferenceState.CONTESTED else DECIDED
        elif votes is not None and votes != ReferenceState.WITHDRAWN:
            found[subject] = OPEN if votes == ReferenceState.CONTESTED else SETTLED
    return found
