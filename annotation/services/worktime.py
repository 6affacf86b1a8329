"""Seconds at work: as the page counted them, never more than can have passed."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from accounts.models import Rater
from annotation.models import Assignment, Draft
from annotation.services import claim

LONGEST_ACTIVE = timedelta(hours=2)


def active_seconds(row: Assignment, rater: Rater, *, claimed: float, now: datetime) -> float:
    """What the page claims in all for this item, cut to what the clock allows.

    What a draft holds already was allowed before; since then, or since the item was handed out
    where that came later, no more can be added than has passed.
    """
    if not math.isfinite(claimed) or claimed <= 0:
        return 0.0
    draft = (
        Draft.objects.filter(round=row.round_id, item=row.item_id, rater=rater)
        .values_list("active_seconds", "saved_at")
        .first()
    )
    before, saved_at = draft or (0.0, None)
    passed = timedelta()
    if row.rater_id == rater.pk and row.leased_at is not None:
        passed = now - max(row.leased_at, saved_at or row.leased_at)
    elif saved_at is not None:
        # The slot was emptied, and the draft that says whose it was may be as late as that.
        passed = now - saved_at + claim.lease_time()
    most = min(before + passed.total_seconds(), LONGEST_ACTIVE.total_seconds())
    return round(max(0.0, min(claimed, most)), 1)
