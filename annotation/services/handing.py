"""What a rater holds in a running round, what is kept for them, and how much they may yet take:
changed by a lead."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from annotation.models import Assignment, Item, Round, RoundRater
from annotation.services import claim, goldplans, laying, roundacts, telling, withdrawing
from annotation.services.candidates import may_have_sealed
from annotation.states import AssignmentState, Part
from core.errors import Conflict

KEPT_FOR = timedelta(days=3)
"""Long enough for a weekend; then it is open to all, so that nobody's absence holds up a round."""
MOST_KEPT = 50


@transaction.atomic(durable=True)
def hand_back(
    *, round_id: int, rater_id: int, to: int | None = None, by: User, now: datetime
) -> int:
    """End the rater's lease: the item is open to everybody, or kept for the rater `to`; what was
    written stays as a draft.

    Returns the item. Raises `Conflict` when the round is closed or revealed, when the rater holds
    nothing (the answer came in meanwhile, or the lease ran out), and as `keep_for` does.
    """
    round_ = roundacts.held(round_id)
    leased = Assignment.objects.filter(
        round=round_, rater=rater_id, state=AssignmentState.LEASED
    ).first()
    if leased is not None and to is not None:
        _demand_may_rate(round_, leased.item_id, to)
    _hold_places(round_, rater_id, to)
    if leased is None or not claim.empty(leased, now=now):
        raise Conflict(
            "nothing_held", "This rater holds nothing any more: it was answered or went back."
        )
    roundacts.record(
        round_, "round.item_handed_back", by.actor, {"rater": rater_id, "item": leased.item_id}
    )
    if to is not None:
        _keep(round_, leased.item_id, to, by=by, now=now)
    return leased.item_id


@transaction.atomic(durable=True)
def keep_for(*, round_id: int, item_id: int, rater_id: int, by: User, now: datetime) -> None:
    """A free slot of the item is this rater's: it comes next to them, and to nobody else for
    `KEPT_FOR`.

    Raises `Conflict` when the round is closed or revealed, when no slot is free, and when the rater
    could not be given the item: out of the round, through with their quota, at this item before,
    barred from sealed items, or with too much kept already.
    """
    round_ = roundacts.held(round_id)
    withdrawing.place_of(round_, item_id)
    _demand_may_rate(round_, item_id, rater_id)
    _hold_places(round_, rater_id)
    _keep(round_, item_id, rater_id, by=by, now=now)


@transaction.atomic(durable=True)
def let_go(*, round_id: int, assignment_id: int, by: User) -> None:
    """What was kept for a rater is open to everybody. Raises `Conflict` when it is kept no more."""
    round_ = roundacts.held(round_id)
    row = Assignment.objects.filter(round=round_, pk=assignment_id).first()
    if row is None or not claim.let_go(row):
        raise Conflict(
            "nothing_kept", "This is kept no more: the rater has it by now, or the time was up."
        )
    roundacts.record(
        round_, "round.item_let_go", by.actor, {"rater": row.kept_for_id, "item": row.item_id}
    )


def _hold_places(round_: Round, *raters: int | None) -> None:
    """In the order of their keys, before any slot: a rater who claims holds their place first."""
    places = RoundRater.objects.select_for_update(no_key=True).filter(round=round_)
    list(places.filter(rater__in=[one for one in raters if one is not None]).order_by("pk"))


def _demand_may_rate(round_: Round, item_id: int, rater_id: int) -> None:
    """Whoever saved a judge version is given no sealed item. Before the places are held."""
    is_sealed = Item.objects.filter(pk=item_id, part=Part.SEALED).exists()
    if is_sealed and not may_have_sealed(project_id=round_.project_id, rater_id=rater_id):
        raise Conflict(
            "barred_from_sealed",
            "This rater wrote a judge, so a sealed item is not for them. Choose another rater.",
        )
    if is_sealed:
        roundacts.demand_unfrozen(
            dataset_id=round_.dataset_id,
            items=Item.objects.filter(pk=item_id),
            what="This item is given to nobody any more",
        )


def _keep(round_: Round, item_id: int, rater_id: int, *, by: User, now: datetime) -> None:
    _demand_room(round_, item_id, rater_id)
    slot = claim.free_slot(round_id=round_.pk, item_id=item_id)
    until = now + KEPT_FOR
    if slot is None or not claim.keep(slot=slot, rater_id=rater_id, until=until):
        raise Conflict(
            "no_free_slot",
            "Every slot of this item is taken: hand back what somebody holds, or let go of what is "
            "kept, then choose again.",
        )
    claim.add_taken(Assignment(round=round_, item_id=item_id))
    roundacts.record(round_, "round.item_kept", by.actor, {"rater": rater_id, "item": item_id})
    telling.item_is_kept(round_, rater_id=rater_id, slot=slot, until=until)


def _demand_room(round_: Round, item_id: int, rater_id: int) -> None:
    """The rater's place in the round is held: what is asked here stays so."""
    member = RoundRater.objects.filter(
        round=round_, rater=rater_id, removed_at__isnull=True
    ).first()
    if member is None:
        raise Conflict("not_in_round", "This rater is not in the round any more.")
    rows = Assignment.objects.filter(round=round_)
    if rows.filter(Q(rater=rater_id) | Q(kept_for=rater_id), item=item_id).exists():
        raise Conflict(
            "had_already", "This rater has had the item, or it is kept for them. Choose another."
        )
    kept = rows.filter(kept_for=rater_id).count()
    if kept >= MOST_KEPT:
        raise Conflict(
            "kept_enough",
            f"{kept} items are kept for this rater already. Let some of them be answered first.",
        )
    if member.quota is not None and member.answered + kept >= member.quota:
        raise Conflict(
            "quota_reached",
            f"This rater's quota of {member.quota} has no room for it. Raise it first.",
        )


@transaction.atomic(durable=True)
def change_quota(*, round_id: int, rater_id: int, quota: int | None, by: User) -> None:
    """At most this many items for the rater, or without a limit; what they hold they may finish.

    Raises `Invalid` for a number below 1, `Conflict` when the round is closed or revealed, or the
    rater is out of it.
    """
    laying.demand_positive(quota, "quota")
    round_ = roundacts.held(round_id)
    goldplans.demand_no_quota(quota, kind=round_.kind)
    member = (
        RoundRater.objects.select_for_update(no_key=True)
        .filter(round=round_, rater=rater_id, removed_at__isnull=True)
        .first()
    )
    if member is None:
        raise Conflict("not_in_round", "This rater is not in the round any more.")
    if member.quota == quota:
        return
    RoundRater.objects.filter(pk=member.pk).update(quota=quota)
    roundacts.record(
        round_,
        "round.quota_changed",
        by.actor,
        {"rater": rater_id, "before": member.quota, "quota": quota},
    )
