"""What every page knows."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.queries import notices
from accounts.roles import STAFF
from core import registry


def house(request: HttpRequest) -> dict[str, Any]:
    """The project and the roles of the person in it, once a door was passed.

    `steps` is the project's five-step navigation for those who run it; it costs its queries
    only on a page that shows it.
    """
    membership = getattr(request, "membership", None)
    context: dict[str, Any] = {
        "project": None,
        "roles": set(),
        "steps": [],
        "is_demo_house": settings.DEMO,
        "unread": 0,
    }
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        # One small query, on whole pages only: fragments have no head that shows it.
        context["unread"] = SimpleLazyObject(partial(notices.unread, user.pk))
    if membership is None:
        return context
    project = membership.project
    context["project"] = project
    context["roles"] = {role.value for role in membership.roles}
    if membership.roles & frozenset(STAFF):
        context["steps"] = SimpleLazyObject(
            partial(registry.steps, project_id=project.pk, slug=project.slug)
        )
    return context
