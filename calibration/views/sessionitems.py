"""A revealed item of a session: side by side, its thread, what was settled; and the to-do list."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation import access as annotation_access
from annotation.models import Guideline
from calibration import access
from calibration.forms import ClauseForm, CommentForm, SettleLabelForm, TodoFilter
from calibration.models import SessionItem
from calibration.queries import sessionitems as queries
from calibration.queries import sessions as session_queries
from calibration.queries.sessionitems import DimensionView, ItemView
from calibration.rules.sessions import OPEN_TO_TALK, lines_of
from calibration.services import sessiontalk
from calibration.states import SessionState, Stage
from core import charts, filters
from core.errors import DomainError, NotHere
from core.http import go, page, wants_fragment

STEP = {"current_step": "agree"}
SETTLES = frozenset({Role.LEAD, Role.ADJUDICATOR})
PAGE_NOTES = 25
BESIDE_EDITOR = 10


@door()
@require_safe
def show(request: MemberRequest, session_id: int, item_id: int) -> HttpResponse:
    """The item with everybody's labels and reasons, the thread, and what was settled."""
    return _page(request, session_id, item_id)


@door()
@require_POST
def comment(request: MemberRequest, session_id: int, item_id: int) -> HttpResponse:
    place = access.talked_about_for(request.membership, session_id, item_id)
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            sessiontalk.comment(place_id=place.pk, text=form.cleaned_data["text"], by=request.user)
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            return _back(request, place, "thread")
    return _page(request, session_id, item_id, status=422, comment=form)


@door(*SETTLES)
@require_POST
def settle(request: MemberRequest, session_id: int, item_id: int, key: str) -> HttpResponse:
    """The label of one dimension that the session agreed on."""
    place = access.talked_about_for(request.membership, session_id, item_id)
    view = _view(request, session_id, item_id)
    dimension = next((one for one in view.dimensions if one.key == key), None)
    if dimension is None:
        raise NotHere("The session's guideline has no such dimension.")
    form = SettleLabelForm(request.POST, dimension=dimension)
    if form.is_valid():
        try:
            sessiontalk.settle(
                place_id=place.pk,
                dimension_key=key,
                label=form.cleaned_data["label"],
                reason=form.cleaned_data["reason"],
                seen=form.cleaned_data["seen"],
                by=request.user,
            )
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, f"{dimension.name} is settled.")
            return _back(request, place, "settled")
    return _page(request, session_id, item_id, status=422, settling=(key, form))


@door()
@require_POST
def clause(request: MemberRequest, session_id: int, item_id: int) -> HttpResponse:
    """A line of the guideline that has to say more: to do for its next version."""
    place = access.talked_about_for(request.membership, session_id, item_id)
    version = session_queries.version_of(place.session)
    form = ClauseForm(request.POST, lines=lines_of(version.text))
    if form.is_valid():
        try:
            sessiontalk.note_clause(
                place_id=place.pk,
                line=form.cleaned_data["line"],
                note=form.cleaned_data["note"],
                by=request.user,
            )
        except DomainError as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, "It is on the list for the next version.")
            return _back(request, place, "clauses")
    return _page(request, session_id, item_id, status=422, clause=form)


@door(*STAFF)
@require_safe
def todo(request: MemberRequest, guideline_id: int) -> HttpResponse:
    """What sessions found wanting in a guideline; its editor asks for it as a fragment."""
    guideline = annotation_access.guideline_of(request.project, guideline_id)
    form = TodoFilter(request.GET)
    notes = queries.clause_notes(guideline_id=guideline.pk, state=form.asked("state"))
    listed = filters.paged(notes, request.GET.get("page"), size=PAGE_NOTES)
    context = {
        "current_step": "guideline",
        "guideline": guideline,
        "form": form,
        "page_obj": listed,
        "beside": notes[:BESIDE_EDITOR],
    }
    return page(
        request,
        "calibration/guideline_todo.html",
        context,
        fragment="calibration/_guideline_todo.html",
    )


@door(Role.LEAD)
@require_POST
def todo_mark(request: MemberRequest, guideline_id: int, note_id: int) -> HttpResponse:
    """Tick a clause off, or take the tick back. In the editor nothing else is touched."""
    note = access.clause_note_of(request.project, guideline_id, note_id)
    sessiontalk.mark_clause(
        note_id=note.pk,
        is_done=request.POST.get("done") == "1",
        by=request.user,
        now=timezone.now(),
    )
    if wants_fragment(request):
        guideline: Guideline = annotation_access.guideline_of(request.project, guideline_id)
        notes = queries.clause_notes(guideline_id=guideline.pk)[:BESIDE_EDITOR]
        context = {"guideline": guideline, "beside": notes}
        return page(request, "calibration/_guideline_todo.html", context)
    return go(request, "guideline_todo", request.project.slug, guideline_id)


def _view(request: MemberRequest, session_id: int, item_id: int) -> ItemView:
    place, round_ = access.session_place_for(request.membership, session_id, item_id)
    return queries.view(place, round_, reader=access.reader_of(request.membership))


def _page(
    request: MemberRequest,
    session_id: int,
    item_id: int,
    *,
    status: int = 200,
    comment: Form | None = None,
    settling: tuple[str, Form] | None = None,
    clause: Form | None = None,
) -> HttpResponse:
    view = _view(request, session_id, item_id)
    session = view.place.session
    reader = access.reader_of(request.membership)
    context: dict[str, Any] = {
        **(STEP if reader.is_staff else {}),
        "session": session,
        "view": view,
        "place": view.place,
    }
    if not view.hidden_because:
        is_open = SessionState(session.state) in OPEN_TO_TALK and view.place.stage == Stage.FIRST
        may_settle = is_open and bool(request.membership.roles & SETTLES)
        version = session_queries.version_of(session)
        context |= {
            "thread": queries.thread(view.place, request.GET.get("page")),
            "is_open": is_open,
            "dimensions": [_dimension(one, settling) for one in view.dimensions],
            "may_settle": may_settle,
            "comment_form": comment or CommentForm(),
            "clause_form": clause or ClauseForm(lines=lines_of(version.text)),
            "version": version,
            "names": [user.username for user in session_queries.people_to_name(session)],
        }
    return page(request, "calibration/session_item.html", context, status=status)


def _dimension(one: DimensionView, settling: tuple[str, Form] | None) -> dict[str, Any]:
    is_sent = settling is not None and settling[0] == one.key
    form = settling[1] if is_sent and settling is not None else SettleLabelForm(dimension=one)
    return {
        "view": one,
        "form": form,
        "drawn": charts.distribution_strip(one.points, {one.name: one.counts}),
    }


def _back(request: MemberRequest, place: SessionItem, part: str) -> HttpResponse:
    address = reverse("session_item", args=[request.project.slug, place.session_id, place.item_id])
    return go(request, f"{address}#{part}")
