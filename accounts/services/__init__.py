"""Projects, people in them, tokens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts import tokens
from accounts.models import ApiToken, Membership, Project, Rater, User
from accounts.roles import Role, Scope
from core import audit, registry
from core.errors import Conflict, Invalid, NotHere

RESERVED_SLUGS = frozenset({"new"})
"""Words that are addresses of their own below /projects/."""
RATER_NAME = 120
SLUG = 60


@transaction.atomic(durable=True)
def create_project(*, name: str, slug: str, by: User) -> Project:
    """A new project; who makes it leads it and administers it."""
    return start_project(name=name, slug=slug, by=by)


def start_project(*, name: str, slug: str, by: User) -> Project:
    """The same within the caller's transaction, for a project that more is put into."""
    slug = slug or slugify(name)[:SLUG]
    if not slug or slug in RESERVED_SLUGS:
        raise Invalid(
            "slug_missing", "Give the project a short name of letters and digits, not “new”."
        )
    try:
        with transaction.atomic():
            project = Project.objects.create(name=name, slug=slug)
    except IntegrityError:
        raise Conflict(
            "slug_taken",
            f"A project with the address {slug!r} exists already; choose another short name.",
            {"slug": ["This address is taken."]},
        ) from None
    set_roles(project=project, user=by, roles=[Role.LEAD, Role.ADMIN], actor=by.actor)
    audit.record(
        actor=by.actor,
        verb="project.created",
        object_type="project",
        object_id=project.pk,
        project_id=project.pk,
        data={"slug": slug},
    )
    return project


def hold_member(*, project_id: int, user_id: int) -> None:
    """Inside a transaction: what one person does in one project stands in line here, until its
    end. For acts that exclude each other and write to tables of different rooms."""
    members = Membership.objects.filter(project=project_id, user=user_id)
    members.select_for_update(no_key=True).values_list("pk").first()


def set_roles(*, project: Project, user: User, roles: Iterable[Role], actor: str) -> Membership:
    """Give a person exactly these roles (at least one). A rater gets a row in the label tables."""
    held = frozenset(roles)
    if not held:
        raise Invalid("no_role", "A member has at least one role.")
    membership, _ = Membership.objects.update_or_create(
        project=project,
        user=user,
        defaults={f"is_{role.value}": role in held for role in Role},
    )
    if Role.RATER in held:
        rater_of(project=project, user=user)
    audit.record(
        actor=actor,
        verb="membership.set",
        object_type="user",
        object_id=user.pk,
        project_id=project.pk,
        data={"roles": sorted(role.value for role in held)},
    )
    return membership


def copy_members(*, source: Project, target: Project, by: User) -> None:
    """Everybody of one project into another with the same roles, but for who does it."""
    members = Membership.objects.filter(project=source, user__is_active=True)
    for member in members.exclude(user=by).select_related("user").order_by("pk"):
        set_roles(project=target, user=member.user, roles=member.roles, actor=by.actor)


@transaction.atomic(durable=True)
def add_member(*, project: Project, username: str, roles: Iterable[Role], by: User) -> Membership:
    """Let an existing account into the project, or change its roles there."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise Invalid(
            "no_such_person",
            f"Nobody signs in as {username!r}. Check the spelling, or make the account first.",
            {"username": ["Nobody signs in under this name."]},
        )
    Project.objects.select_for_update().get(pk=project.pk)
    membership = set_roles(project=project, user=user, roles=roles, actor=by.actor)
    _demand_an_admin(project)
    return membership


@transaction.atomic(durable=True)
def make_account(
    *,
    project: Project,
    username: str,
    display_name: str,
    password: str,
    roles: Iterable[Role],
    by: User,
) -> Membership:
    """A new account with a first password, let into the project at once."""
    user = new_account(username=username, display_name=display_name, password=password)
    audit.record(
        actor=by.actor,
        verb="account.made",
        object_type="user",
        object_id=user.pk,
        project_id=project.pk,
    )
    return set_roles(project=project, user=user, roles=roles, actor=by.actor)


def new_account(*, username: str, display_name: str, password: str, email: str = "") -> User:
    """Within the caller's transaction. Raises `Conflict` when somebody signs in so already."""
    taken = Conflict(
        "username_taken",
        f"Somebody signs in as {username!r} already. Add that account, or choose another name.",
        {"username": ["This sign-in name is taken."]},
    )
    if User.objects.filter(username__iexact=username).exists():
        raise taken
    try:
        with transaction.atomic():
            return User.objects.create_user(
                username=username, password=password, display_name=display_name, email=email
            )
    except IntegrityError:
        raise taken from None


@transaction.atomic(durable=True)
def change_roles(*, project: Project, user_id: int, roles: Iterable[Role], by: User) -> Membership:
    """Give a member exactly these roles; a project keeps at least one admin."""
    membership = locked_member(project, user_id)
    changed = set_roles(project=project, user=membership.user, roles=roles, actor=by.actor)
    _demand_an_admin(project)
    return changed


@transaction.atomic(durable=True)
def remove_member(*, project: Project, user_id: int, by: User) -> None:
    """Shut the project to a person. Their ratings and their name in the tables stay; what they
    hold goes back to the others."""
    membership = locked_member(project, user_id)
    end_membership(membership, actor=by.actor, now=timezone.now())
    _demand_an_admin(project)


def end_membership(membership: Membership, *, actor: str, now: datetime) -> None:
    """Within the caller's transaction, which looks after the project's admins."""
    project_id, user_id = membership.project_id, membership.user_id
    membership.delete()
    registry.leave(project_id=project_id, user_id=user_id, actor=actor, now=now)
    audit.record(
        actor=actor,
        verb="membership.removed",
        object_type="user",
        object_id=user_id,
        project_id=project_id,
    )


def locked_member(project: Project, user_id: int) -> Membership:
    """The membership, its project locked: two admins cannot remove each other at once."""
    Project.objects.select_for_update().get(pk=project.pk)
    membership = (
        Membership.objects.select_related("user").filter(project=project, user=user_id).first()
    )
    if membership is None:
        raise NotHere("There is no such member in this project.")
    return membership


def _demand_an_admin(project: Project) -> None:
    if not Membership.objects.filter(project=project, is_admin=True, user__is_active=True).exists():
        raise Conflict(
            "last_admin",
            "A project keeps at least one admin. Make somebody else an admin first.",
        )


def rater_of(*, project: Project, user: User) -> Rater:
    """The person's row in this project's label tables."""
    existing = Rater.objects.filter(project=project, user=user).first()
    if existing is not None:
        return existing
    name = user.shown_name[:RATER_NAME]
    try:
        with transaction.atomic():
            return Rater.objects.create(project=project, user=user, name=name)
    except IntegrityError:
        unlike = f" ({user.actor})"
        return Rater.objects.create(
            project=project, user=user, name=name[: RATER_NAME - len(unlike)] + unlike
        )


@transaction.atomic(durable=True)
def make_token(
    *,
    project: Project,
    name: str,
    scopes: Iterable[Scope],
    by: User,
    rater: Rater | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its secret, which is shown this once."""
    wanted = sorted(scope.value for scope in scopes)
    if not wanted:
        raise Invalid("no_scope", "Choose at least one scope for the token.")
    if (Scope.RATE.value in wanted) != (rater is not None):
        raise Invalid("rater_missing", "A token that rates is bound to one rater, others to none.")
    secret = tokens.new_secret()
    token = ApiToken.objects.create(
        project=project,
        name=name,
        digest=tokens.digest(secret),
        hint=secret[-4:],
        scopes=wanted,
        rater=rater,
        expires_at=expires_at,
        made_by=by,
    )
    audit.record(
        actor=by.actor,
        verb="token.made",
        object_type="token",
        object_id=token.pk,
        project_id=project.pk,
        data={"scopes": wanted},
    )
    return token, secret


@transaction.atomic(durable=True)
def revoke_token(*, project: Project, token_id: int, by: User, now: datetime) -> None:
    changed = ApiToken.objects.filter(pk=token_id, project=project, revoked_at__isnull=True).update(
        revoked_at=now
    )
    if changed:
        audit.record(
            actor=by.actor,
            verb="token.revoked",
            object_type="token",
            object_id=token_id,
            project_id=project.pk,
        )
