"""Gold items for the lead: the list, the labels of one, and taking one back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from annotation import access
from annotation.forms.gold import GoldForm, TakeBackForm
from annotation.forms.lists import GoldFilter
from annotation.forms.refusals import add_refusal, status_of
from annotation.models import GuidelineVersion, Item
from annotation.queries import gold as queries
from annotation.queries import workbench
from annotation.queries.sight import sight_on
from annotation.services import gold as services
from annotation.states import GuidelineForm, ItemKind
from core.errors import DomainError
from core.http import go, page, posted

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "rate"}


@door(Role.LEAD)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """The gold items of the project, with their labels."""
    form = GoldFilter(request.GET)
    context = {
        **STEP,
        "form": form,
        "is_blind": _is_blind(request),
        "page_obj": queries.golds_page(
            project_id=request.project.pk, text=form.asked("q"), number=request.GET.get("page")
        ),
    }
    return page(request, "annotation/gold.html", context, fragment="annotation/_gold_items.html")


@door(Role.LEAD)
@require_http_methods(PAGE)
def item(request: MemberRequest, item_id: int) -> HttpResponse:
    """Fix an item's labels, or change them."""
    found = access.item_of(request.project, item_id)
    offered = queries.versions_for(project_id=request.project.pk, form=_form_of(found))
    version = _chosen(offered, request.GET.get("version", ""))
    context: dict[str, Any] = {**STEP, "item": found, "versions": offered, "version": version}
    if version is None:
        return page(request, "annotation/item_gold.html", context)
    seen = sight_on([found.pk], project_id=request.project.pk, user_id=request.user.pk)
    if not seen.shows_texts(found.pk):
        return page(request, "annotation/item_gold.html", context | {"is_closed_to": True})
    gold = queries.gold_of_item(item=found, version=version)
    if gold is not None and _is_blind(request):
        return page(request, "annotation/item_gold.html", context | {"is_blind": True})
    form = GoldForm(
        posted(request),
        dimensions=[workbench.shown_dimension(one) for one in version.dimensions.all()],
        gold=gold,
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.make(
                item_id=found.pk,
                version=version,
                labels=form.labels(),
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
        except DomainError as refusal:
            form.add_refusal(refusal)
        else:
            messages.success(request, "The gold labels are kept.")
            return go(request, "gold", request.project.slug)
    context |= {
        "form": form,
        "gold": gold,
        "history": queries.history(gold) if gold else [],
        "shown": workbench.shown_item(found, is_swapped=False),
    }
    return page(request, "annotation/item_gold.html", context, status=status_of(form))


@door(Role.LEAD)
@require_http_methods(PAGE)
def take_back(request: MemberRequest, gold_id: int) -> HttpResponse:
    """Asks once, and why."""
    found = access.gold_of(request.project, gold_id)
    form = TakeBackForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            is_back = services.take_back(
                gold_id=found.pk,
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            where = "is back in its part" if is_back else "stays outside both parts"
            messages.success(request, f"Taken back. The item {where}.")
            return go(request, "gold", request.project.slug)
    context = {**STEP, "gold": found, "form": form}
    return page(request, "annotation/gold_take_back.html", context, status=status_of(form))


def _is_blind(request: MemberRequest) -> bool:
    return queries.may_be_given(project_id=request.project.pk, user_id=request.user.pk)


def _form_of(found: Item) -> str:
    is_pair = found.kind == ItemKind.PAIR
    return GuidelineForm.PAIRWISE if is_pair else GuidelineForm.POINTWISE


def _chosen(offered: list[GuidelineVersion], asked: str) -> GuidelineVersion | None:
    """The version that was asked for, else the first."""
    return next((one for one in offered if str(one.pk) == asked), offered[0] if offered else None)
