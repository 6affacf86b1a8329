"""Doors: who may enter a view. Every URL has one; a test walks all patterns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase

from accounts.models import Membership, Project, User
from accounts.roles import Role
from core.errors import NotAllowed, NotHere
from core.http import HtmxRequest

View = Callable[..., HttpResponseBase]


class MemberRequest(HtmxRequest):
    """A request that went through a project's door."""

    user: User
    project: Project
    membership: Membership


class PersonRequest(HtmxRequest):
    """A request of somebody who is signed in."""

    user: User


@dataclass(frozen=True, slots=True)
class Door:
    """What the guard test reads from a view."""

    kind: str
    roles: frozenset[Role] = frozenset()


def door(*roles: Role) -> Callable[[View], View]:
    """Members of the project `slug` who hold one of `roles` (none named: any member).

    Outsiders get 404, so that nobody learns which projects exist; members without the role 403.
    """
    wanted = frozenset(roles)

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            membership = membership_of(request.user, slug)
            if wanted and not wanted & membership.roles:
                raise NotAllowed(f"This page is for the project's {_listed(wanted)}.")
            member = _as_member(request, membership)
            return view(member, *args, **kwargs)

        guarded.door = Door("member", wanted)  # type: ignore[attr-defined]
        return guarded

    return guard


def signed_in(view: View) -> View:
    """Anybody with an account; the view itself must not show a project's rows."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs)

    guarded.door = Door("signed_in")  # type: ignore[attr-defined]
    return guarded


def public(view: View) -> View:
    """No account needed: health, sign-in, the API's description."""
    opened: View = login_not_required(view)
    opened.door = Door("public")  # type: ignore[attr-defined]
    return opened


def membership_of(user: Any, slug: str) -> Membership:
    """The membership of this person in this project; outsiders cannot tell it from no project."""
    membership = (
        Membership.objects.select_related("project")
        .filter(project__slug=slug, user_id=user.pk, user__is_active=True)
        .first()
    )
    if membership is None:
        raise NotHere("There is no such project, or you are not a member of it.")
    return membership


def _as_member(request: HttpRequest, membership: Membership) -> HttpRequest:
    request.project = membership.project  # type: ignore[attr-defined]
    request.membership = membership  # type: ignore[attr-defined]
    return request


def _listed(roles: frozenset[Role]) -> str:
    names = sorted(f"{role.value}s" for role in roles)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
