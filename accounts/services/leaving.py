"""Closing an account and opening it again, and who may do what to a whole account.

An account belongs to a person, not to a project: an admin acts on it only where nobody else has
a say, that is when they administer every project that the person is in.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.models import Membership, Project, User
from accounts.queries import leaving as queries
from core import audit, registry
from core.errors import Conflict, NotAllowed


@transaction.atomic(durable=True)
def close_account(*, user_id: int, by: User, now: datetime) -> User:
    """No sign-in and no session from now on; what the person holds goes back to the others.

    Ratings, names and memberships stay; `open_account` undoes it. Raises `NotAllowed` without a
    say over every project of the person, `Conflict` where a project would lose its last admin.
    """
    user = governed(user_id=user_id, by=by)
    projects = queries.projects_of(user)
    changed = User.objects.filter(pk=user.pk, is_active=True).update(
        is_active=False, session_epoch=F("session_epoch") + 1
    )
    demand_admins(projects)
    if changed:
        for project in projects:
            registry.leave(project_id=project.pk, user_id=user.pk, actor=by.actor, now=now)
        _record("account.closed", user, projects, by)
    return user


@transaction.atomic(durable=True)
def open_account(*, user_id: int, by: User) -> User:
    """The person signs in again, with the password and the roles of before."""
    user = governed(user_id=user_id, by=by)
    closed = User.objects.filter(pk=user.pk, is_active=False, erased_at__isnull=True)
    if closed.update(is_active=True):
        _record("account.opened", user, queries.projects_of(user), by)
    return user


def governed(*, user_id: int, by: User) -> User:
    """Inside a transaction: the account, locked with its projects against other acts on people."""
    list(queries.concerned(user_id).select_for_update().order_by("pk"))
    user = User.objects.select_for_update().get(pk=user_id)
    if not queries.may_govern(by, user):
        raise NotAllowed(
            "This account is in projects that you do not administer. "
            "Somebody who administers all of them can do this."
        )
    return user


def demand_admins(projects: list[Project]) -> None:
    """Every one of these projects has an admin left; raises `Conflict` that names the others."""
    left = set(
        Membership.objects.filter(
            project__in=projects, is_admin=True, user__is_active=True
        ).values_list("project_id", flat=True)
    )
    bare = [project.name for project in projects if project.pk not in left]
    if bare:
        raise Conflict(
            "last_admin",
            f"Nobody else administers {', '.join(bare)}. Make somebody else an admin there first.",
        )


def _record(verb: str, user: User, projects: list[Project], by: User) -> None:
    """One row in the trail of each project that it concerns."""
    for project in projects:
        audit.record(
            actor=by.actor,
            verb=verb,
            object_type="user",
            object_id=user.pk,
            project_id=project.pk,
        )
