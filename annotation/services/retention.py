"""Traffic is kept for a while: then its texts go as by an admin's erasure, and figures stand."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import Item, RoundItem
from annotation.queries import texts
from annotation.services import itemerasing
from annotation.states import RoundKind, RoundState
from core import audit

MOST_AT_ONCE = 200


def end_terms(now: datetime) -> int:
    """Erase texts of traffic that came longer ago than the setting keeps them: a bounded step of
    the reconciler, in one dataset; returns of how many items.

    Items that are rated or judged just now, and those of a drift round that goes on, wait.
    """
    days = settings.TRAFFIC_RETENTION_DAYS
    if not days:
        return 0
    # By whole hours: traffic that trickles is one step an hour, and one row of the audit trail.
    before = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=days)
    first = due(before).only("dataset_id", "project_id").first()
    if first is None:
        return 0
    with transaction.atomic(durable=True):
        locked = due(before).filter(dataset=first.dataset_id)
        rows = locked.select_for_update(of=("self",), skip_locked=True)[:MOST_AT_ONCE]
        # Once more behind the locks: a call may have been planned before they were taken.
        free = texts.free(Item.objects.filter(pk__in=[row.pk for row in rows.only("pk")]))
        ids = list(free.order_by("pk").values_list("pk", flat=True))
        if ids:
            itemerasing.blank_texts(ids, now)
            audit.record(
                actor="system",
                verb="traffic.texts_erased",
                object_type="dataset",
                object_id=first.dataset_id,
                project_id=first.project_id,
                data={"items": len(ids), "kept_for_days": days},
            )
    return len(ids)


def due(before: datetime) -> QuerySet[Item]:
    """Traffic that came last before that time and can go, the oldest first."""
    drawn = RoundItem.objects.filter(
        item=OuterRef("pk"), round__kind=RoundKind.DRIFT, withdrawal__isnull=True
    ).exclude(round__state=RoundState.CLOSED)
    old = Item.objects.filter(~Exists(drawn), retained_since__lt=before)
    return texts.free(old).order_by("retained_since", "pk")
