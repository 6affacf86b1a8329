"""Approvals: asking, what was measured, deciding, revoking."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from calibration import access
from calibration.forms import REFUSE, AskForm, DecisionForm, RevokeForm
from calibration.queries import approvals as queries
from calibration.queries import asking, reports
from calibration.queries.approvals import ApprovalView
from calibration.services import approvals as services
from calibration.services import costs
from core.errors import Conflict, Invalid
from core.http import go, page, posted
from judges import access as judges_access
from judges.models import ApprovalRequest
from judges.queries import authors
from judges.queries import runs as run_queries
from judges.services import decisions
from judges.states import RequestState

STEP = {"current_step": "judge"}
PAGE = ("GET", "HEAD", "POST")


@door(*STAFF)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """What waits, what stands until when, what was refused and why."""
    found = queries.approvals(request.project, now=timezone.now())
    return page(request, "calibration/approvals.html", {**STEP, "found": found})


@door(Role.LEAD)
@require_http_methods(PAGE)
def ask(request: MemberRequest, version_id: int) -> HttpResponse:
    """Ask for an approval: which sealed set, which dimensions, at what level, at what cost."""
    version = judges_access.version_of(request.project, version_id)
    choices = asking.sealed_choices(version)
    names = reports.dimension_names(version)
    sets = [(str(one.sealed_set.pk), one.sealed_set.dataset.name) for one in choices]
    form = AskForm(sets, list(names.items()), posted(request), initial=_initial(choices, names))

    if request.method == "POST" and form.is_valid():
        chosen = next(
            one.sealed_set
            for one in choices
            if str(one.sealed_set.pk) == form.cleaned_data["sealed_set"]
        )
        try:
            asked = services.ask(
                version=version,
                sealed_set=chosen,
                dimensions=form.cleaned_data["dimensions"],
                by=request.user,
                now=timezone.now(),
            )
        except (Conflict, Invalid) as error:
            form.add_error(None, error.sentence)
        else:
            return go(request, "approval", request.project.slug, asked.pk)
    context = {
        **STEP,
        "version": version,
        "form": form,
        "choices": [(one, costs.of_asking(version, one.sealed_set)) for one in choices],
    }
    status = 422 if form.is_bound and form.errors else 200
    return page(request, "calibration/approval_ask.html", context, status=status)


@door(*STAFF)
@require_safe
def show(request: MemberRequest, request_id: int) -> HttpResponse:
    """One request: how far its run is, then its report in the form that this person may read."""
    asked = access.approval_of(request.project, request_id)
    return _page(request, asked)


@door(Role.ADMIN)
@require_POST
def decide(request: MemberRequest, request_id: int) -> HttpResponse:
    """Approve what passed or refuse, with a reason: one act, written once."""
    asked = access.approval_of(request.project, request_id)
    view = _view(request, asked)
    form = _form(view, request.POST)
    if not form.is_valid():
        return _page(request, asked, form=form, status=422)
    try:
        decided = decisions.decide(
            request_id=asked.pk,
            approve=form.approved(),
            reason=form.cleaned_data["reason"],
            by=request.user,
            now=timezone.now(),
            may_shrink=form.cleaned_data["may_shrink"],
            excepted=form.by_exception(),
        )
    except (Conflict, Invalid) as error:
        form.add_error(None, error.sentence)
        asked.refresh_from_db()
        return _page(request, asked, form=form, status=error.status)
    said = (
        "Refused." if decided.kind == REFUSE else "Approved: the API answers with it from now on."
    )
    messages.success(request, said)
    return go(request, "approval", request.project.slug, asked.pk)


@door(Role.ADMIN)
@require_http_methods(PAGE)
def revoke(request: MemberRequest, judge_id: int) -> HttpResponse:
    """End what stands for a judge, after asking once."""
    standing = access.standing_of(request.project, judge_id)
    form = RevokeForm(posted(request))
    if request.method == "POST" and form.is_valid():
        decisions.revoke(
            standing_id=standing.pk,
            reason=form.cleaned_data["reason"],
            by=request.user,
            now=timezone.now(),
        )
        messages.success(request, "Revoked: the API refuses from now on.")
        return go(request, "approvals", request.project.slug)
    context = {**STEP, "standing": standing, "form": form}
    status = 422 if form.is_bound else 200
    return page(request, "calibration/approval_revoke.html", context, status=status)


def _initial(choices: list[asking.SealedChoice], names: dict[str, str]) -> dict[str, Any]:
    initial: dict[str, Any] = {}
    if len(choices) == 1:
        initial["sealed_set"] = str(choices[0].sealed_set.pk)
    if len(names) == 1:
        initial["dimensions"] = list(names)
    return initial


def _view(request: MemberRequest, asked: ApprovalRequest) -> ApprovalView:
    return queries.approval(
        asked,
        is_admin=Role.ADMIN in request.membership.roles,
        is_judge_author=queries.has_authored(request.project, request.user),
    )


def _form(view: ApprovalView, data: Any = None) -> DecisionForm:
    passing = {one.key: one.name for one in view.passed}
    exceptable = {line.key: line.name for line in view.exceptions if not line.why_not}
    names = reports.dimension_names(view.request.version)
    covered = view.standing.dimensions if view.standing is not None else []
    return DecisionForm(
        passing, {key: names.get(key, key) for key in covered}, data, exceptable=exceptable
    )


def _page(
    request: MemberRequest,
    asked: ApprovalRequest,
    *,
    form: DecisionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    view = _view(request, asked)
    is_author = authors.wrote_the_same(asked.version, request.user.actor)
    may_decide = Role.ADMIN in request.membership.roles and not is_author and view.is_waiting
    context: dict[str, Any] = {
        **STEP,
        "view": view,
        "asked": asked,
        "version": asked.version,
        "is_author": is_author,
        "may_decide": may_decide,
        "form": form or _form(view),
        "fingerprint": reports.short_fingerprint(asked.version),
        "provenance": queries.PROVENANCE_WORDS[view.provenance],
    }
    if asked.state == RequestState.JUDGING and asked.run is not None:
        context["progress"] = run_queries.progress(asked.run, now=timezone.now())
    return page(
        request,
        "calibration/approval.html",
        context,
        fragment="calibration/_approval.html",
        status=status,
    )
