"""Guidelines as files: taken out, and brought into this project as drafts."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation import access
from annotation.forms.guidelines import GuidelineImportForm
from annotation.forms.refusals import add_refusal, status_of
from annotation.rules.guidelinefile import read
from annotation.services import guideline_files as services
from core.errors import DomainError
from core.http import go, page

PAGE = ("GET", "HEAD", "POST")


@door(*STAFF)
@require_safe
def every(request: MemberRequest) -> HttpResponse:
    """All guidelines of the project with all their versions."""
    text = services.export(project=request.project, actor=request.user.actor)
    return _file(text, f"{request.project.slug}-guidelines")


@door(*STAFF)
@require_safe
def one(request: MemberRequest, guideline_id: int) -> HttpResponse:
    """One guideline with all its versions, or with the one that `version` names."""
    guideline = access.guideline_of(request.project, guideline_id)
    number = request.GET.get("version", "")
    text = services.export(
        project=request.project, actor=request.user.actor, guideline=guideline, number=number
    )
    name = slugify(guideline.name) or f"guideline-{guideline.pk}"
    return _file(text, f"{name}-{number}" if number else name)


@door(Role.LEAD)
@require_http_methods(PAGE)
def bring_in(request: MemberRequest) -> HttpResponse:
    """Read a file and make drafts of what it holds."""
    is_sent = request.method == "POST"
    form = GuidelineImportForm(request.POST, request.FILES) if is_sent else GuidelineImportForm()
    if is_sent and form.is_valid():
        try:
            drafts = services.bring_in(
                project=request.project,
                guidelines=read(form.raw()),
                name=form.cleaned_data["name"],
                actor=request.user.actor,
                by=request.user,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            if len(drafts) == 1:
                messages.success(request, "The guideline is a draft here. Publish it to rate by.")
                return go(request, "guideline_edit", request.project.slug, drafts[0].guideline_id)
            messages.success(request, f"{len(drafts)} guidelines are drafts here.")
            return go(request, "guidelines", request.project.slug)
    context = {"current_step": "guideline", "form": form}
    template = "annotation/guideline_import.html"
    return page(request, template, context, status=status_of(form))


def _file(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        text,
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}.json"'},
    )
