"""Rounds for the lead: the list, a new one, how far one is, and the acts on it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation import access
from annotation.forms.lists import RoundsFilter
from annotation.forms.refusals import add_refusal, status_of
from annotation.forms.rounds import RatersForm, RoundForm
from annotation.models import Round
from annotation.queries import roundprogress
from annotation.queries import rounds as queries
from annotation.services import laying
from annotation.services import rounds as services
from annotation.states import RoundState
from core import filters
from core.errors import DomainError
from core.http import go, page, posted, wants_fragment

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "rate"}
UNCHANGED = 204
PAGE_ROUNDS = 25


@door(*STAFF)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """The rounds of the project, newest first, a page at a time."""
    form = RoundsFilter(request.GET)
    found = queries.found(
        project_id=request.project.pk,
        text=form.asked("q"),
        state=form.asked("state"),
        kind=form.asked("kind"),
    )
    listed = filters.paged(found, request.GET.get("page"), size=PAGE_ROUNDS)
    cards = queries.cards(listed.object_list)
    context = {**STEP, "form": form, "page_obj": listed, "cards": cards}
    return page(request, "annotation/rounds.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def new(request: MemberRequest) -> HttpResponse:
    """Set up a round; nobody is given an item before it is opened."""
    asked = {name: request.GET[name] for name in ("dataset", "version") if name in request.GET}
    form = RoundForm(posted(request), project=request.project, initial=asked)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create(project=request.project, by=request.user, **form.plan())
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"{made.name} is set up. Open it when raters may begin.")
            return go(request, "round", request.project.slug, made.pk)
    context = {**STEP, "form": form, "missing": _missing(form)}
    return page(request, "annotation/round_new.html", context, status=status_of(form))


@door(*STAFF)
@require_safe
def show(request: MemberRequest, round_id: int) -> HttpResponse:
    """How far a round is. Its progress is the fragment that the page asks for again; a poll that
    shows this state already gets nothing new."""
    found = access.round_of(request.project, round_id)
    context = {**STEP, **_how_far(found)}
    if wants_fragment(request) and _is_shown(request, found, context["digest"]):
        return HttpResponse(status=UNCHANGED)
    if found.state != RoundState.CLOSED:
        context |= {"more": RatersForm(round_=found), "laying": laying.laying_of(found)}
    return page(
        request, "annotation/round.html", context, fragment="annotation/_round_progress.html"
    )


@door(Role.LEAD)
@require_POST
def open_round(request: MemberRequest, round_id: int) -> HttpResponse:
    found = access.round_of(request.project, round_id)
    services.open_round(round_id=found.pk, by=request.user, now=timezone.now())
    messages.success(request, f"{found.name} is open: its raters find it among their work.")
    return go(request, "round", request.project.slug, found.pk)


@door(Role.LEAD)
@require_POST
def pause(request: MemberRequest, round_id: int) -> HttpResponse:
    found = access.round_of(request.project, round_id)
    services.pause(round_id=found.pk, by=request.user)
    messages.success(request, "Paused. What raters hold now may still be submitted.")
    return go(request, "round", request.project.slug, found.pk)


@door(Role.LEAD)
@require_POST
def resume(request: MemberRequest, round_id: int) -> HttpResponse:
    found = access.round_of(request.project, round_id)
    services.resume(round_id=found.pk, by=request.user)
    messages.success(request, f"{found.name} goes on.")
    return go(request, "round", request.project.slug, found.pk)


@door(Role.LEAD)
@require_http_methods(PAGE)
def close(request: MemberRequest, round_id: int) -> HttpResponse:
    """Asks once: a closed round does not open again."""
    found = access.round_of(request.project, round_id)
    if request.method == "POST":
        services.close(round_id=found.pk, by=request.user, now=timezone.now())
        messages.success(request, f"{found.name} is closed.")
        return go(request, "round", request.project.slug, found.pk)
    submitted, slots = queries.in_and_wanted(found)
    context = {**STEP, "round": found, "submitted": submitted, "slots": slots}
    return page(request, "annotation/round_close.html", context)


@door(Role.LEAD)
@require_POST
def add_raters(request: MemberRequest, round_id: int) -> HttpResponse:
    """Let more people rate in a round."""
    found = access.round_of(request.project, round_id)
    form = RatersForm(request.POST, round_=found)
    if not form.is_valid():
        context = {**STEP, **_how_far(found), "more": form}
        return page(request, "annotation/round.html", context, status=422)
    services.add_raters(
        round_id=found.pk,
        raters=form.cleaned_data["raters"],
        quota=form.cleaned_data["quota"],
        by=request.user,
    )
    messages.success(request, "The raters are in the round.")
    return go(request, "round", request.project.slug, found.pk)


def _how_far(found: Round) -> dict[str, Any]:
    counted = roundprogress.progress(found, now=timezone.now())
    if counted is None:
        return {"round": found, "progress": None, "digest": ""}
    return {
        "round": found,
        "progress": counted.value,
        "digest": counted.value.digest,
        "as_of": counted.at if counted.is_kept else None,
    }


def _is_shown(request: MemberRequest, found: Round, digest: str) -> bool:
    """A round that is not open any more is drawn once again, for good."""
    return found.state == RoundState.OPEN and request.GET.get("shown") == digest


def _missing(form: RoundForm) -> list[str]:
    """What has to be there before a round can be set up."""
    return [name for name in ("dataset", "version", "raters") if not form.has_choices(name)]
