"""Baselines of a judge: rules that ask no model."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from core.errors import DomainError
from core.http import go, page, posted
from judges import access
from judges.forms.baselines import BaselineForm
from judges.forms.refusals import add_refusal, status_of
from judges.services import baselines, versions

PAGE = ("GET", "HEAD", "POST")


@door(Role.LEAD)
@require_http_methods(PAGE)
def new(request: MemberRequest, judge_id: int) -> HttpResponse:
    """Choose what the judge has to be better than; it becomes a version of the judge."""
    found = access.judge_of(request.project, judge_id)
    form = BaselineForm(found, posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            saved = baselines.save(
                judge=found,
                guideline_version=versions.published_version(found),
                rule=form.chosen(),
                author=request.user,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            if not saved.is_new:
                messages.info(request, f"Nothing differs from {saved.version}: here it is.")
            return go(request, "version", request.project.slug, saved.version.pk)
    context = {"current_step": "judge", "judge": found, "form": form}
    return page(request, "judges/baseline_new.html", context, status=status_of(form))
