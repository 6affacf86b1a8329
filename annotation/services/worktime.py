"""Seconds at work: as the page counted them, never more than can have passed."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Value

from accounts.models import Rater
from annotation.models import Assignment, Draft
from annotation.services import claim
from annotation.states import AssignmentState
from core.prepared import Prepared

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
    mine = row.rater_id == rater.pk and row.leased_at is not None
    before, saved_at, spent = _counted(row, rater, since=row.leased_at if mine else None)
    passed = 0.0
    if mine and row.leased_at is not None:
        since = max(row.leased_at, saved_at or row.leased_at)
        elsewhere = sum((min(s, max(0.0, (at - since).total_seconds())) for s, at in spent), 0.0)
        passed = (now - since).total_seconds() - elsewhere
    elif saved_at is not None:
        # The slot was emptied, and the draft that says whose it was may be as late as that.
        passed = (now - saved_at + claim.lease_time()).total_seconds()
    most = min(before + max(0.0, passed), LONGEST_ACTIVE.total_seconds())
    return round(max(0.0, min(claimed, most)), 1)


def _counted(
    row: Assignment, rater: Rater, *, since: datetime | None
) -> tuple[float, datetime | None, list[tuple[float, datetime]]]:
    """Seconds of the item's own draft and when it was saved; and what was counted for the rater's
    other items, answered since then or begun, with when. In one query."""
    mine = {"rater_id": rater.pk, "round_id": row.round_id, "item_id": row.item_id}
    found = (
        _own_draft.rows(**mine)
        if since is None
        else _own_and_others.rows(**mine, assignment_id=row.pk, since=since)
    )
    before, saved_at = 0.0, None
    spent: list[tuple[float, datetime]] = []
    for is_mine, seconds, at in found:
        if is_mine:
            before, saved_at = seconds, at
        elif at is not None:
            spent.append((seconds, at))
    return before, saved_at, spent


@Prepared
def _own_draft(*, rater_id: int, round_id: int, item_id: int) -> QuerySet[Any, Any]:
    own = Draft.objects.filter(rater=rater_id, round=round_id, item=item_id)
    return own.values_list(Value(1), "active_seconds", "saved_at")


@Prepared
def _own_and_others(
    *, rater_id: int, round_id: int, item_id: int, assignment_id: int, since: datetime
) -> QuerySet[Any, Any]:
    begun = Draft.objects.filter(rater=rater_id, saved_at__gt=since, active_seconds__gt=0)
    others = begun.exclude(round=round_id, item=item_id)
    answered = Assignment.objects.filter(
        rater=rater_id,
        state=AssignmentState.SUBMITTED,
        submitted_at__gt=since,
        active_seconds__gt=0,
    ).exclude(pk=assignment_id)
    own = Draft.objects.filter(rater=rater_id, round=round_id, item=item_id)
    return own.values_list(Value(1), "active_seconds", "saved_at").union(
        others.values_list(Value(0), "active_seconds", "saved_at"),
        answered.values_list(Value(0), "active_seconds", "submitted_at"),
        all=True,
    )[:LOOKED_AT]
