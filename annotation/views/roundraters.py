"""A lead's acts on who rates in a running round and what: one rater's page, and more items."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from annotation import access
from annotation.forms.refusals import add_refusal, demand_valid, status_of
from annotation.forms.roundraters import (
    HandBackForm,
    KeepForm,
    MoreItemsForm,
    QuotaForm,
    RemoveForm,
)
from annotation.models import Assignment, Round, RoundRater
from annotation.queries import changes, kept
from annotation.services import handing, laying, removing, roundacts
from annotation.states import Part
from core.counting import counted
from core.errors import DomainError
from core.http import go, page, posted, wants_fragment
from core.models import JobState
from core.words import number_of

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "rate"}


@door(Role.LEAD)
@require_http_methods(("GET", "HEAD"))
def show(request: MemberRequest, round_id: int, rater_id: int) -> HttpResponse:
    """One rater in one round: what they did and hold, and what can be done about it."""
    member = access.round_rater_of(request.project, round_id, rater_id)
    return _show(request, member, QuotaForm(initial={"quota": member.quota}))


@door(Role.LEAD)
@require_POST
def quota(request: MemberRequest, round_id: int, rater_id: int) -> HttpResponse:
    """How many items the rater is given at most."""
    member = access.round_rater_of(request.project, round_id, rater_id)
    form = QuotaForm(request.POST)
    if form.is_valid():
        try:
            handing.change_quota(
                round_id=member.round_id,
                rater_id=member.rater_id,
                quota=form.cleaned_data["quota"],
                by=request.user,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "The quota is kept.")
            return go(request, "round_rater", request.project.slug, round_id, rater_id)
    return _show(request, member, form)


@door(Role.LEAD)
@require_POST
def hand_back(request: MemberRequest, round_id: int, rater_id: int) -> HttpResponse:
    """Give what the rater holds to the others, or to one of them."""
    member = access.round_rater_of(request.project, round_id, rater_id)
    form = _hand_back_form(request, member, changes.held_by(member), data=request.POST)
    to = form.cleaned_data["to"] if form.is_valid() else None
    try:
        demand_valid(form)
        handing.hand_back(
            round_id=member.round_id,
            rater_id=member.rater_id,
            to=None if to is None else to.pk,
            by=request.user,
            now=timezone.now(),
        )
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
    else:
        where = "open to the others" if to is None else f"kept for {to.name}"
        messages.success(request, f"The item is {where}; the draft stays.")
    return go(request, "round_rater", request.project.slug, round_id, rater_id)


@door(Role.LEAD)
@require_POST
def keep(request: MemberRequest, round_id: int, item_id: int) -> HttpResponse:
    """Keep a free slot of the item for one rater."""
    place = access.round_item_of(request.project, round_id, item_id)
    form = KeepForm(
        request.POST, raters=kept.raters_for(place.round, item_id, user_id=request.user.pk)
    )
    try:
        demand_valid(form)
        rater = form.cleaned_data["rater"]
        handing.keep_for(
            round_id=place.round_id,
            item_id=place.item_id,
            rater_id=rater.pk,
            by=request.user,
            now=timezone.now(),
        )
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, f"Kept for {rater.name}, who is told; it comes next to them.")
    return go(request, "round_item", request.project.slug, round_id, item_id)


@door(Role.LEAD)
@require_POST
def let_go(request: MemberRequest, round_id: int, assignment_id: int) -> HttpResponse:
    """What is kept for a rater is open to everybody; back to the page that it was asked from."""
    found = access.round_of(request.project, round_id)
    row = access.kept_slot_of(found, assignment_id)
    try:
        handing.let_go(round_id=found.pk, assignment_id=row.pk, by=request.user)
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, "It is open to everybody.")
    if request.POST.get("back") == "rater" and row.kept_for_id is not None:
        return go(request, "round_rater", request.project.slug, found.pk, row.kept_for_id)
    return go(request, "round_item", request.project.slug, found.pk, row.item_id)


@door(Role.LEAD)
@require_http_methods(PAGE)
def remove(request: MemberRequest, round_id: int, rater_id: int) -> HttpResponse:
    """Says what would happen, asks what becomes of the answers, and why."""
    member = access.round_rater_of(request.project, round_id, rater_id)
    part = changes.part_of(member, user_id=request.user.pk)
    form = RemoveForm(posted(request), answers=part.answers)
    if request.method == "POST" and form.is_valid():
        try:
            withdrawn = removing.remove_rater(
                round_id=member.round_id,
                rater_id=member.rater_id,
                keep_answers=form.keeps_answers,
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            answers = number_of(withdrawn, "answer")
            more = f" {answers} withdrawn." if withdrawn else ""
            messages.success(request, f"{member.rater.name} is out of the round.{more}")
            return go(request, "round_changes", request.project.slug, round_id)
    context = {**_about(member), "form": form, "part": part}
    return page(request, "annotation/round_rater_remove.html", context, status=status_of(form))


@door(Role.LEAD)
@require_http_methods(PAGE)
def add_items(request: MemberRequest, round_id: int) -> HttpResponse:
    """More items of the round's dataset; where they are many, how far they are in."""
    found = access.round_of(request.project, round_id)
    job = laying.laying_of(found)
    context: dict[str, Any] = {
        **STEP,
        "round": found,
        "job": job,
        "is_failed": job is not None and job.state == JobState.FAILED,
        "is_polled": wants_fragment(request),
        "refusal": roundacts.refusal_of(found),
    }
    form = None
    if request.method == "POST" or job is None:
        addable = _addable(found)
        form = MoreItemsForm(posted(request), addable=addable)
        context |= {"form": form, "addable": sum(addable.values())}
    if form is not None and request.method == "POST" and form.is_valid():
        try:
            count = laying.add_items(
                round_id=found.pk,
                parts=form.chosen_parts(),
                sample=form.cleaned_data["sample"],
                by=request.user,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            return _added(request, found, count)
    status = 200 if form is None else status_of(form)
    return page(
        request,
        "annotation/round_items_add.html",
        context,
        fragment="annotation/_round_laying.html",
        status=status,
    )


@door(Role.LEAD)
@require_POST
def lay_again(request: MemberRequest, round_id: int) -> HttpResponse:
    """Begin anew where adding items failed."""
    found = access.round_of(request.project, round_id)
    try:
        laying.lay_again(round_id=found.pk, by=request.user)
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
    return go(request, "round_items_add", request.project.slug, found.pk)


def _show(request: MemberRequest, member: RoundRater, form: QuotaForm) -> HttpResponse:
    part = changes.part_of(member, user_id=request.user.pk)
    context = {
        **_about(member),
        "form": form,
        "part": part,
        "hand_back": _hand_back_form(request, member, part.held),
        "kept": kept.of_rater(member, user_id=request.user.pk),
    }
    return page(request, "annotation/round_rater.html", context, status=status_of(form))


def _hand_back_form(
    request: MemberRequest,
    member: RoundRater,
    held: Assignment | None,
    *,
    data: QueryDict | None = None,
) -> HandBackForm:
    raters = kept.raters_instead(member, held, user_id=request.user.pk)
    return HandBackForm(data, raters=raters)


def _about(member: RoundRater) -> dict[str, Any]:
    return {
        **STEP,
        "round": member.round,
        "member": member,
        "refusal": roundacts.refusal_of(member.round),
    }


def _addable(found: Round) -> dict[Part, int]:
    """Counting a large dataset takes a while: it is not done for each look."""
    return counted(f"addable/{found.pk}", lambda: laying.addable(found)).value


def _added(request: MemberRequest, found: Round, count: int) -> HttpResponse:
    slug = request.project.slug
    if count > laying.AT_ONCE:
        messages.success(request, f"{count:,} items are being added.")
        return go(request, "round_items_add", slug, found.pk)
    messages.success(request, f"{number_of(count, 'item')} added to the round.")
    return go(request, "round", slug, found.pk)
