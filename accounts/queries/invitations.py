"""Invitations of a project, and what is wrong with one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page
from django.db.models import Exists, F, OuterRef, QuerySet

from accounts import tokens
from accounts.models import Invitation, Membership, Project
from core.filters import paged
from core.rows import only

LISTED = 50


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation with its state in a word: open, used, expired, revoked or void."""

    invitation: Invitation
    state: str


def takeable(now: datetime) -> QuerySet[Invitation]:
    """Invitations that still let somebody in. An admin who was shut out has none in the pocket."""
    admins = Membership.objects.filter(
        project=OuterRef("project"), user=OuterRef("made_by"), is_admin=True, user__is_active=True
    )
    return Invitation.objects.filter(
        Exists(admins), uses__lt=F("most"), revoked_at__isnull=True, expires_at__gt=now
    )


def by_secret(secret: str) -> Invitation | None:
    known = Invitation.objects.select_related("project")
    return only(known.filter(digest=tokens.digest(secret)))


def page_of(project: Project, number: object, now: datetime) -> Page[Invitation]:
    """The project's invitations, newest first, each with its `state`."""
    rows = Invitation.objects.filter(project=project).select_related("made_by").order_by("-pk")
    page = paged(rows, number, size=LISTED)
    valid = set(takeable(now).filter(project=project).values_list("pk", flat=True))
    page.object_list = [
        InvitationRow(one, state_of(one, now, is_takeable=one.pk in valid))
        for one in page.object_list
    ]
    return page


def state_of(invitation: Invitation, now: datetime, *, is_takeable: bool) -> str:
    if invitation.revoked_at is not None:
        return "revoked"
    if invitation.uses >= invitation.most:
        return "used"
    if invitation.expires_at <= now:
        return "expired"
    return "open" if is_takeable else "void"


_PROBLEMS = {
    "revoked": "This invitation was revoked. Ask whoever sent it for another one.",
    "used": "This invitation has been used already. Ask whoever sent it for another one.",
    "expired": "This invitation has expired. Ask whoever sent it for another one.",
    "void": "Whoever made this invitation no longer administers the project. Ask for another one.",
    "open": "",
}


def problem_of(invitation: Invitation, now: datetime) -> str:
    """Why nobody gets in by it; empty while somebody does."""
    is_takeable = takeable(now).filter(pk=invitation.pk).exists()
    return _PROBLEMS[state_of(invitation, now, is_takeable=is_takeable)]
