"""Calibration sessions: the list, a new one, each step of one, and how agreement went."""

from __future__ import annotations

import math
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, PersonRequest, door, signed_in
from accounts.roles import STAFF, Role
from annotation import access as annotation_access
from annotation.forms.refusals import add_refusal, status_of
from calibration import access
from calibration.forms import SecondRoundForm, SessionForm, SessionsFilter
from calibration.models import CalibrationSession
from calibration.queries import sessionfigures, sessionitems
from calibration.queries import sessions as queries
from calibration.queries.sessionfigures import TrendTopic
from calibration.rules import readings
from calibration.rules.sessionwords import CHOSEN
from calibration.services import sessionchoice
from calibration.services import sessions as services
from calibration.states import SessionState, Stage
from core import charts, filters
from core.charts import Scale
from core.errors import DomainError, NotHere
from core.http import go, page, posted

STEP = {"current_step": "agree"}
PAGE = ("GET", "HEAD", "POST")
PAGE_SESSIONS = 25
FRESH_ASKED = 20


@door(*STAFF)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """The sessions of the project, newest first, a page at a time."""
    form = SessionsFilter(request.GET)
    found = queries.found(
        project_id=request.project.pk, text=form.asked("q"), state=form.asked("state")
    )
    listed = filters.paged(found, request.GET.get("page"), size=PAGE_SESSIONS)
    context = {**STEP, "form": form, "page_obj": listed, "cards": queries.cards(listed)}
    return page(request, "calibration/sessions.html", context)


@signed_in
@require_safe
def mine(request: PersonRequest) -> HttpResponse:
    """The sessions that I take part in; the first page asks for them as a fragment."""
    context = {"own": queries.mine(user_id=request.user.pk)}
    return page(
        request,
        "calibration/my_sessions.html",
        context,
        fragment="calibration/_home_sessions.html",
    )


@door(Role.LEAD)
@require_http_methods(PAGE)
def new(request: MemberRequest) -> HttpResponse:
    """Choose items and people; nobody rates before the session is started."""
    initial = {"how": SessionForm.DIFFERING, "count": 10}
    initial |= {name: request.GET[name] for name in ("round", "count") if name in request.GET}
    form = SessionForm(posted(request), project=request.project, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create(project=request.project, by=request.user, **_plan(request, form))
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"{made.name} is set up. Start it when all is as it should.")
            return go(request, "session", request.project.slug, made.pk)
    context = {**STEP, "form": form}
    return page(request, "calibration/session_new.html", context, status=status_of(form))


@door(Role.LEAD)
@require_http_methods(PAGE)
def edit(request: MemberRequest, session_id: int) -> HttpResponse:
    """Change a draft."""
    session = access.session_of(request.project, session_id)
    initial = {
        "name": session.name,
        "version": str(session.guideline_version_id),
        "people": [str(rater.user_id) for rater in queries.participants(session)],
        "how": SessionForm.HAND,
        "dataset": str(session.dataset_id),
        "ids": "\n".join(queries.external_ids(session)),
    }
    form = SessionForm(posted(request), project=request.project, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            plan = _plan(request, form)
            services.change(session_id=session.pk, by=request.user, **plan)
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "The draft is changed.")
            return go(request, "session", request.project.slug, session.pk)
    context = {**STEP, "form": form, "session": session}
    return page(request, "calibration/session_new.html", context, status=status_of(form))


@door()
@require_safe
def show(request: MemberRequest, session_id: int) -> HttpResponse:
    """How far the session is, and what there is to read by now."""
    session = access.session_for(request.membership, session_id)
    reader = access.reader_of(request.membership)
    round_ = queries.blind_round(session)
    people = queries.participants(session)
    context: dict[str, Any] = {
        **(STEP if reader.is_staff else {}),
        "session": session,
        "version": queries.version_of(session),
        "people": people,
        "takes_part": any(rater.user_id == request.user.pk for rater in people),
        "mentions": sessionitems.mentions(session, reader),
        "chosen": CHOSEN,
    }
    if session.state == SessionState.DRAFT:
        places = queries.chosen(session)
        context["page_obj"] = filters.paged(places, request.GET.get("page"), size=PAGE_SESSIONS)
    if round_ is not None:
        context |= {"blind": round_, "progress": queries.progress(round_)}
        context["own"] = queries.own_progress(round_, user_id=request.user.pk)
    context |= _revealed(request, session)
    return page(request, "calibration/session.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def discard(request: MemberRequest, session_id: int) -> HttpResponse:
    """Asks once, then throws the draft away."""
    session = access.session_of(request.project, session_id)
    form = Form(posted(request))
    if request.method == "POST" and form.is_valid():
        services.discard(session_id=session.pk, by=request.user)
        messages.success(request, "The draft is gone.")
        return go(request, "sessions", request.project.slug)
    return page(request, "calibration/session_discard.html", {**STEP, "session": session})


@door(Role.LEAD)
@require_POST
def start(request: MemberRequest, session_id: int) -> HttpResponse:
    session = access.session_of(request.project, session_id)
    services.start(session_id=session.pk, by=request.user, now=timezone.now())
    messages.success(request, f"{session.name} is rated blind from now on.")
    return go(request, "session", request.project.slug, session.pk)


@door(Role.LEAD)
@require_http_methods(PAGE)
def reveal(request: MemberRequest, session_id: int) -> HttpResponse:
    """Says who is through, and asks once: a reveal ends the rating for good."""
    session = access.session_of(request.project, session_id)
    if request.method == "POST":
        services.reveal(session_id=session.pk, by=request.user, now=timezone.now())
        messages.success(request, "Revealed: talk about the items, the widest apart first.")
        return go(request, "session", request.project.slug, session.pk)
    round_ = queries.blind_round(session)
    context = {**STEP, "session": session}
    if round_ is not None:
        context["progress"] = queries.progress(round_)
    return page(request, "calibration/session_reveal.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def second(request: MemberRequest, session_id: int) -> HttpResponse:
    """A second blind round on fresh items."""
    session = access.session_of(request.project, session_id)
    fresh = services.fresh_items(session).count() if session.state == SessionState.REVEALED else 0
    initial = {"count": min(FRESH_ASKED, fresh)}
    form = SecondRoundForm(posted(request), session=session, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.begin_second(
                session_id=session.pk,
                version=form.chosen_version(),
                count=form.cleaned_data["count"],
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "The second round is rated blind from now on.")
            return go(request, "session", request.project.slug, session.pk)
    context = {**STEP, "session": session, "form": form, "fresh": fresh}
    return page(request, "calibration/session_second.html", context, status=status_of(form))


@door(Role.LEAD)
@require_http_methods(PAGE)
def close(request: MemberRequest, session_id: int) -> HttpResponse:
    """Asks once: a closed session does not open again."""
    session = access.session_of(request.project, session_id)
    if request.method == "POST":
        services.close(session_id=session.pk, by=request.user, now=timezone.now())
        messages.success(request, f"{session.name} is closed.")
        return go(request, "session", request.project.slug, session.pk)
    round_ = queries.blind_round(session)
    context = {**STEP, "session": session}
    if round_ is not None:
        context["progress"] = queries.progress(round_)
    return page(request, "calibration/session_close.html", context)


@door(*STAFF)
@require_safe
def trend(request: MemberRequest) -> HttpResponse:
    """Alpha from session to session, by dimension."""
    topics = sessionfigures.trend(project_id=request.project.pk)
    asked = request.GET.get("dimension", "")
    one = next((topic for topic in topics if topic.value == asked), next(iter(topics), None))
    context = {
        **STEP,
        "one": one,
        "tabs": _tabs(topics, one),
        "trend": _drawn(one) if one is not None else None,
        "chosen": CHOSEN,
    }
    return page(request, "calibration/session_trend.html", context)


@door(*STAFF)
@require_safe
def of_round(request: MemberRequest, round_id: int) -> HttpResponse:
    """From the round of a blind rating to its session."""
    round_ = annotation_access.round_of(request.project, round_id)
    session = queries.session_of_round(round_)
    if session is None:
        raise NotHere("This round belongs to no session.")
    return redirect("session", request.project.slug, session.pk)


def _plan(request: MemberRequest, form: SessionForm) -> dict[str, Any]:
    """What a draft is made of; the items as the form says that they are chosen."""
    plan: dict[str, Any] = {
        "name": form.cleaned_data["name"],
        "version": form.chosen_version(),
        "people": form.chosen_people(),
    }
    if form.is_by_hand:
        dataset = form.chosen_dataset()
        items = sessionchoice.named_items(dataset=dataset, external_ids=form.external_ids())
        return plan | {"dataset": dataset, "items": items}
    source = form.chosen_round()
    items = sessionchoice.differing_items(
        round_=source,
        count=form.cleaned_data["count"],
        by=request.user,
        now=timezone.now(),
    )
    return plan | {"dataset": source.dataset, "items": items, "source": source}


def _revealed(request: MemberRequest, session: CalibrationSession) -> dict[str, Any]:
    """What a session shows once a round of it is revealed."""
    rounds = sessionfigures.revealed_rounds(session)
    if not rounds:
        return {}
    is_second = len(rounds) > 1 and request.GET.get("items") == Stage.SECOND
    stage = Stage.SECOND if is_second else Stage.FIRST
    listed, lines = sessionitems.page(
        session,
        rounds[1] if is_second else rounds[0],
        stage=stage,
        number=request.GET.get("page"),
        reader=access.reader_of(request.membership),
    )
    tabs = [
        {"name": "First round", "url": "?items=first", "is_current": not is_second},
        {"name": "Second round", "url": "?items=second", "is_current": is_second},
    ]
    changes = sessionfigures.changes(session)
    return {
        "page_obj": listed,
        "lines": lines,
        "tabs": tabs if len(rounds) > 1 else [],
        "changes": changes,
        "notes": sessionfigures.notes(changes),
        "has_second": len(rounds) > 1,
    }


def _tabs(topics: list[TrendTopic], one: TrendTopic | None) -> list[dict[str, Any]]:
    if len(topics) < 2:
        return []
    several = len({each.guideline for each in topics}) > 1
    return [
        {
            "name": each.name if several else each.dimension,
            "url": f"?dimension={each.value}",
            "is_current": each is one,
        }
        for each in topics
    ]


def _drawn(one: TrendTopic) -> charts.Trend:
    low = _floor([point.alpha for point in one.points])
    scale = Scale(low=low, high=1.0, target=readings.TENTATIVE, target_name="tentative from")
    points = [(point.label, point.alpha) for point in one.points]
    name = f"Alpha from session to session, {one.name}"
    kinds = [point.compares_as for point in one.points]
    return charts.trend(points, scale, name=name, kinds=kinds)


def _floor(alphas: list[dict[str, Any]]) -> float:
    """Where the axis begins: 0, or below it where people agree less than chance would have them."""
    lows = [
        bound
        for alpha in alphas
        for bound in (alpha["value"], *(alpha["interval"] or []))
        if bound is not None
    ]
    return min(0.0, math.floor(min(lows, default=0.0) * 5) / 5)
