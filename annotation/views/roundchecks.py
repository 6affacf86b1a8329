"""How a round checks its raters, and who passed a qualification."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation import access
from annotation.forms.gold import LetInForm
from annotation.forms.lists import QualifiedFilter
from annotation.forms.refusals import add_refusal, status_of
from annotation.forms.rounds import RoundChecksForm
from annotation.queries import admissions as queries
from annotation.queries import goldring
from annotation.services import admissions, roundchecks
from core.errors import DomainError
from core.http import go, page, posted

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "rate"}


@door(Role.LEAD)
@require_http_methods(PAGE)
def change(request: MemberRequest, round_id: int) -> HttpResponse:
    """The gold rate, what raters are told, and the qualification; what is fixed says why."""
    found = access.round_of(request.project, round_id)
    form = RoundChecksForm(posted(request), round_=found)
    why_not = roundchecks.why_not(found)
    if request.method == "POST" and form.is_valid():
        try:
            is_changed = roundchecks.change(
                round_id=found.pk, plan=form.gold_plan(), by=request.user
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            said = "It holds from the next item on." if is_changed else "Nothing changed."
            messages.success(request, said)
            return go(request, "round", request.project.slug, found.pk)
    context = {
        **STEP,
        "round": found,
        "form": form,
        "why_not": why_not,
        "golds": goldring.beside(
            found.guideline_version, qualification=found.qualification
        ).count(),
    }
    return page(request, "annotation/round_checks.html", context, status=status_of(form))


@door(*STAFF)
@require_safe
def passed(request: MemberRequest, round_id: int) -> HttpResponse:
    """Who passed the qualification, was let in, or is below its mark."""
    found = access.qualification_of(request.project, round_id)
    form = QualifiedFilter(request.GET)
    raters = queries.raters_of(
        round_=found,
        number=request.GET.get("page"),
        text=form.asked("q"),
        state=form.asked("state"),
    )
    passed_count, members = queries.counts(found)
    context = {
        **STEP,
        "round": found,
        "form": form,
        "page_obj": raters,
        "lines": queries.lines(
            round_=found, raters=list(raters.object_list), asker_id=request.user.pk
        ),
        "passed": passed_count,
        "members": members,
    }
    return page(request, "annotation/round_passed.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def let_in(request: MemberRequest, round_id: int, rater_id: int) -> HttpResponse:
    """Let a rater rate without having passed; asks once, and why."""
    found = access.qualification_of(request.project, round_id)
    rater = access.rater_of(request.project, rater_id)
    form = LetInForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            admissions.let_in(
                round_id=found.pk,
                rater_id=rater.pk,
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"{rater.name} may rate.")
            return go(request, "round_passed", request.project.slug, found.pk)
    context = {**STEP, "round": found, "rater": rater, "form": form}
    return page(request, "annotation/round_let_in.html", context, status=status_of(form))
