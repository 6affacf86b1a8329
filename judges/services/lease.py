"""Who works on a run: a lease on its row, taken and kept by conditional updates.

`lease_until` is set exactly while the state is running. A claim is `fresh` from planned, or a
takeover from an owner whose lease ran out, which is dead or as good as dead.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from core import audit
from judges.models import Run
from judges.states import RunState


class Claim(StrEnum):
    NONE = "none"
    FRESH = "fresh"
    TAKEOVER = "takeover"


@transaction.atomic
def claim(run_id: int, *, owner: str, now: datetime, seconds: float) -> Claim:
    """Take the run. Of several that try, one gets it: the row is the lock."""
    taken = {
        "state": RunState.RUNNING,
        "owner": owner,
        "lease_until": now + timedelta(seconds=seconds),
        "started_at": Coalesce("started_at", now),
        "pause_reason": "",
        "wake_at": None,
    }
    planned = Q(state=RunState.PLANNED) & is_awake(now)
    if Run.objects.filter(planned, pk=run_id).update(**taken):
        return Claim.FRESH
    expired = Q(state=RunState.RUNNING, lease_until__lt=now)
    if Run.objects.filter(expired, pk=run_id).update(**taken):
        return Claim.TAKEOVER
    return Claim.NONE


@transaction.atomic
def renew(run_id: int, *, owner: str, now: datetime, seconds: float) -> bool:
    """False when the run was paused, cancelled or taken over."""
    return bool(_mine(run_id, owner).update(lease_until=now + timedelta(seconds=seconds)))


@transaction.atomic
def give_back(run_id: int, *, owner: str) -> bool:
    """To be continued by any worker."""
    return bool(_mine(run_id, owner).update(state=RunState.PLANNED, owner="", lease_until=None))


@transaction.atomic
def rest(run_id: int, *, owner: str, until: datetime) -> bool:
    """To be continued by any worker, and not before then unless somebody wakes it."""
    return bool(
        _mine(run_id, owner).update(
            state=RunState.PLANNED, owner="", lease_until=None, wake_at=until
        )
    )


def wake(run_id: int) -> None:
    """A run that rests may go on at once."""
    Run.objects.filter(pk=run_id, state=RunState.PLANNED).update(wake_at=None)


def is_awake(now: datetime) -> Q:
    """The condition on runs that do not rest."""
    return Q(wake_at__isnull=True) | Q(wake_at__lte=now)


@transaction.atomic
def pause(run_id: int, *, owner: str, reason: str) -> bool:
    """The engine stops by itself and says why: nobody else knows that it did."""
    return _paused(run_id, _mine(run_id, owner), reason)


@transaction.atomic
def stop(run_id: int, *, reason: str) -> bool:
    """Whoever holds the run, if anybody does: what a batch brought says that it cannot go on."""
    live = Run.objects.filter(pk=run_id, state__in=[RunState.PLANNED, RunState.RUNNING])
    return _paused(run_id, live, reason)


def _paused(run_id: int, rows: QuerySet[Run], reason: str) -> bool:
    changed = rows.update(
        state=RunState.PAUSED, owner="", lease_until=None, pause_reason=reason[:400]
    )
    if changed:
        audit.record(
            actor="system",
            verb="run.paused",
            object_type="run",
            object_id=run_id,
            project_id=Run.objects.values_list("project_id", flat=True).get(pk=run_id),
            data={"reason": reason[:400]},
        )
    return bool(changed)


@transaction.atomic
def finish(run_id: int, *, owner: str, now: datetime) -> bool:
    """The terminal state commits alone: what follows has its own step and its own stamp."""
    return bool(
        _mine(run_id, owner).update(
            state=RunState.DONE, owner="", lease_until=None, finished_at=now
        )
    )


def _mine(run_id: int, owner: str) -> QuerySet[Run]:
    return Run.objects.filter(pk=run_id, owner=owner, state=RunState.RUNNING)
