"""Versions of a judge side by side on the development part."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF
from annotation.states import GuidelineForm
from calibration.queries import versions
from core import charts
from core.http import page
from judges import access as judges_access
from judges.queries import policies

STEP = {"current_step": "judge"}


@door(*STAFF)
@require_safe
def side_by_side(request: MemberRequest, judge_id: int) -> HttpResponse:
    """One row a version; the lever that differs from the first is named."""
    judge = judges_access.judge_of(request.project, judge_id)
    newest = judge.versions.order_by("number").last()
    names = dict(newest.guideline_version.dimensions.values_list("key", "name")) if newest else {}
    asked = request.GET.get("dimension", "")
    dimension = asked if asked in names else next(iter(names), "")
    first = request.GET.get("first", "")
    rows = versions.side_by_side(
        judge,
        dimension=dimension,
        first_id=int(first) if first.isdecimal() and len(first) < 16 else None,
        user_id=request.user.pk,
    )
    context = {
        **STEP,
        "judge": judge,
        "names": list(names.items()),
        "dimension": dimension,
        "rows": rows,
        "first": next((row for row in rows if row.difference is None), None),
        "has_orders": judge.guideline.form == GuidelineForm.PAIRWISE,
        "scale": charts.Scale(0.5, 1.0, target=policies.current(request.project.pk).gate.target),
        "is_simulated": any(row.version.is_simulated for row in rows),
    }
    return page(request, "calibration/judge_compare.html", context)
