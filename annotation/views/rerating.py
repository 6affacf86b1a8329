"""Rate a sample anew after a guideline has changed its meaning."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from annotation import access
from annotation.forms.refusals import add_refusal, status_of
from annotation.forms.rerating import ReratingForm
from annotation.queries import affected
from annotation.queries import guidelines as queries
from annotation.services import rounds as services
from annotation.states import RoundKind
from core.errors import DomainError
from core.http import go, page, posted

PAGE = ("GET", "HEAD", "POST")


@door(Role.LEAD)
@require_http_methods(PAGE)
def new(request: MemberRequest, guideline_id: int) -> HttpResponse:
    """What was rated by an earlier meaning, and the form that has a sample of it rated anew."""
    guideline = access.guideline_of(request.project, guideline_id)
    version = queries.published_of(guideline)
    context = {"current_step": "guideline", "guideline": guideline, "version": version}
    if version is None:
        return page(request, "annotation/guideline_rerate.html", context)
    found = affected.affected(guideline, before=version.major)
    context["affected"] = found
    if not found.cards:
        return page(request, "annotation/guideline_rerate.html", context)
    form = ReratingForm(posted(request), version=version)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create(
                project=request.project,
                version=version,
                kind=RoundKind.RERATING,
                by=request.user,
                **form.plan(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"{made.name} is set up. Open it when raters may begin.")
            return go(request, "round", request.project.slug, made.pk)
    context["form"] = form
    return page(request, "annotation/guideline_rerate.html", context, status=status_of(form))
