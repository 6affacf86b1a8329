"""When a rater's next item is a gold one, and which.

Turns and order come from keyed hashes: random, but the same for a rater however often they ask.
Nothing here depends on the size of the round.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import Assignment, GoldItem, Round, RoundItem, RoundRater
from annotation.queries import goldring
from annotation.rules import display
from annotation.states import AssignmentState, RoundKind


def due(round_: Round, member: RoundRater) -> GoldItem | None:
    """The gold item that this rater is given now; None when it is not its turn, or none is left.

    In a round with a rate one item in each `gold_every` is gold, at a place of the rater's own.
    A qualification is made of gold items. What is passed by uses up its turn.
    """
    if round_.kind == RoundKind.QUALIFICATION:
        inside = Exists(
            RoundItem.objects.filter(round=round_, item=OuterRef("item"), withdrawal__isnull=True)
        )
        return _next(_ring(round_).filter(inside), round_, member)
    if round_.gold_every is None:
        return None
    block, place = divmod(member.answered + member.skipped, round_.gold_every)
    turn = display.gold_turn(
        round_.salt, rater=member.rater_id, block=block, every=round_.gold_every
    )
    return _next(_ring(round_), round_, member) if place == turn else None


def open_row(*, round_id: int, gold: GoldItem) -> int | None:
    """Inside a transaction: a row of the gold item that nobody holds; None where a lead took the
    item out of the round. Else there is always room: how many raters are given a gold item is
    bound by nothing but their number."""
    emptied = (
        Assignment.objects.select_for_update(skip_locked=True)
        .filter(round=round_id, gold=gold, state=AssignmentState.OPEN)
        .values_list("pk", flat=True)
        .first()
    )
    places = RoundItem.objects.filter(round=round_id, item=gold.item_id, withdrawal__isnull=False)
    if places.select_for_update(no_key=True).exists():
        return None
    if emptied is not None:
        return emptied
    return Assignment.objects.create(
        round_id=round_id, item_id=gold.item_id, gold=gold, slot=None
    ).pk


def _ring(round_: Round) -> QuerySet[GoldItem]:
    """The gold items that the round's guideline version has and that may be shown."""
    version = round_.guideline_version
    return goldring.shown_ring(guideline=version.guideline_id, major=version.major)


def _next(ring: QuerySet[GoldItem], round_: Round, member: RoundRater) -> GoldItem | None:
    """The first of the ring, from the rater's own point on, that the rater never had as gold."""
    start = display.starting_point(round_.salt, rater=member.rater_id, turn="gold")
    had = Assignment.objects.filter(gold=OuterRef("pk"), rater=member.rater_id)
    here = Assignment.objects.filter(round=round_, item=OuterRef("item"), rater=member.rater_id)
    fresh = ring.exclude(Exists(had)).exclude(Exists(here)).order_by("shuffle", "pk")
    return fresh.filter(shuffle__gte=start).first() or fresh.filter(shuffle__lt=start).first()
