"""Who was right? Draw a review of a version's differences, answer it blind, read what it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation.forms.refusals import add_refusal, status_of
from annotation.models import Dimension
from annotation.queries import adjudication, workbench
from calibration import access
from calibration.forms import (
    ClauseForm,
    ReviewAnswerForm,
    ReviewCorrectForm,
    ReviewFilter,
    ReviewForm,
)
from calibration.models import Review, ReviewItem
from calibration.queries import reviews as queries
from calibration.queries.reviews import Line
from calibration.rules.reviews import CORRECTABLE, Outcome
from calibration.rules.sessions import lines_of
from calibration.services import reviews as services
from calibration.states import ReviewState
from core import filters
from core.errors import Conflict, DomainError, NotAllowed, NotHere
from core.http import go, page, posted
from judges import access as judges_access
from judges.queries import people
from judges.states import VersionKind

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "judge"}
REVIEWERS = (Role.LEAD, Role.ADJUDICATOR)
PAGE_REVIEWS = 25
PAGE_ITEMS = 25


@door(*STAFF)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """The reviews of the project, newest first."""
    found = queries.of_project(request.project.pk)
    listed = filters.paged(found, request.GET.get("page"), size=PAGE_REVIEWS)
    return page(request, "calibration/reviews.html", {**STEP, "page_obj": listed})


@door(*REVIEWERS)
@require_http_methods(PAGE)
def new(request: MemberRequest, version_id: int) -> HttpResponse:
    """Draw the differences of a version's newest run, and as many agreements."""
    version = judges_access.version_of(request.project, version_id)
    run = people.newest_compared_run(version)
    dimensions = list(version.guideline_version.dimensions.select_related("version"))
    form = ReviewForm(posted(request), dimensions=dimensions)
    if request.method == "POST" and form.is_valid():
        if run is None:
            raise NotHere("This version has no finished run over development items.")
        key = form.cleaned_data["dimension"]
        try:
            made = services.start(
                run=run,
                dimension=next(one for one in dimensions if one.key == key),
                count=form.cleaned_data["count"],
                by=request.user,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            return go(request, "review", request.project.slug, made.pk)
    context = {
        **STEP,
        "version": version,
        "judge": version.judge,
        "run": run,
        "form": form,
        "found": _found(request, run, dimensions),
        "reviews": queries.of_project(request.project.pk).filter(run__version=version)[
            :PAGE_REVIEWS
        ],
    }
    return page(request, "calibration/review_new.html", context, status=status_of(form))


@door(*STAFF)
@require_safe
def show(request: MemberRequest, review_id: int) -> HttpResponse:
    """How far an open review is, or what a closed one found."""
    review = access.review_of(request.project, review_id)
    context = {**STEP, "review": review, "version": review.run.version}
    if review.state == ReviewState.OPEN:
        own = queries.own_places(review, user_id=request.user.pk)
        waiting = [place.position for place in own if not place.is_answered]
        context |= {
            "progress": queries.progress(review),
            "own": len(own),
            "answered": len(own) - len(waiting),
            "following": waiting[0] if waiting else None,
            "first": own[0].position if own else None,
            "may_answer": _may_answer(request),
        }
    else:
        context |= _closed(request, review)
    return page(request, "calibration/review.html", context)


@door(*STAFF)
@require_http_methods(PAGE)
def one(request: MemberRequest, review_id: int, position: int) -> HttpResponse:
    """One item: two labels and the question while the review is open, afterwards who said what."""
    review = access.review_of(request.project, review_id)
    place = access.review_place_of(review, position, user=request.user)
    if request.method == "POST" and not _may_answer(request):
        raise NotAllowed("This page is for the project's leads and adjudicators.")
    if review.state == ReviewState.CLOSED:
        if request.method == "POST":
            messages.error(request, "This review was closed meanwhile; your answer is not in it.")
            return go(request, "review_item", request.project.slug, review.pk, position)
        return _told(request, place)
    return _asked(request, place)


@door(*REVIEWERS)
@require_http_methods(PAGE)
def close(request: MemberRequest, review_id: int) -> HttpResponse:
    """End the answers: from then on it is told whose each label was."""
    review = access.review_of(request.project, review_id)
    if request.method == "POST":
        try:
            services.close(review_id=review.pk, by=request.user, now=timezone.now())
        except DomainError as refusal:
            messages.error(request, refusal.sentence)
        return go(request, "review", request.project.slug, review.pk)
    context = {**STEP, "review": review, "progress": queries.progress(review)}
    return page(request, "calibration/review_close.html", context)


@door(*REVIEWERS)
@require_POST
def correct(request: MemberRequest, review_id: int, position: int) -> HttpResponse:
    """Correct the human label that the review found wrong, or take that back."""
    place = _closed_place(request, review_id, position)
    form = _correct_form(place, queries.line_of(place), posted(request))
    if form.is_valid():
        try:
            made = services.correct(
                place=place,
                point=form.cleaned_data["label"],
                reason=form.cleaned_data["reason"],
                seen=form.cleaned_data["seen"],
                by=request.user,
            )
        except Conflict as refusal:
            messages.error(request, refusal.sentence)
            return _back(request, place, "correction")
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            is_back = made.state == "withdrawn"
            messages.success(request, "Taken back." if is_back else "The human label is corrected.")
            return _back(request, place, "correction")
    return _told(request, place, correction=form)


@door(*REVIEWERS)
@require_POST
def clause(request: MemberRequest, review_id: int, position: int) -> HttpResponse:
    """A line of the guideline that has to say more: to do for its next version."""
    place = _closed_place(request, review_id, position)
    form = _clause_form(place, posted(request))
    if form.is_valid():
        try:
            services.note_clause(
                place=place,
                line=form.cleaned_data["line"],
                note=form.cleaned_data["note"],
                by=request.user,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "It is on the list for the next version.")
            return _back(request, place, "clauses")
    return _told(request, place, clause=form)


# Open ---------------------------------------------------------------------------------------------


def _asked(request: MemberRequest, place: ReviewItem) -> HttpResponse:
    """The two labels without whose they are, and the question; an answer leads on."""
    review = place.review
    own = queries.own_places(review, user_id=request.user.pk)
    positions = [each.position for each in own]
    before = queries.own_answer(place, user_id=request.user.pk)
    form = _answer_form(request, place)
    if request.method == "POST" and form.is_valid():
        try:
            services.answer(
                place_id=place.pk,
                label=form.label(),
                reason=form.cleaned_data["reason"],
                seen=form.cleaned_data["seen"],
                by=request.user,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
            newest = queries.own_answer(place, user_id=request.user.pk)
            form.data = {**form.data.dict(), "seen": newest.revision if newest else 0}  # type: ignore[attr-defined]
        else:
            waiting = [
                each.position
                for each in own
                if not each.is_answered and each.position != place.position
            ]
            return _on(request, review, waiting, after=place.position)
    previous, following = queries.neighbours(positions, place.position)
    context = {
        **STEP,
        "review": review,
        "place": place,
        "shown": workbench.shown_item(place.item, is_swapped=False),
        "shown_dimension": workbench.shown_dimension(review.dimension),
        "number": positions.index(place.position) + 1 if place.position in positions else None,
        "own": len(own),
        "previous": previous,
        "following": following,
        "before": before,
        "form": form if place.position in positions and _may_answer(request) else None,
        "refusal": queries.OWN if _may_answer(request) else "A lead or adjudicator answers it.",
    }
    return page(request, "calibration/review_ask.html", context, status=status_of(form))


def _answer_form(request: MemberRequest, place: ReviewItem) -> ReviewAnswerForm:
    dimension = place.review.dimension
    shown = place.shown
    return ReviewAnswerForm(
        posted(request),
        shown=shown,
        others=[label for label in queries.labels_of(dimension) if label not in shown],
        words=_words(dimension),
        before=queries.own_answer(place, user_id=request.user.pk),
    )


def _on(
    request: MemberRequest, review: Review, waiting: Sequence[int], *, after: int
) -> HttpResponse:
    """To the next item that waits for this person, or back to the review when none does."""
    behind = [position for position in waiting if position > after]
    following = next(iter(behind or waiting), None)
    if following is None:
        messages.success(request, "That was the last item.")
        return go(request, "review", request.project.slug, review.pk)
    return go(request, "review_item", request.project.slug, review.pk, following)


def _words(dimension: Dimension) -> Callable[[str], str]:
    """What a label that is tested is called on the page."""
    named = {one.value: one.words for one in workbench.shown_dimension(dimension).choices}
    return lambda label: named.get(label, label)


# Closed -------------------------------------------------------------------------------------------


def _closed(request: MemberRequest, review: Review) -> dict[str, Any]:
    """What was found: the figures, and the items that this person may read, a page at a time."""
    lines = queries.lines(review)
    form = ReviewFilter(request.GET)
    wanted = form.asked("outcome")
    readable = set(queries.readable(review, user_id=request.user.pk).values_list("pk", flat=True))
    fitting = [
        line for line in lines if wanted in ("", line.outcome) and line.place.item_id in readable
    ]
    listed = filters.paged(fitting, request.GET.get("page"), size=PAGE_ITEMS)
    shown = list(listed.object_list)
    corrected = queries.corrected(review, shown)
    version = review.run.version
    return {
        "figures": queries.figures(review, lines),
        "form": form,
        "page_obj": listed,
        "lines": [(line, corrected.get(line.place.item_id)) for line in shown],
        "teaching": {line.place.item_id for line in shown if _teaches(line, corrected)},
        "may_draft": Role.LEAD in request.membership.roles and version.kind == VersionKind.PROMPT,
    }


def _teaches(line: Line, corrected: dict[int, Any]) -> bool:
    """The judge erred by the human label in force: an example that could teach it."""
    if line.outcome is Outcome.JUDGE_WRONG:
        return True
    return line.outcome is Outcome.BOTH_WRONG and line.place.item_id in corrected


def _told(
    request: MemberRequest,
    place: ReviewItem,
    *,
    correction: ReviewCorrectForm | None = None,
    clause: Form | None = None,
) -> HttpResponse:
    """An item of a closed review: who said what, what was found, and what is made of it."""
    review = place.review
    line = queries.line_of(place)
    dimension = review.dimension
    history = adjudication.corrections(place.item, dimension)
    names = adjudication.names_of(place.item, dimension, project_id=request.project.pk)
    refusal = _why_no_correction(request, place, line)
    readable = queries.readable(review, user_id=request.user.pk).values("pk")
    positions = review.items.filter(item__in=readable).order_by("position")
    previous, following = queries.neighbours(
        list(positions.values_list("position", flat=True)), place.position
    )
    context = {
        **STEP,
        "review": review,
        "place": place,
        "line": line,
        "shown": workbench.shown_item(place.item, is_swapped=False),
        "shown_dimension": workbench.shown_dimension(dimension),
        "previous": previous,
        "following": following,
        "history": [(row, names.get(row.actor, "somebody who left")) for row in history],
        "refusal": refusal,
        "correction": None if refusal else correction or _correct_form(place, line),
        "clause": (clause or _clause_form(place)) if _may_answer(request) else None,
        "notes": place.clause_notes.select_related("guideline_version").order_by("pk"),
    }
    status = 422 if correction is not None or clause is not None else 200
    return page(request, "calibration/review_item.html", context, status=status)


def _why_no_correction(request: MemberRequest, place: ReviewItem, line: Line) -> str:
    if line.outcome not in CORRECTABLE:
        return "The review did not find the human label wrong."
    if not _may_answer(request):
        return "A lead or adjudicator corrects it."
    return adjudication.why_not_decide(place.item, user=request.user)


def _correct_form(
    place: ReviewItem, line: Line, data: QueryDict | None = None
) -> ReviewCorrectForm:
    dimension = place.review.dimension
    newest = next(iter(adjudication.corrections(place.item, dimension)), None)
    choices = workbench.shown_dimension(dimension).choices
    points = [
        (one.value, f"{one.words}: {one.anchor}" if one.anchor else one.words)
        for one in choices
        if services.tested(dimension, one.value) == line.right
    ]
    reason = next((answer.reason for answer in line.answers if answer.label == line.right), "")
    return ReviewCorrectForm(
        data,
        points=points,
        is_corrected=newest is not None and newest.state != "withdrawn",
        initial={"seen": newest.version if newest else 0, "reason": reason},
    )


def _clause_form(place: ReviewItem, data: QueryDict | None = None) -> ClauseForm:
    dimension = place.review.dimension
    version = adjudication.version_in_force(dimension) or dimension.version
    return ClauseForm(data, lines=lines_of(version.text))


def _closed_place(request: MemberRequest, review_id: int, position: int) -> ReviewItem:
    review = access.review_of(request.project, review_id)
    if review.state != ReviewState.CLOSED:
        raise NotHere("This review is still answered blind: close it first.")
    return access.review_place_of(review, position, user=request.user)


def _back(request: MemberRequest, place: ReviewItem, part: str) -> HttpResponse:
    address = reverse("review_item", args=[request.project.slug, place.review_id, place.position])
    return go(request, f"{address}#{part}")


def _found(
    request: MemberRequest, run: Any, dimensions: Sequence[Dimension]
) -> list[tuple[Dimension, int, Any]]:
    """For each dimension the differences there are to review, and the agreement."""
    if run is None:
        return []
    found = []
    for dimension in dimensions:
        cases = queries.compared(run, dimension, user_id=request.user.pk)
        found.append((dimension, sum(case.is_miss for case in cases), queries.agreement(cases)))
    return found


def _may_answer(request: MemberRequest) -> bool:
    return bool(request.membership.roles & frozenset(REVIEWERS))
