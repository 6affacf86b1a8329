"""Erasing a person: the name goes, the figures stand (docs/adr/0028)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from accounts.models import ApiToken, Invitation, Membership, Notice, Project, Rater, User
from accounts.queries import leaving as queries
from accounts.services import end_membership
from accounts.services.leaving import demand_admins, governed
from core import audit, registry
from core.errors import Conflict, Invalid


@transaction.atomic(durable=True)
def erase(*, user_id: int, typed: str, blanks_texts: bool, by: User, now: datetime) -> User:
    """Put a pseudonym where the person was, for good, and end all that they could come in by.

    `typed` is the sign-in name, written once more by whoever does it. Ratings, decisions and
    audit rows keep the pseudonymous id that they always had. Raises `Invalid` for another name,
    `NotAllowed` without a say over every project of the person, `Conflict` for oneself and where
    a project would lose its last admin.
    """
    user = governed(user_id=user_id, by=by)
    if user.pk == by.pk:
        raise Conflict("own_account", "Nobody erases themselves: ask another admin.")
    if typed != user.username:
        raise Invalid(
            "another_name",
            "Write the sign-in name exactly as it stands above.",
            {"typed": ["This is another name."]},
        )
    projects = list(queries.concerned(user.pk).order_by("pk"))
    for membership in Membership.objects.filter(user=user).order_by("project"):
        end_membership(membership, actor=by.actor, now=now)
    demand_admins(projects)
    _end_keys(user, now)
    renamed = _rename_raters(user)
    _empty(user, now)
    erasure = registry.Erasure(user.pk, renamed, blanks_texts)
    for trace in registry.traces().values():
        if blanks_texts or not trace.is_text:
            trace.erase(erasure)
    _record(user, projects, by, blanks_texts=blanks_texts)
    return user


def pseudonym(user: User) -> str:
    return f"erased-{user.pk}"


def _end_keys(user: User, now: datetime) -> None:
    theirs = Q(made_by=user) | Q(rater__user=user)
    tokens = ApiToken.objects.filter(theirs, revoked_at__isnull=True).values_list("pk", flat=True)
    ApiToken.objects.filter(pk__in=list(tokens)).update(revoked_at=now)
    Invitation.objects.filter(made_by=user, revoked_at__isnull=True).update(revoked_at=now)
    if user.email:
        Invitation.objects.filter(email__iexact=user.email).update(email="")
    Notice.objects.filter(user=user).delete()


def _rename_raters(user: User) -> dict[int, tuple[str, str]]:
    """The rows of the label tables stay and are still one person's; only the name is another."""
    renamed = {}
    for rater in Rater.objects.select_for_update().filter(user=user).order_by("pk"):
        name = f"erased-rater-{rater.pk}"
        while Rater.objects.filter(project=rater.project_id, name=name).exists():
            name += "-"  # an import may have brought a rater of this very name
        renamed[rater.project_id] = (rater.name, name)
        Rater.objects.filter(pk=rater.pk).update(name=name)
    return renamed


def _empty(user: User, now: datetime) -> None:
    user.username = pseudonym(user)
    while User.objects.filter(username__iexact=user.username).exists():
        user.username += "-"
    user.display_name = user.first_name = user.last_name = user.email = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.erased_at = now
    user.session_epoch = F("session_epoch") + 1
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    user.user_permissions.clear()


def _record(user: User, projects: list[Project], by: User, *, blanks_texts: bool) -> None:
    for project in projects:
        audit.record(
            actor=by.actor,
            verb="person.erased",
            object_type="user",
            object_id=user.pk,
            project_id=project.pk,
            data={"texts_too": blanks_texts},
        )
