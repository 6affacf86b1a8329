"""A round by rater and by item: how well each person rates, and where they differ most."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.views.decorators.http import require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF
from annotation.models import Round
from annotation.states import RoundState
from calibration import access
from calibration.forms import DifferencesFilter, RatersFilter
from calibration.queries import agreement, differences, roundraters
from calibration.queries.differences import DifferenceLine
from calibration.queries.roundfigures import DimensionFigures, Figures
from calibration.queries.roundraters import RaterLine
from calibration.rules import slicewords
from calibration.services import roundfigures
from core import charts, filters
from core.http import page, wants_fragment

PAGE_RATERS = 50
PAGE_ITEMS = 25
UNCHANGED = 204


@door(*STAFF)
@require_safe
def raters(request: MemberRequest, round_id: int) -> HttpResponse:
    """Everybody who rates in the round: how much, how fast, and how often with the others."""
    round_ = access.round_of(request.project, round_id)
    already = _shown_already(request)
    found = _figures(request, round_)
    form = RatersFilter(request.GET)
    sort = filters.sort_of(
        request.GET.get("sort", ""), roundraters.KEYS, default=roundraters.DEFAULT_SORT
    )
    context = {**_shared(request, round_, found), "current_step": "rate", "sort": sort}
    if found is not None:
        one = found.dimension(request.GET.get("dimension", ""))
        rows = roundraters.lines(
            round_,
            found,
            dimension=one.key if one else "",
            may_see_quality=not context["is_rating"],
            now=timezone.now(),
        )
        shown = roundraters.narrowed(
            rows, text=form.asked("q"), which=form.asked("which"), sort=sort
        )
        context |= {
            "form": form,
            "one": one,
            "tabs": _tabs(found, one),
            "everybody": len(rows),
            "has_quality": any(row.quality for row in rows),
            "has_lean": any(row.lean is not None for row in rows),
            "is_live": round_.state == RoundState.OPEN,
            **_paged(request, shown, PAGE_RATERS),
        }
        listed = context["page_obj"].object_list
        context["scale"] = _scale(listed)
        context["digest"] = _digest(listed, len(shown))
        if already == context["digest"] and context["is_live"]:
            return HttpResponse(status=UNCHANGED)
    return page(
        request, "calibration/round_raters.html", context, fragment="calibration/_round_raters.html"
    )


@door(*STAFF)
@require_safe
def differing(request: MemberRequest, round_id: int) -> HttpResponse:
    """The unsealed items on which raters differ, the widest apart first."""
    round_ = access.round_of(request.project, round_id)
    found = _figures(request, round_)
    context = {**_shared(request, round_, found), "current_step": "agree"}
    if found is not None and not context["is_rating"]:
        form = DifferencesFilter(request.GET, found=found)
        shown = differences.lines(round_, found, wanted=form.wanted(), user_id=request.user.pk)
        context |= {"form": form, **_paged(request, shown, PAGE_ITEMS)}
        context["drawn"] = [_drawn(line) for line in context["page_obj"].object_list]
        context["query"] = f"?{form.asked_for()}" if form.is_narrowed else ""
        context["cut_short"] = [one for one in found.dimensions if one.differing > len(one.listed)]
    return page(
        request,
        "calibration/round_differences.html",
        context,
        fragment="calibration/_round_differences.html",
    )


@door(*STAFF)
@require_safe
def parts(request: MemberRequest, round_id: int) -> HttpResponse:
    """Pairs of raters that agree by slice of the unsealed items, and over time."""
    round_ = access.round_of(request.project, round_id)
    already = _shown_already(request)
    found = _figures(request, round_)
    context = {**_shared(request, round_, found), "current_step": "agree"}
    context["is_live"] = round_.state == RoundState.OPEN and not context["is_rating"]
    if found is not None and not context["is_rating"]:
        one = found.dimension(request.GET.get("dimension", ""))
        context |= {"one": one, "tabs": _tabs(found, one)}
        if one is not None:
            context |= {"slices": _slices(one), "picture": _trend(one)}
            context["digest"] = _digest(one.slices, one.days)
            if already == context["digest"] and context["is_live"]:
                return HttpResponse(status=UNCHANGED)
    return page(
        request, "calibration/round_parts.html", context, fragment="calibration/_round_parts.html"
    )


def _shown_already(request: MemberRequest) -> str:
    """The digest of what a poll shows already; taken out of the address, so that no link that is
    made from it carries it on."""
    asked = request.GET.copy()
    named = asked.pop("shown", [""])
    request.GET = asked  # type: ignore[assignment]
    return str(named[-1]) if wants_fragment(request) else ""


def _digest(*shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:24]


def _slices(one: DimensionFigures) -> list[tuple[str, charts.IntervalPlot]]:
    """A plot for each property that tells two slices or more apart, all on one scale."""
    found = [each for by_value in one.slices.values() for each in by_value.values()]
    scale = charts.window(found)
    return [
        (
            name,
            charts.interval_plot(
                [charts.IntervalRow(value, figure) for value, figure in by_value], scale
            ),
        )
        for name, by_value in slicewords.in_order(one.slices)
    ]


def _trend(one: DimensionFigures) -> charts.Trend | None:
    """Blocks of whole days in their order; one block is no trend."""
    if len(one.days) < 2:
        return None
    is_one_year = one.days[0][0].year == one.days[-1][0].year
    words = "j M" if is_one_year else "j M Y"
    named = [(date_format(day, words), figure) for day, figure in one.days]
    scale = charts.window([figure for _, figure in named])
    return charts.trend(named, scale, name=f"Pairs that agree over time, {one.name}")


def _figures(request: MemberRequest, round_: Round) -> Figures | None:
    return roundfigures.of_round(round_=round_, actor=request.user.actor, now=timezone.now())


def _shared(request: MemberRequest, round_: Round, found: Figures | None) -> dict[str, Any]:
    return {
        "round": round_,
        "found": found,
        "is_rating": agreement.is_still_rating(round_, user_id=request.user.pk),
    }


def _paged(request: MemberRequest, rows: list[Any], size: int) -> dict[str, Any]:
    return {"page_obj": Paginator(rows, size).get_page(request.GET.get("page"))}


def _tabs(found: Figures, one: DimensionFigures | None) -> list[dict[str, Any]]:
    if len(found.dimensions) < 2:
        return []
    return [
        {"name": each.name, "url": f"?dimension={each.key}", "is_current": each is one}
        for each in found.dimensions
    ]


def _scale(rows: list[RaterLine]) -> charts.Scale:
    """One scale for all pictures of the page."""
    return charts.window([row.quality["agreement"] for row in rows if row.quality])


def _drawn(line: DifferenceLine) -> tuple[DifferenceLine, str]:
    one = line.difference
    strip = charts.distribution_strip(one.dimension.points, {line.title: tuple(one.counts)})
    return line, strip.rows[0].svg
