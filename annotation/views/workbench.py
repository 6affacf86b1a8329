"""The workbench: one item at a time, its answer, and the next one in the same response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.models import Rater
from accounts.roles import Role
from annotation import access
from annotation.forms.rating import (
    FLAG_REASONS,
    SKIP_REASONS,
    DraftForm,
    RatingForm,
    ReasonForm,
)
from annotation.models import Assignment, Round
from annotation.queries import admissions, gold, ownanswers, progress, workbench
from annotation.queries.admissions import OwnState
from annotation.queries.news import News
from annotation.services import claim, rating
from annotation.states import AssignmentState, RoundKind
from core.errors import Conflict, Invalid, NotHere
from core.http import go, page, wants_fragment

PAGE = "annotation/workbench.html"
SLOT = "annotation/_slot.html"
NEWS_READ = "guidelines_read"
OWN_AGAIN = ("already_submitted", "changed_meanwhile")
"""Conflicts that the rater settles by looking at the own answer."""

READ_AND_WRITE = ("GET", "HEAD", "POST")
RATES = (Role.RATER, Role.LEAD)
"""Leads rate in the calibration sessions that they take part in."""


@dataclass(frozen=True, slots=True)
class Calm:
    """Why there is nothing to rate now, in two sentences."""

    title: str
    text: str
    may_go_on: bool = False


CALM = {
    claim.Reason.NOTHING_LEFT: Calm(
        "You are through",
        "You have rated everything that this round has for you. Thank you. Should an item come "
        "back to the queue, this round goes on.",
    ),
    claim.Reason.QUOTA_REACHED: Calm(
        "Your share is done",
        "You have rated as many items as were asked of you in this round. Thank you.",
    ),
    claim.Reason.PAUSED: Calm(
        "This round is paused",
        "A lead has paused it, and nothing is handed out for the moment. All that you did is kept.",
    ),
    claim.Reason.CLOSED: Calm(
        "This round is closed", "Nothing is handed out any more. All that you did is kept."
    ),
    claim.Reason.NOT_OPEN: Calm(
        "This round is not open yet", "A lead opens it when everything is ready."
    ),
    claim.Reason.NOT_A_RATER: Calm(
        "You are no longer in this round", "All that you did is kept. A lead can add you again."
    ),
    claim.Reason.QUALIFIED: Calm(
        "You are qualified",
        "The rounds that ask for this qualification are open to you. Thank you.",
    ),
    claim.Reason.NOT_QUALIFIED: Calm(
        "First the qualification",
        "Items of this round are given to those who have passed its qualification.",
    ),
}
FELL_SHORT = Calm(
    "You did not reach the pass mark",
    "You have had every item of this qualification. A lead sees how far you came, and can let you "
    "in or set up another qualification with other items.",
)


@door(*RATES)
@never_cache
@require_safe
def rate(request: MemberRequest, round_id: int) -> HttpResponse:
    """The item at hand: the one that is held already, else the next."""
    rater = access.rater_of_member(request.membership)
    return _next(request, rater, access.round_for_rater(rater, round_id))


@door(*RATES)
@require_POST
def submit(request: MemberRequest, assignment_id: int) -> HttpResponse:
    """Store the answer and hand out the next item in the same response."""
    rater = access.rater_of_member(request.membership)
    row = access.assignment_once_of(rater, assignment_id)
    bench = workbench.bench(row, rater_id=rater.pk)
    form = RatingForm(bench, request.POST)
    if not form.is_valid():
        return _slot(request, rater, row, form, status=422)
    try:
        rating.submit(
            assignment_id=row.pk,
            rater=rater,
            labels=form.labels(),
            rationale=form.cleaned_data["rationale"],
            active_seconds=form.cleaned_data["active_seconds"],
            now=timezone.now(),
        )
    except Invalid as refusal:
        form.add_refusal(refusal)
        return _slot(request, rater, row, form, status=422)
    except Conflict as refusal:
        return _slot(request, rater, row, form, status=409, conflict=refusal)
    return _go_on(request, rater, row.round)


@door(*RATES)
@require_POST
def save_draft(request: MemberRequest, assignment_id: int) -> HttpResponse:
    """Keep what is there so far; the page asks for this while somebody works."""
    rater = access.rater_of_member(request.membership)
    form = DraftForm(request.POST)
    form.is_valid()
    rating.save_draft(
        assignment_id=assignment_id,
        rater=rater,
        labels=form.labels(),
        rationale=form.rationale_text(),
        active_seconds=form.seconds(),
        now=timezone.now(),
    )
    return HttpResponse(status=204)


@door(*RATES)
@require_POST
def skip(request: MemberRequest, assignment_id: int) -> HttpResponse:
    """Pass the item by, with a reason, and take the next."""
    rater = access.rater_of_member(request.membership)
    row = access.assignment_once_of(rater, assignment_id)
    form = ReasonForm(request.POST)
    try:
        rating.skip(
            assignment_id=row.pk,
            rater=rater,
            reason=form.text(),
            active_seconds=form.seconds(),
            now=timezone.now(),
        )
    except (Invalid, Conflict) as refusal:
        return _refused(request, rater, row, refusal, {"skip_refusal": refusal})
    return _go_on(request, rater, row.round)


@door(*RATES)
@require_POST
def flag(request: MemberRequest, assignment_id: int) -> HttpResponse:
    """Report the item as broken, and take the next."""
    rater = access.rater_of_member(request.membership)
    row = access.assignment_once_of(rater, assignment_id)
    form = ReasonForm(request.POST)
    try:
        rating.flag(
            assignment_id=row.pk,
            rater=rater,
            reason=form.text(),
            active_seconds=form.seconds(),
            now=timezone.now(),
        )
    except (Invalid, Conflict) as refusal:
        return _refused(request, rater, row, refusal, {"flag_refusal": refusal})
    return _go_on(request, rater, row.round)


@door(*RATES)
@never_cache
@require_http_methods(READ_AND_WRITE)
def own(request: MemberRequest, assignment_id: int) -> HttpResponse:
    """An own answer: to look at, and to change while that is still possible."""
    rater = access.rater_of_member(request.membership)
    row = access.assignment_of(rater, assignment_id)
    if row.state != AssignmentState.SUBMITTED:
        raise NotHere("There is no such answer of yours.")
    bench = workbench.bench(row, rater_id=rater.pk)
    if request.method != "POST":
        return _slot(request, rater, row, RatingForm(bench))
    form = RatingForm(bench, request.POST)
    if not form.is_valid():
        return _slot(request, rater, row, form, status=422)
    try:
        rating.amend(
            assignment_id=row.pk,
            rater=rater,
            labels=form.labels(),
            rationale=form.cleaned_data["rationale"],
            now=timezone.now(),
        )
    except Invalid as refusal:
        form.add_refusal(refusal)
        return _slot(request, rater, row, form, status=422)
    except Conflict as refusal:
        return _slot(request, rater, row, form, status=409, conflict=refusal)
    return go(request, "rate", request.project.slug, row.round_id)


@door(*RATES)
@require_POST
def news_read(request: MemberRequest, round_id: int) -> HttpResponse:
    """Put away what is new in the round's guideline; it comes back with the next version."""
    rater = access.rater_of_member(request.membership)
    round_ = access.round_for_rater(rater, round_id)
    version = round_.guideline_version
    known = request.session.get(NEWS_READ, {})
    request.session[NEWS_READ] = {**known, str(version.guideline_id): version.pk}
    if wants_fragment(request):
        return HttpResponse()
    return redirect("rate", request.project.slug, round_.pk)


def _unread(request: MemberRequest, news: News | None) -> News | None:
    """What is new, until it was put away in this browser."""
    if news is None:
        return None
    read = request.session.get(NEWS_READ, {}).get(str(news.now.guideline_id))
    return None if read == news.now.pk else news


def _go_on(request: MemberRequest, rater: Rater, round_: Round) -> HttpResponse:
    """htmx gets the next item at once; a plain form is led to it, so that a reload is harmless."""
    if wants_fragment(request):
        return _next(request, rater, round_)
    return redirect("rate", request.project.slug, round_.pk)


def _next(request: MemberRequest, rater: Rater, round_: Round) -> HttpResponse:
    given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=timezone.now())
    if given.assignment_id is not None:
        row = access.assignment_of(rater, given.assignment_id)
        return _slot(request, rater, row, RatingForm(workbench.bench(row, rater_id=rater.pk)))
    assert given.reason is not None
    return _calm(request, rater, round_, _why_calm(round_, given.reason))


def _why_calm(round_: Round, reason: claim.Reason) -> Calm:
    is_over = reason == claim.Reason.NOTHING_LEFT and round_.kind == RoundKind.QUALIFICATION
    return FELL_SHORT if is_over else CALM[reason]


def _slot(
    request: MemberRequest,
    rater: Rater,
    row: Assignment,
    form: RatingForm,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    is_own = row.state == AssignmentState.SUBMITTED and row.rater_id == rater.pk
    closed_because = rating.why_not_editable(row) if is_own else ""
    context = {
        "round": row.round,
        "rater": rater,
        "assignment": row,
        "bench": form.bench,
        "form": form,
        "news": _unread(request, form.bench.news),
        "own": progress.own_round(round_=row.round, rater_id=rater.pk),
        "is_amending": is_own,
        **_told(row.round, rater, row if is_own else None),
        "closed_because": closed_because,
        # Nothing of this item can be sent any more: it is somebody else's, or it is settled.
        "is_over": bool(closed_because or more.get("conflict")),
        "own_again": OWN_AGAIN,
        "history": ownanswers.history(row) if is_own else [],
        "skip_reasons": SKIP_REASONS,
        "flag_reasons": FLAG_REASONS,
        **more,
    }
    return page(request, PAGE, context, fragment=SLOT, status=status)


def _refused(
    request: MemberRequest,
    rater: Rater,
    row: Assignment,
    refusal: Invalid | Conflict,
    words: dict[str, Any],
) -> HttpResponse:
    """A reason that is missing is asked for again; an item that is gone is said to be gone."""
    if isinstance(refusal, Conflict):
        calm = Calm("This item is no longer yours", refusal.sentence, may_go_on=True)
        return _calm(request, rater, row.round, calm, status=409)
    form = RatingForm(workbench.bench(row, rater_id=rater.pk))
    return _slot(request, rater, row, form, status=422, **words)


def _calm(
    request: MemberRequest, rater: Rater, round_: Round, calm: Calm, *, status: int = 200
) -> HttpResponse:
    context = {
        "round": round_,
        "rater": rater,
        "calm": calm,
        "qualifying": _qualifying(round_, rater),
        **_told(round_, rater, None),
        "own": progress.own_round(round_=round_, rater_id=rater.pk),
        "last_id": workbench.last_of_round(round_id=round_.pk, rater_id=rater.pk),
    }
    return page(request, PAGE, context, fragment=SLOT, status=status)


def _qualifying(round_: Round, rater: Rater) -> OwnState | None:
    """The rater's state in the qualification that is this round, or that it demands."""
    asked = round_ if round_.kind == RoundKind.QUALIFICATION else round_.qualification
    return None if asked is None else admissions.own_state(round_=asked, rater_id=rater.pk)


def _told(round_: Round, rater: Rater, own: Assignment | None) -> dict[str, Any]:
    """What the rater is told of a gold item: of the answer that is open, else of the last one."""
    if own is not None:
        return {"told": gold.told(own), "told_title": "This was a gold item."}
    return {
        "told": gold.told_last(round_=round_, rater_id=rater.pk),
        "told_title": "Your last item was a gold item.",
    }
