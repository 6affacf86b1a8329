"""What stands is suspended until somebody has looked into it, then reinstated or revoked."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from core.errors import Conflict
from judges.models import Decision, Standing
from judges.queries import endings
from judges.services import telling
from judges.services.decisions import about_standing, check_decider, checked_reason
from judges.states import DecisionKind

SYSTEM = "system"


@transaction.atomic(durable=True)
def suspend(*, standing_id: int, reason: str, by: User) -> Decision:
    """The API refuses from the next request on, until somebody reinstates it.

    Raises NotAllowed for whoever is no admin or wrote the version, Conflict when nothing stands
    or it is suspended already.
    """
    standing = _locked(standing_id)
    check_decider(by, standing.version)
    decision = _suspended(standing, actor=by.actor, reason=checked_reason(reason))
    if decision is None:
        raise Conflict("already_suspended", "This approval is suspended already.")
    return decision


def suspend_for_drift(standing: Standing, *, reason: str) -> Decision | None:
    """The same by Plumbline itself, in the caller's transaction; None when it was suspended."""
    return _suspended(standing, actor=SYSTEM, reason=reason)


@transaction.atomic(durable=True)
def reinstate(*, standing_id: int, reason: str, by: User, now: datetime) -> Decision:
    """The API answers again; the drift alarm counts from here anew.

    Raises NotAllowed for whoever is no admin or wrote the version, Conflict when nothing is
    suspended or the approval ended meanwhile by itself.
    """
    standing = _locked(standing_id)
    check_decider(by, standing.version)
    reason = checked_reason(reason)
    over = endings.why_over(standing, now=now)
    if over:
        raise Conflict("approval_expired", f"It cannot be reinstated. {over}")
    changed = Standing.objects.filter(pk=standing.pk, is_suspended=True).update(is_suspended=False)
    if changed != 1:
        raise Conflict("not_suspended", "This approval is not suspended.")
    return about_standing(standing, kind=DecisionKind.REINSTATE, actor=by.actor, reason=reason)


def _suspended(standing: Standing, *, actor: str, reason: str) -> Decision | None:
    """Whoever turns the flag writes the decision: once, however many try."""
    changed = Standing.objects.filter(
        pk=standing.pk, decision=standing.decision_id, is_suspended=False
    ).update(is_suspended=True)
    if changed != 1:
        return None
    decision = about_standing(standing, kind=DecisionKind.SUSPEND, actor=actor, reason=reason)
    telling.is_suspended(standing, decision)
    return decision


def _locked(standing_id: int) -> Standing:
    """Locked: an approval at the same moment puts another version on this row."""
    standing = (
        Standing.objects.select_for_update(of=("self",))
        .select_related("judge", "version__judge", "version__guideline_version", "decision")
        .filter(pk=standing_id)
        .first()
    )
    if standing is None:
        raise Conflict("not_standing", "No approval stands for this judge any more.")
    return standing
