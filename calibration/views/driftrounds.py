"""Fresh labels for what stands: a round of fresh items, and the judge's verdicts on them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from annotation.forms.refusals import add_refusal, status_of
from annotation.models import Round
from calibration import access
from calibration.forms import DriftRoundForm
from calibration.queries import driftrounds as queries
from calibration.queries import reports
from calibration.services import costs
from calibration.services import driftrounds as services
from core.errors import DomainError
from core.http import go, page, posted
from judges.forms.runs import BudgetForm
from judges.models import Standing
from judges.queries import endings

STEP = {"current_step": "judge"}
PAGE = ("GET", "HEAD", "POST")


@door(Role.LEAD)
@require_http_methods(PAGE)
def new(request: MemberRequest, judge_id: int) -> HttpResponse:
    """Which fresh items people label, to see whether the judge still agrees with them."""
    standing = access.standing_of(request.project, judge_id)
    form = DriftRoundForm(posted(request), standing=standing)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create(
                standing=standing, by=request.user, now=timezone.now(), **form.plan()
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"{made.name} is set up. Open it when raters may begin.")
            return _onwards(request, standing, made)
    names = reports.dimension_names(standing.version)
    context = {
        **STEP,
        "standing": standing,
        "form": form,
        "over": endings.why_over(standing, now=timezone.now()),
        "by": queries.version_in_force(standing),
        "dimensions": [names.get(key, key) for key in standing.dimensions],
        "missing": _missing(form),
    }
    return page(request, "calibration/drift_new.html", context, status=status_of(form))


@door(Role.LEAD)
@require_http_methods(PAGE)
def judge(request: MemberRequest, judge_id: int, round_id: int) -> HttpResponse:
    """What it takes to have the approved version judge the round's items, then its start."""
    standing = access.standing_of(request.project, judge_id)
    round_ = access.drift_round_of(standing, round_id)
    form = BudgetForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            run = services.start_run(
                standing=standing,
                round_=round_,
                budget=form.cleaned_data["budget"],
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            return go(request, "run", request.project.slug, run.pk)
    waiting = queries.unjudged(standing, round_)
    context: dict[str, Any] = {
        **STEP,
        "standing": standing,
        "round": round_,
        "form": form,
        "cost": costs.of_judging(standing.version, waiting) if waiting.exists() else None,
    }
    return page(request, "calibration/drift_judge.html", context, status=status_of(form))


def _onwards(request: MemberRequest, standing: Standing, made: Round) -> HttpResponse:
    """What came over the API is judged already; anything else has to be, before it tells."""
    if queries.unjudged(standing, made).exists():
        return go(request, "drift_judge", request.project.slug, standing.judge_id, made.pk)
    return go(request, "round", request.project.slug, made.pk)


def _missing(form: DriftRoundForm) -> list[str]:
    """What has to be there before a round can be set up."""
    there = {
        "dataset": bool(form.datasets),
        "raters": form.fields["raters"].queryset.exists(),  # type: ignore[attr-defined]
    }
    return [name for name, is_there in there.items() if not is_there]
