"""What stands for a judge; suspending it and putting it back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from calibration import access
from calibration.forms import ReinstateForm, SuspendForm
from calibration.queries import standings as queries
from core.http import go, page, posted
from judges import access as judges_access
from judges.queries import authors, endings
from judges.services import suspending

STEP = {"current_step": "judge"}
PAGE = ("GET", "HEAD", "POST")


@door(*STAFF)
@require_safe
def show(request: MemberRequest, judge_id: int) -> HttpResponse:
    """May this judge answer, for what, until when, and who decided so?"""
    judge = judges_access.judge_of(request.project, judge_id)
    found = queries.of_judge(judge, page=request.GET.get("page"))
    over = endings.why_over(found.standing, now=timezone.now()) if found.standing else ""
    is_author = bool(
        found.standing and authors.wrote_the_same(found.standing.version, request.user.actor)
    )
    context = {
        **STEP,
        "judge": judge,
        "found": found,
        "standing": found.standing,
        "over": over,
        "is_author": is_author,
    }
    return page(request, "calibration/standing.html", context)


@door(Role.ADMIN)
@require_http_methods(PAGE)
def suspend(request: MemberRequest, judge_id: int) -> HttpResponse:
    """Stop a judge from answering until somebody has looked into it."""
    standing = access.standing_of(request.project, judge_id)
    form = SuspendForm(posted(request))
    if request.method == "POST" and form.is_valid():
        suspending.suspend(
            standing_id=standing.pk, reason=form.cleaned_data["reason"], by=request.user
        )
        messages.success(request, "Suspended: the API refuses from now on.")
        return go(request, "standing", request.project.slug, judge_id)
    context = {**STEP, "standing": standing, "form": form}
    status = 422 if form.is_bound else 200
    return page(request, "calibration/standing_suspend.html", context, status=status)


@door(Role.ADMIN)
@require_http_methods(PAGE)
def reinstate(request: MemberRequest, judge_id: int) -> HttpResponse:
    """Let a suspended judge answer again."""
    standing = access.standing_of(request.project, judge_id)
    form = ReinstateForm(posted(request))
    if request.method == "POST" and form.is_valid():
        suspending.reinstate(
            standing_id=standing.pk,
            reason=form.cleaned_data["reason"],
            by=request.user,
            now=timezone.now(),
        )
        messages.success(request, "Reinstated: the API answers with it again.")
        return go(request, "standing", request.project.slug, judge_id)
    suspension = queries.suspension_of(standing)
    context = {**STEP, "standing": standing, "form": form, "suspension": suspension}
    status = 422 if form.is_bound else 200
    return page(request, "calibration/standing_reinstate.html", context, status=status)
