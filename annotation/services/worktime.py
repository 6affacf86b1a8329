"""Seconds at work: as the page counted them, never more than can have passed."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from accounts.models import Rater
from annotation.models import Assignment, Draft
from annotation.services import claim
from annotation.states import AssignmentState

LONGEST_ACTIVE = timedelta(hours=2)
LOOKED_AT = 200
"""So many of the other answers since then are looked at: more do not fit into a lease."""


def active_seconds(row: Assignment, rater: Rater, *, claimed: float, now: datetime) -> float:
    """What the page claims in all for this item, cut to what the clock allows.

    What a draft holds already was allowed before; since then, or since the item was handed out
    where that came later, no more can be added than has passed and was not spent on another item
    of this rater: two windows do not make one hour two.
    """
    if not math.isfinite(claimed) or claimed <= 0:
        return 0.0
    draft = (
        Draft.objects.filter(round=row.round_id, item=row.item_id, rater=rater)
        .values_list("active_seconds", "saved_at")
        .first()
    )
    before, saved_at = draft or (0.0, None)
    passed = 0.0
    if row.rater_id == rater.pk and row.leased_at is not None:
        since = max(row.leased_at, saved_at or row.leased_at)
        passed = (now - since).total_seconds()
        if claimed > before:
            passed -= _spent_elsewhere(row, rater, since)
    elif saved_at is not None:
        # The slot was emptied, and the draft that says whose it was may be as late as that.
        passed = (now - saved_at + claim.lease_time()).total_seconds()
    most = min(before + max(0.0, passed), LONGEST_ACTIVE.total_seconds())
    return round(max(0.0, min(claimed, most)), 1)


def _spent_elsewhere(row: Assignment, rater: Rater, since: datetime) -> float:
    """Seconds that were counted for the rater's other items since then: answered and begun."""
    answered = (
        Assignment.objects.filter(
            rater=rater,
            state=AssignmentState.SUBMITTED,
            submitted_at__gt=since,
            active_seconds__gt=0,
        )
        .exclude(pk=row.pk)
        .values_list("active_seconds", "submitted_at")
    )
    begun = (
        Draft.objects.filter(rater=rater, saved_at__gt=since, active_seconds__gt=0)
        .exclude(round=row.round_id, item=row.item_id)
        .values_list("active_seconds", "saved_at")
    )
    spent = answered.union(begun, all=True)[:LOOKED_AT]
    return sum(
        (min(seconds, (at - since).total_seconds()) for seconds, at in spent if at is not None), 0.0
    )
