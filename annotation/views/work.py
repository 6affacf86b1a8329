"""Work done: a rater's own, and everybody's for whoever pays them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from annotation import access
from annotation.forms.ownanswers import OwnAnswersForm
from annotation.forms.refusals import status_of
from annotation.forms.work import PaceForm, WorkForm
from annotation.queries import admissions, feedback, ownanswers, work
from annotation.services import feedback as feedback_services
from annotation.services import payable
from core.errors import Invalid
from core.exporting import CONTENT_TYPES
from core.http import go, page

STEP = {"current_step": "rate"}
LINES = 100


@door(Role.RATER)
@never_cache
@require_safe
def mine(request: MemberRequest) -> HttpResponse:
    """What I did: in all, by round, over time."""
    rater = access.rater_of_member(request.membership)
    each = PaceForm(request.GET).each_line()
    context = {
        "total": work.own_total(rater_id=rater.pk),
        "rounds": work.own_by_round(rater_id=rater.pk),
        "times": work.own_over_time(rater_id=rater.pk, each=each),
        "each": each,
        "ways": list(work.SHOWN),
    }
    return page(request, "annotation/my_work.html", context)


@door(Role.RATER)
@never_cache
@require_safe
def answers(request: MemberRequest) -> HttpResponse:
    """My own answers, to find one again; and the items that I passed by."""
    rater = access.rater_of_member(request.membership)
    form = OwnAnswersForm(request.GET, rater=rater)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        context["found"] = ownanswers.find(
            rater_id=rater.pk, wanted=form.wanted(), before=form.cleaned_data["before"]
        )
        kept = {name: form[name].value() for name in ("q", "show", "round", "label")}
        context["query"] = urlencode({name: value for name, value in kept.items() if value})
    return page(request, "annotation/my_answers.html", context, status=status_of(form))


@door(Role.RATER)
@never_cache
@require_safe
def agreements(request: MemberRequest) -> HttpResponse:
    """The rounds in which I may see how far I agree."""
    rater = access.rater_of_member(request.membership)
    context = {
        "rounds": feedback.rounds_of(rater),
        "qualifications": admissions.own_qualifications(rater),
    }
    return page(request, "annotation/my_agreement.html", context)


@door(Role.RATER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def agreement(request: MemberRequest, round_id: int) -> HttpResponse:
    """How far I agree in one round. Asking for it ends the editing of what it rests on."""
    rater = access.rater_of_member(request.membership)
    round_ = access.round_for_rater(rater, round_id)
    if request.method == "POST":
        feedback_services.tell(round_id=round_.pk, rater=rater, now=timezone.now())
        return go(request, "my_round_agreement", request.project.slug, round_.pk)
    context: dict[str, Any] = {"round": round_, "least": feedback.LEAST_NEW}
    if round_.shows_own_agreement:
        context["told"] = feedback.told(round_, rater).count()
        context["new"] = feedback.count_new(round_, rater)
        figures = feedback.own_agreement(round_, rater) if context["told"] else []
        context["figures"] = figures
        context["has_gold"] = any(one.with_gold.is_defined for one in figures)
    return page(request, "annotation/my_round_agreement.html", context)


@door(Role.LEAD, Role.ADMIN)
@require_safe
def everybody(request: MemberRequest) -> HttpResponse:
    """Work by rater and period, to be paid."""
    form = _form(request)
    lines = _lines(request, form) if form.is_valid() else []
    context = {
        **STEP,
        "form": form,
        "page_obj": Paginator(lines, LINES).get_page(request.GET.get("page")),
        "query": request.GET.urlencode(),
    }
    return page(request, "annotation/work.html", context, status=status_of(form))


@door(Role.LEAD, Role.ADMIN)
@require_safe
def download(request: MemberRequest) -> HttpResponseBase:
    """The same lines as a file."""
    form = _form(request)
    if not form.is_valid():
        raise Invalid("unknown_choice", "There is no such period or round to report on.")
    pieces = payable.report(
        project_id=request.project.pk,
        period=form.period(),
        each=form.each_line(),
        round_id=form.round_id(),
        text=form.text(),
        actor=request.user.actor,
    )
    name = f"{request.project.slug}-work-{form.period().first}-{form.period().last}.csv"
    return StreamingHttpResponse(
        pieces,
        content_type=CONTENT_TYPES["csv"],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _form(request: MemberRequest) -> WorkForm:
    return WorkForm(request.GET, project=request.project, today=timezone.localdate())


def _lines(request: MemberRequest, form: WorkForm) -> list[work.Line]:
    return work.by_rater(
        project_id=request.project.pk,
        period=form.period(),
        each=form.each_line(),
        round_id=form.round_id(),
        text=form.text(),
    )
