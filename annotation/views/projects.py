"""The first page of a project."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation.forms.projects import ProjectCopyForm
from annotation.forms.refusals import add_refusal, status_of
from annotation.queries import projects as queries
from annotation.services import setups
from core import registry
from core.errors import DomainError
from core.http import go, page, posted


@door(Role.LEAD, Role.ADMIN)
@require_http_methods(("GET", "HEAD", "POST"))
def copy(request: MemberRequest) -> HttpResponse:
    """A new project with the guidelines of this one, and its people if an admin wants them."""
    form = ProjectCopyForm(posted(request), may_take_people=Role.ADMIN in request.membership.roles)
    if request.method == "POST" and form.is_valid():
        try:
            made = setups.copy_project(
                source=request.project,
                name=form.cleaned_data["name"],
                slug=form.cleaned_data["slug"],
                with_people=form.cleaned_data.get("people", False),
                by=request.user,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "The project is yours. Import its first items next.")
            return go(request, "project", made.slug)
    names, more = queries.guidelines_to_copy(request.project)
    context = {"form": form, "guidelines": names, "more": more}
    return page(request, "annotation/project_copy.html", context, status=status_of(form))


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
