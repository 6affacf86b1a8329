"""A lead at work on a running round: reports, an item withdrawn or corrected, what changed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation import access
from annotation.forms.rating import FLAG_REASONS, SKIP_REASONS
from annotation.forms.refusals import add_refusal, status_of
from annotation.forms.roundacts import (
    ChangesFilter,
    CorrectForm,
    ReportsFilter,
    SettleForm,
    WithdrawForm,
)
from annotation.forms.roundraters import KeepForm
from annotation.models import RoundItem
from annotation.queries import changes, kept, reports
from annotation.queries.sight import sight_on
from annotation.services import correcting, removing, roundacts, settling, withdrawing
from core.errors import DomainError
from core.http import go, page, posted
from core.words import number_of

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "rate"}
WAS, BECOMES = {"number": "the old text"}, {"number": "the new text"}
PLAIN = (*SKIP_REASONS, *FLAG_REASONS)


@door(Role.LEAD)
@require_safe
def index(request: MemberRequest, round_id: int) -> HttpResponse:
    """What raters report of the round's items, to be settled."""
    found = access.round_of(request.project, round_id)
    form = ReportsFilter(request.GET)
    listed = reports.page(
        found,
        wanted=form.wanted(),
        number=request.GET.get("page"),
        user_id=request.user.pk,
        plain=PLAIN,
    )
    context = {
        **STEP,
        "round": found,
        "form": form,
        "page_obj": listed,
        "is_settled": form.asked("kind") == "settled",
        "waiting": reports.count(found),
    }
    return page(
        request, "annotation/round_reports.html", context, fragment="annotation/_round_reports.html"
    )


@door(Role.LEAD)
@require_http_methods(PAGE)
def item(request: MemberRequest, round_id: int, item_id: int) -> HttpResponse:
    """One item of a round, what was said of it, and what can be done; the form settles."""
    place = access.round_item_of(request.project, round_id, item_id)
    form = SettleForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            settling.settle(
                round_id=place.round_id,
                item_id=place.item_id,
                note=form.cleaned_data["note"],
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "Settled: nothing is wrong with the item.")
            return go(request, "round_reports", request.project.slug, place.round_id)
    context = _about(request, place)
    report = reports.of_place(place, sight=context["sight"], plain=PLAIN)
    context |= {
        "form": form,
        "report": report,
        "shown": reports.shown(place, context["sight"]),
        "is_waiting": reports.is_waiting(place),
        "holding": changes.holding(place),
        "kept": kept.of_place(place, user_id=request.user.pk),
        "keep_form": KeepForm(
            raters=kept.raters_for(place.round, place.item_id, user_id=request.user.pk)
        ),
        "successor_id": changes.successor_of(place.item_id),
    }
    return page(request, "annotation/round_item.html", context, status=status_of(form))


@door(Role.LEAD)
@require_http_methods(PAGE)
def withdraw(request: MemberRequest, round_id: int, item_id: int) -> HttpResponse:
    """Says what would happen, and asks why."""
    place = access.round_item_of(request.project, round_id, item_id)
    form = WithdrawForm(posted(request), is_flagged=reports.is_flagged(place))
    if request.method == "POST" and form.is_valid():
        try:
            withdrawing.withdraw_item(
                round_id=place.round_id,
                item_id=place.item_id,
                reason=form.cleaned_data["reason"],
                note=form.word_back(),
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "The item is out of the round. You can take it back.")
            return go(request, "round_changes", request.project.slug, place.round_id)
    context = {**_about(request, place), "form": form, "holding": changes.holding(place)}
    return page(request, "annotation/round_withdraw.html", context, status=status_of(form))


@door(Role.LEAD)
@require_http_methods(PAGE)
def correct(request: MemberRequest, round_id: int, item_id: int) -> HttpResponse:
    """Mend the item's texts: first the difference is shown, then it is done."""
    place = access.round_item_of(request.project, round_id, item_id)
    context = _about(request, place)
    if context["refusal"] or reports.shown(place, context["sight"]) is None:
        return page(request, "annotation/round_correct.html", context)
    form = CorrectForm(
        posted(request),
        item=place.item,
        answers=changes.holding(place).answers,
        is_flagged=reports.is_flagged(place),
        is_drawn=changes.prompt_is_drawn(place.item),
        shows_reference=context["sight"].shows_reference(place.item_id),
    )
    context["form"] = form
    if request.method == "POST" and form.is_valid():
        context |= {"differences": form.differences(), "was": WAS, "becomes": BECOMES}
        if form.is_looked_at:
            try:
                made = _corrected(request, place, form)
            except DomainError as refusal:
                add_refusal(form, refusal)
            else:
                _tell(request, form, made)
                return go(request, "round_item", request.project.slug, round_id, made.item_id)
        else:
            form.mark_looked_at()
    return page(request, "annotation/round_correct.html", context, status=status_of(form))


@door(*STAFF)
@require_safe
def changed(request: MemberRequest, round_id: int) -> HttpResponse:
    """What was taken out of the round and corrected in it: who, when, why."""
    found = access.round_of(request.project, round_id)
    form = ChangesFilter(request.GET)
    listed = changes.page(
        found, wanted=form.wanted(), number=request.GET.get("page"), user_id=request.user.pk
    )
    context = {
        **STEP,
        "round": found,
        "form": form,
        "page_obj": listed,
        "refusal": roundacts.refusal_of(found),
    }
    return page(
        request, "annotation/round_changes.html", context, fragment="annotation/_round_changes.html"
    )


@door(Role.LEAD)
@require_http_methods(PAGE)
def take_back(request: MemberRequest, round_id: int, withdrawal_id: int) -> HttpResponse:
    """Says what comes back, and asks once."""
    made = access.withdrawal_of(request.project, round_id, withdrawal_id)
    form = Form(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            if made.item_id is not None:
                answers = withdrawing.take_back_item(
                    withdrawal_id=made.pk, by=request.user, now=timezone.now()
                )
                told = f"The item is back, with {number_of(answers, 'answer')}."
            else:
                back = removing.take_back_rater(
                    withdrawal_id=made.pk, by=request.user, now=timezone.now()
                )
                told = _words(back)
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, told)
            return go(request, "round_changes", request.project.slug, round_id)
    context: dict[str, Any] = {
        **STEP,
        "round": made.round,
        "made": made,
        "form": form,
        "answers": changes.answers_of(made),
        "refusal": roundacts.refusal_of(made.round),
    }
    if made.item is not None:
        sight = sight_on([made.item.pk], project_id=request.project.pk, user_id=request.user.pk)
        context["title"] = sight.title_of(made.item)
    return page(request, "annotation/round_take_back.html", context, status=status_of(form))


def _about(request: MemberRequest, place: RoundItem) -> dict[str, Any]:
    """What every page about an item of a round shows."""
    sight = sight_on([place.item_id], project_id=request.project.pk, user_id=request.user.pk)
    return {
        **STEP,
        "round": place.round,
        "place": place,
        "item": place.item,
        "sight": sight,
        "title": sight.title_of(place.item),
        "is_closed_to": not sight.shows_texts(place.item_id),
        "refusal": roundacts.refusal_of(place.round),
    }


def _corrected(request: MemberRequest, place: RoundItem, form: CorrectForm) -> correcting.Corrected:
    return correcting.correct(
        round_id=place.round_id,
        item_id=place.item_id,
        texts=form.asked_texts(),
        keep_answers=form.keeps_answers,
        reason=form.cleaned_data["reason"],
        note=form.word_back(),
        seen=form.cleaned_data["seen"],
        by=request.user,
        now=timezone.now(),
    )


def _tell(request: MemberRequest, form: CorrectForm, made: correcting.Corrected) -> None:
    answers = number_of(made.answers, "answer")
    if form.keeps_answers:
        told = f"Corrected. {answers} stay with the item."
    else:
        told = f"This item took the old one's place. {answers} stay as history with the old one."
    messages.success(request, told if made.answers else "Corrected.")


def _words(back: removing.TakenBack) -> str:
    told = f"The rater is back, with {number_of(back.answers, 'answer')}."
    if back.lost:
        lost = number_of(back.lost, "answer")
        told += f" {lost} stay out: others have their places by now."
    return told
