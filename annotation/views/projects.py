"""The first page of a project."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF
from annotation.queries import projects as queries
from core import registry
from core.http import go, page


@door()
@require_safe
def overview(request: MemberRequest) -> HttpResponse:
    """Where the project stands and what comes next; raters go on to their own work."""
    if not request.membership.roles & frozenset(STAFF):
        return go(request, "home")
    steps = registry.steps(project_id=request.project.pk, slug=request.project.slug)
    context = {
        "steps": steps,
        "next": queries.next_step(steps),
        "overview": queries.overview(request.project),
    }
    return page(request, "annotation/project.html", context)
