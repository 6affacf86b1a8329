"""Items on which raters differ, one at a time, and a named person's word on contested ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation.access import dataset_of
from annotation.forms.adjudication import ContestedFilterForm, WordForm
from annotation.forms.refusals import add_refusal, status_of
from annotation.models import Dimension, Item, ReferenceLabel, Round
from annotation.queries import adjudication as queries
from annotation.queries import workbench
from annotation.queries.adjudication import Opinion
from annotation.services import adjudication as services
from annotation.services import gold
from calibration import access
from calibration.forms import DifferencesFilter
from calibration.queries import agreement, differences
from calibration.services import roundfigures
from core.errors import DomainError, NotAllowed, NotHere
from core.http import go, page, posted

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "agree"}
ALREADY = "You read the contested items of this sealed part already."


@door(*STAFF)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """What raters left contested and waits for a decision."""
    form = _filter(request)
    rows = _rows(request, form)
    shown = queries.window(rows, after=_number(request.GET.get("after", "")))
    asked = request.GET.copy()
    asked["after"] = str(shown.after)
    context = {
        **STEP,
        "form": form,
        "window": shown,
        "next_address": f"?{asked.urlencode()}" if shown.after else "",
        "is_begun": bool(_number(request.GET.get("after", ""))),
        "query": _query(request),
        "may_decide": _adjudicates(request),
        "sealed": queries.sealed_waiting(project_id=request.project.pk, user=request.user)
        if _adjudicates(request)
        else [],
    }
    return page(
        request, "calibration/adjudication.html", context, fragment="calibration/_contested.html"
    )


@door(Role.ADJUDICATOR)
@require_POST
def read_sealed(request: MemberRequest, dataset_id: int) -> HttpResponse:
    """Read the contested items of a sealed part from now on."""
    found = dataset_of(request.project, dataset_id)
    if found.is_open:
        raise NotHere("This dataset has no sealed part.")
    is_new = services.read_sealed(sealed_set=found.sealed_set, by=request.user)
    told = "You read the contested items of this sealed part from now on." if is_new else ALREADY
    messages.success(request, told)
    return go(request, "adjudication", request.project.slug)


@door(*STAFF)
@require_http_methods(PAGE)
def one(request: MemberRequest, label_id: int) -> HttpResponse:
    """One contested item: what everybody said, and the form that decides it."""
    label, dimension = access.contested_of(
        request.project, label_id, user=request.user, is_adjudicator=_adjudicates(request)
    )
    rows = _rows(request, _filter(request))
    before, behind = queries.beside(rows, label.pk)
    query = _query(request)
    first, second = (
        reverse("adjudicate", args=[request.project.slug, pk]) + query if pk else ""
        for pk in (before, behind)
    )
    home = reverse("adjudication", args=[request.project.slug]) + query
    context = {
        "previous": first,
        "following": second,
        "home": home,
        "opinions": queries.opinions(label.item, dimension),
    }
    return _page(request, label.item, dimension, context, then=second or home)


@door(*STAFF)
@require_http_methods(PAGE)
def of_round(request: MemberRequest, round_id: int, item_id: int, key: str) -> HttpResponse:
    """One item of a round on which its raters differ, with its neighbours in the list."""
    round_ = access.round_of(request.project, round_id)
    if agreement.is_still_rating(round_, user_id=request.user.pk):
        raise NotAllowed("You rate in this round yourself: its differences are shown at its end.")
    item, dimension = access.differing_of(round_, item_id, key, user=request.user)
    home = reverse("round_differences", args=[request.project.slug, round_.pk]) + _query(request)
    beside = _beside(request, round_, (item.pk, key))
    context = {
        "round": round_,
        "previous": beside[0],
        "following": beside[1],
        "home": home,
        "opinions": queries.opinions_of_round(item, dimension, round_.pk),
    }
    return _page(request, item, dimension, context, then=beside[1] or home)


@door(Role.LEAD)
@require_POST
def make_gold(request: MemberRequest, label_id: int) -> HttpResponse:
    """Make a gold item of an item that a person decided, with the labels decided so far."""
    label, dimension = access.contested_of(
        request.project, label_id, user=request.user, is_adjudicator=False
    )
    version = queries.version_in_force(dimension)
    decided = queries.decided_points(label.item, dimension)
    if version is None or not decided:
        raise NotHere("Nothing of this item was decided by a guideline that is in force.")
    try:
        gold.make(
            item_id=label.item_id,
            version=version,
            labels={key: one.point for key, one in decided.items()},
            reason=next(iter(decided.values())).reason,
            by=request.user,
        )
    except DomainError as refusal:
        messages.error(request, refusal.sentence)
        return go(request, "adjudicate", request.project.slug, label.pk)
    messages.success(request, "Made gold, with the decided labels. It can be taken back there.")
    return go(request, "gold", request.project.slug)


def _page(
    request: MemberRequest,
    item: Item,
    dimension: Dimension,
    context: dict[str, Any],
    *,
    then: str,
) -> HttpResponse:
    """The page of one item; a decision that is taken leads on to `then`."""
    before = queries.adjudicated(item, dimension)
    computed = queries.computed(item, dimension)
    refusal = _refusal(request, item, before, computed)
    shown = workbench.shown_dimension(dimension)
    form = WordForm(posted(request), dimension=shown, before=before)
    if request.method == "POST":
        if not _adjudicates(request):
            raise NotAllowed("This page is for the project's adjudicators.")
        if form.is_valid() and _decided(request, item, dimension, form):
            messages.success(request, "Kept: the decision, your name and the reason.")
            return go(request, then)
        before = queries.adjudicated(item, dimension)
        form.data = {**form.data.dict(), "seen": before.version if before else 0}  # type: ignore[attr-defined]
    full = {
        **STEP,
        **context,
        "item": item,
        "dimension": dimension,
        "shown_dimension": shown,
        "shown": workbench.shown_item(item, is_swapped=False),
        "counts": _counts(context["opinions"], shown),
        "computed": computed,
        "before": before,
        "history": _history(request, item, dimension),
        "form": None if refusal else form,
        "refusal": refusal,
        "gold_label": _gold_label(request, item, before, computed),
    }
    return page(request, "calibration/disagreement.html", full, status=status_of(form))


def _history(
    request: MemberRequest, item: Item, dimension: Dimension
) -> list[tuple[ReferenceLabel, str]]:
    """Every decision with the name of who took it, the newest first."""
    names = queries.names_of(item, dimension, project_id=request.project.pk)
    rows = queries.history(item, dimension)
    return [(row, names.get(row.actor, "somebody who left")) for row in rows]


def _decided(request: MemberRequest, item: Item, dimension: Dimension, form: WordForm) -> bool:
    try:
        services.decide(
            item_id=item.pk,
            dimension=dimension,
            label=form.cleaned_data["label"],
            reason=form.cleaned_data["reason"],
            seen=form.cleaned_data["seen"],
            by=request.user,
        )
    except DomainError as refusal:
        add_refusal(form, refusal)
        return False
    return True


def _refusal(
    request: MemberRequest,
    item: Item,
    before: ReferenceLabel | None,
    computed: ReferenceLabel | None,
) -> str:
    """Why there is no form to decide by, in a sentence."""
    if before is None and computed is None:
        return "Its ratings are not all in yet, so there is nothing to decide."
    if before is None and computed is not None and computed.state != "contested":
        return "The raters' labels settle this item."
    if not _adjudicates(request):
        return "An adjudicator of the project decides it."
    return queries.why_not_decide(item, user=request.user)


def _gold_label(
    request: MemberRequest,
    item: Item,
    before: ReferenceLabel | None,
    computed: ReferenceLabel | None,
) -> int:
    """The label by which a lead makes the decided item gold; 0 where that is not offered."""
    is_decided = before is not None and before.state == "decided" and computed is not None
    if not is_decided or Role.LEAD not in request.membership.roles or item.part == "sealed":
        return 0
    assert computed is not None
    return computed.pk if computed.state == "contested" else 0


def _counts(opinions: Sequence[Opinion], shown: workbench.ShownDimension) -> list[tuple[str, int]]:
    """How many gave each label, in the order of the scale."""
    given = [one.label for one in opinions]
    return [
        (choice.words, given.count(choice.value))
        for choice in shown.choices
        if choice.value in given
    ]


def _beside(request: MemberRequest, round_: Round, now: tuple[int, str]) -> tuple[str, str]:
    """Where the list of the round leads from here: back and on, "" at its ends."""
    found = roundfigures.of_round(round_=round_, actor=request.user.actor, now=timezone.now())
    if found is None:
        return "", ""
    form = DifferencesFilter(request.GET, found=found)
    listed = differences.lines(round_, found, wanted=form.wanted(), user_id=request.user.pk)
    places = [(line.difference.item_id, line.difference.dimension.key) for line in listed]
    if now not in places:
        return "", ""
    at = places.index(now)
    near = [places[to] if 0 <= to < len(places) else None for to in (at - 1, at + 1)]
    query = _query(request)
    first, second = (
        reverse("round_difference", args=[request.project.slug, round_.pk, *place]) + query
        if place
        else ""
        for place in near
    )
    return first, second


def _filter(request: MemberRequest) -> ContestedFilterForm:
    return ContestedFilterForm(request.GET, keys=queries.dimension_keys(request.project.pk))


def _rows(request: MemberRequest, form: ContestedFilterForm) -> Any:
    return queries.contested(
        project_id=request.project.pk,
        user=request.user,
        wanted=form.wanted(),
        is_adjudicator=_adjudicates(request),
    )


def _adjudicates(request: MemberRequest) -> bool:
    return Role.ADJUDICATOR in request.membership.roles


def _query(request: MemberRequest) -> str:
    """What the list is narrowed by, to be kept from page to page."""
    kept = {name: value for name, value in request.GET.items() if value and name != "after"}
    kept.pop("page", None)
    return f"?{urlencode(kept)}" if kept else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
