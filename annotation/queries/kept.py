"""Slots that a lead keeps for one rater: of an item, of a rater, and for whom one could be kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Rater
from annotation.models import Assignment, Round, RoundItem, RoundRater
from annotation.queries.sight import sight_on, titled


@dataclass(frozen=True, slots=True)
class Kept:
    """One slot, for whom and until when; the item as its reader may see it."""

    assignment_id: int
    item_id: int
    title: str
    rater_id: int
    rater: str
    until: datetime


def of_place(place: RoundItem, *, user_id: int) -> list[Kept]:
    """What is kept of one item of a round: at most its overlap."""
    return _shown(_kept(place.round).filter(item=place.item_id), place.round, user_id)


def of_rater(member: RoundRater, *, user_id: int) -> list[Kept]:
    """What is kept for one rater of a round."""
    return _shown(_kept(member.round).filter(kept_for=member.rater_id), member.round, user_id)


def raters_for(round_: Round, item_id: int, *, user_id: int) -> QuerySet[Rater]:
    """For whom a slot of the item could be kept: raters of the round who never had it.

    Who is not told who said what of an item (it is sealed, or theirs to rate) is offered them all.
    """
    members = RoundRater.objects.filter(round=round_, rater=OuterRef("pk"), removed_at__isnull=True)
    raters = Rater.objects.filter(Exists(members), project=round_.project_id)
    sight = sight_on([item_id], project_id=round_.project_id, user_id=user_id)
    if sight.shows_words(item_id):
        had = Q(rater=OuterRef("pk")) | Q(kept_for=OuterRef("pk"))
        raters = raters.exclude(Exists(Assignment.objects.filter(had, round=round_, item=item_id)))
    return raters.order_by("name", "pk")


def raters_instead(member: RoundRater, held: Assignment | None, *, user_id: int) -> QuerySet[Rater]:
    """To whom what this rater holds could go. A gold item fills no slot that could be kept."""
    if held is None or held.gold_id is not None:
        return Rater.objects.none()
    return raters_for(member.round, held.item_id, user_id=user_id).exclude(pk=member.rater_id)


def _kept(round_: Round) -> QuerySet[Assignment]:
    rows = Assignment.objects.filter(round=round_, kept_for__isnull=False)
    return rows.select_related("item", "kept_for").order_by("pk")


def _shown(rows: Iterable[Assignment], round_: Round, user_id: int) -> list[Kept]:
    found = list(rows)
    titles = titled([row.item for row in found], project_id=round_.project_id, user_id=user_id)
    return [_one(row, title) for row, (_, title) in zip(found, titles, strict=True)]


def _one(row: Assignment, title: str) -> Kept:
    assert row.kept_for is not None
    assert row.kept_until is not None
    return Kept(row.pk, row.item_id, title, row.kept_for.pk, row.kept_for.name, row.kept_until)
