"""Invitations by link: made by an admin, shown once, taken by whoever holds the link."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts import services, tokens
from accounts.models import Invitation, Membership, Project, User
from accounts.queries import invitations as queries
from accounts.roles import Role
from core import audit
from core.errors import Conflict, Invalid, NotHere

MOST_USES = 100
UNKNOWN = "This invitation is unknown: look whether the whole link was copied."


@transaction.atomic(durable=True)
def invite(
    *,
    project: Project,
    roles: Iterable[Role],
    expires_at: datetime,
    by: User,
    email: str = "",
    most: int = 1,
) -> tuple[Invitation, str]:
    """A new invitation and the secret of its link, which is shown this once.

    `most` people may take it. `email` becomes the address of the account that is made by it, so
    it goes with one person only.
    """
    wanted = sorted(role.value for role in roles)
    if not wanted:
        raise Invalid("no_role", "Choose at least one role for whoever is invited.")
    if not 1 <= most <= MOST_USES:
        raise Invalid("uses_out_of_range", f"Between 1 and {MOST_USES} people take one invitation.")
    if email and most != 1:
        raise Invalid(
            "email_of_many",
            "An e-mail address belongs to one person: leave it out, or invite one.",
            {"email": ["Only for an invitation that one person takes."]},
        )
    secret = secrets.token_urlsafe(32)
    made = Invitation.objects.create(
        project=project,
        digest=tokens.digest(secret),
        hint=secret[-4:],
        roles=wanted,
        email=email,
        most=most,
        expires_at=expires_at,
        made_by=by,
    )
    _record("invitation.made", made, by.actor, {"roles": wanted, "most": most})
    return made, secret


@transaction.atomic(durable=True)
def revoke(*, project: Project, invitation_id: int, by: User, now: datetime) -> None:
    """Nobody gets in by it any more; who is in stays in."""
    found = Invitation.objects.filter(
        project=project, pk=invitation_id, revoked_at__isnull=True
    ).update(revoked_at=now)
    if found:
        _record("invitation.revoked", Invitation(pk=invitation_id, project=project), by.actor, {})


@transaction.atomic(durable=True)
def accept_as_new(
    *, secret: str, username: str, display_name: str, password: str, now: datetime
) -> Membership:
    """An account for whoever holds the link, in the project at once.

    Raises `Conflict` when the link is used up, over, or revoked: then there is no account either.
    """
    invitation = _taken(secret, now)
    user = services.new_account(
        username=username,
        display_name=display_name,
        password=password,
        email=invitation.email,
    )
    audit.record(
        actor=user.actor,
        verb="account.made",
        object_type="user",
        object_id=user.pk,
        project_id=invitation.project_id,
    )
    return _joined(invitation, user)


@transaction.atomic(durable=True)
def accept_as(*, secret: str, user: User, now: datetime) -> Membership:
    """Lets an account into the project. Who is in it keeps their roles and takes no place."""
    invitation = _found(secret)
    # In two windows at once the second one finds what the first one did.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    here = Membership.objects.filter(project=invitation.project, user=user).first()
    if here is not None:
        return here
    return _joined(_taken(secret, now), user)


def _found(secret: str) -> Invitation:
    invitation = queries.by_secret(secret)
    if invitation is None:
        raise NotHere(UNKNOWN)
    return invitation


def _taken(secret: str, now: datetime) -> Invitation:
    """One place of the invitation: of two people who want the last one, one gets it."""
    invitation = _found(secret)
    taken = queries.takeable(now).filter(pk=invitation.pk).update(uses=F("uses") + 1)
    if taken != 1:
        invitation.refresh_from_db()
        raise Conflict("invitation_over", queries.problem_of(invitation, now))
    return invitation


def _joined(invitation: Invitation, user: User) -> Membership:
    roles = [Role(value) for value in invitation.roles]
    membership = services.set_roles(
        project=invitation.project, user=user, roles=roles, actor=user.actor
    )
    _record("invitation.taken", invitation, user.actor, {})
    return membership


def _record(verb: str, invitation: Invitation, actor: str, data: dict[str, object]) -> None:
    audit.record(
        actor=actor,
        verb=verb,
        object_type="invitation",
        object_id=invitation.pk,
        project_id=invitation.project_id,
        data=data,
    )
