"""Do people agree? The round's figures, live while it runs."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF
from annotation.models import Round
from annotation.queries.rounds import is_large
from annotation.states import RoundState
from calibration import access
from calibration.queries import agreement, differences, rerating
from calibration.queries.agreement import DimensionAgreement, RoundAgreement
from calibration.rules import readings
from calibration.services import roundfigures
from core import charts, matrices
from core.charts import IntervalRow, Scale
from core.http import page, wants_fragment

STEP = {"current_step": "agree"}
UNCHANGED = 204
LISTED_ITEMS = 8


@door(*STAFF)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """The newest round with labels; without one, what has to happen first."""
    newest = agreement.newest(project_id=request.project.pk)
    if newest is not None:
        return redirect("round_agreement", request.project.slug, newest.pk)
    return page(request, "calibration/agreement_empty.html", STEP)


@door(*STAFF)
@require_safe
def of_round(request: MemberRequest, round_id: int) -> HttpResponse:
    """Every figure of one round. A poll that already shows this state gets nothing new."""
    round_ = access.round_of(request.project, round_id)
    if is_large(round_):
        kept = _kept(request, round_)
        digest = kept.digest if kept else ""
    else:
        kept, digest = None, agreement.state_now(round_)
    if wants_fragment(request) and _is_shown(request, round_, digest):
        return HttpResponse(status=UNCHANGED)
    context = {
        **STEP,
        "round": round_,
        "others": agreement.rounds_with_labels(project_id=request.project.pk),
    }
    if digest:
        found = kept or agreement.of_round(round_, digest=digest)
        context |= {**_drawn(request, round_, found), "found": found}
    return page(
        request, "calibration/agreement.html", context, fragment="calibration/_agreement.html"
    )


@door(*STAFF)
@require_safe
def now(request: MemberRequest, round_id: int) -> HttpResponse:
    """Alpha by dimension for the round's own page, which stands in a room below."""
    round_ = access.round_of(request.project, round_id)
    if not wants_fragment(request):
        return redirect("round_agreement", request.project.slug, round_.pk)
    if is_large(round_):
        # Resampling so many labels takes long: the agreement page is where one waits for it.
        return page(request, "calibration/_agreement_now.html", {"round": round_})
    digest = agreement.state_of(round_)
    if _is_shown(request, round_, digest):
        return HttpResponse(status=UNCHANGED)
    found = agreement.of_round(round_, digest=digest)
    context = {
        "round": round_,
        "found": found,
        "alphas": _alphas(found, links=False),
        "is_live": round_.state == RoundState.OPEN,
    }
    return page(request, "calibration/_agreement_now.html", context)


def _kept(request: MemberRequest, round_: Round) -> RoundAgreement | None:
    """What a job made of a large round: nobody waits for so many labels to be resampled."""
    found = roundfigures.agreement_of(round_=round_, actor=request.user.actor, now=timezone.now())
    if found is not None:
        agreement.keep(round_, found)
    return found


def _is_shown(request: MemberRequest, round_: Round, digest: str) -> bool:
    """The page shows this state already; a round that is over is drawn once more, for good."""
    return round_.state == RoundState.OPEN and request.GET.get("shown") == digest


def _drawn(request: MemberRequest, round_: Round, found: RoundAgreement) -> dict[str, Any]:
    one = found.dimension(request.GET.get("dimension", ""))
    is_rating = agreement.is_still_rating(round_, user_id=request.user.pk)
    may_see_parts = found.items > found.sealed_items and not is_rating
    drawn: dict[str, Any] = {
        "one": one,
        "alphas": _alphas(found),
        "tabs": _tabs(found, one),
        "raters": agreement.rater_count(round_),
        "moved": rerating.labels_moved(round_, digest=found.digest),
        "may_see_parts": may_see_parts,
        "is_rating": is_rating,
        "is_live": round_.state == RoundState.OPEN,
    }
    if one is not None and may_see_parts:
        drawn["pairs"] = _pairs(one)
        drawn["uses"] = charts.distribution_strip(one.points, one.uses) if one.uses else None
        drawn["listed"] = differences.first(
            round_, found, most=LISTED_ITEMS, user_id=request.user.pk
        )
    return drawn


def _alphas(found: RoundAgreement, *, links: bool = True) -> charts.IntervalPlot:
    """Alpha of each dimension; the line at .667, reliable from .8."""
    rows = []
    for one in found.dimensions:
        alpha = one.summary["alpha"]
        reading = readings.of_alpha(alpha["value"])
        rows.append(
            IntervalRow(
                one.name,
                alpha,
                href=f"?dimension={one.key}" if links and len(found.dimensions) > 1 else "",
                badge_kind=reading.kind if reading else "",
                badge=reading.word if reading else "",
            )
        )
    scale = Scale(
        low=_floor(found),
        high=1.0,
        target=readings.TENTATIVE,
        ceiling=readings.RELIABLE,
        target_name="tentative from",
        ceiling_name="reliable",
    )
    return charts.interval_plot(rows, scale)


def _floor(found: RoundAgreement) -> float:
    """Where the axis begins: 0, or .3 when every interval lies above .4."""
    lows = [
        bound
        for one in found.dimensions
        for bound in [one.summary["alpha"]["value"], *(one.summary["alpha"]["interval"] or [])]
        if bound is not None
    ]
    return 0.3 if lows and min(lows) >= 0.4 else 0.0


def _tabs(found: RoundAgreement, one: DimensionAgreement | None) -> list[dict[str, Any]]:
    if len(found.dimensions) < 2:
        return []
    return [
        {"name": each.name, "url": f"?dimension={each.key}", "is_current": each is one}
        for each in found.dimensions
    ]


def _pairs(one: DimensionAgreement) -> matrices.Matrix | None:
    if not one.kappa:
        return None
    names = sorted({pair[side] for pair in one.kappa for side in ("a", "b")})
    values = {(pair["a"], pair["b"]): pair for pair in one.kappa}
    return matrices.rater_matrix(names, values)
