"""What a rater holds in a running round, and how much they may yet take: changed by a lead."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from annotation.models import Assignment, RoundRater
from annotation.services import claim, goldplans, laying, roundacts
from annotation.states import AssignmentState
from core.errors import Conflict


@transaction.atomic(durable=True)
def hand_back(*, round_id: int, rater_id: int, by: User, now: datetime) -> int:
    """End the rater's lease: the item is open to everybody, what was written stays as a draft.

    Returns the item. Raises `Conflict` when the round is closed or revealed, or when the rater
    holds nothing: the answer came in meanwhile, or the lease ran out.
    """
    round_ = roundacts.held(round_id)
    RoundRater.objects.select_for_update(no_key=True).filter(round=round_, rater=rater_id).first()
    row = Assignment.objects.filter(
        round=round_, rater=rater_id, state=AssignmentState.LEASED
    ).first()
    if row is None or not claim.empty(row, now=now):
        raise Conflict(
            "nothing_held", "This rater holds nothing any more: it was answered or went back."
        )
    roundacts.record(
        round_, "round.item_handed_back", by.actor, {"rater": rater_id, "item": row.item_id}
    )
    return row.item_id


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
