"""What is the human label? Each item's by every method, and how many are left open."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF
from annotation.models import Dimension
from calibration.forms import ReferenceFilter
from calibration.queries import referencefigures as queries
from calibration.queries.referencefigures import Subject
from calibration.services import referencefigures
from core import charts
from core.charts import IntervalRow, Scale
from core.http import page

STEP = {"current_step": "agree"}
NAMES = {"plurality": "Plurality", "median": "Median", "dawid_skene": "Dawid–Skene"}
MOST_CONTESTED = 0.1


@door(*STAFF)
@require_safe
def show(request: MemberRequest) -> HttpResponse:
    """One dataset by one meaning of a guideline, a dimension at a time."""
    offered = queries.subjects(request.project.pk)
    if not offered:
        return page(request, "calibration/reference.html", STEP)
    form = ReferenceFilter(request.GET, subjects=offered)
    subject = form.chosen()
    found = referencefigures.of_subject(
        subject=subject, actor=request.user.actor, now=timezone.now()
    )
    context: dict[str, Any] = {**STEP, "form": form, "subject": subject, "is_there": True}
    if found is not None:
        context |= _figures(request, form, subject, found[0]) | {"made_at": found[1]}
    return page(
        request, "calibration/reference.html", context, fragment="calibration/_reference.html"
    )


def _figures(
    request: MemberRequest, form: ReferenceFilter, subject: Subject, content: dict[str, Any]
) -> dict[str, Any]:
    dimensions = queries.dimensions(subject)
    asked = request.GET.get("dimension", "")
    made = {each["key"]: each for each in content["dimensions"]}
    # A dimension that a job did not know yet has its figures with the next ones.
    dimensions = [each for each in dimensions if each.key in made]
    one = next((each for each in dimensions if each.key == asked), None) or next(
        iter(dimensions), None
    )
    if one is None:
        return {}
    kept = made[one.key]
    after = _number(request.GET.get("after", ""))
    rows, following = queries.rows(
        subject,
        one,
        kept,
        text=form.asked("q"),
        state=form.asked("state"),
        after=after,
        user_id=request.user.pk,
    )
    query = request.GET.copy()
    query["after"] = str(following)
    decided = queries.adjudicated_counts(subject, one.key)
    return {
        "one": one,
        "kept": kept,
        "tabs": _tabs(request, dimensions, one),
        "plot": _plot(kept),
        "rows": rows,
        "next_address": f"?{query.urlencode()}" if following else "",
        "is_begun": bool(after),
        "adjudicated": decided,
        "settled": decided.get("decided", 0) + decided.get("not_applicable", 0),
        "sealed": queries.sealed_counts(subject, one.key),
        "methods": [(key, name) for key, name in NAMES.items() if key in kept["methods"]],
    }


def _plot(kept: Any) -> charts.IntervalPlot:
    """The share that each method leaves contested; the line at what a gate takes."""
    rows = [
        IntervalRow(NAMES[name], found["contested_share"])
        for name, found in kept["methods"].items()
    ]
    scale = Scale(low=0.0, high=1.0, target=MOST_CONTESTED, target_name="a gate takes")
    return charts.interval_plot(rows, scale)


def _tabs(
    request: MemberRequest, dimensions: list[Dimension], one: Dimension
) -> list[dict[str, Any]]:
    if len(dimensions) < 2:
        return []
    query = request.GET.copy()
    query.pop("after", None)
    tabs = []
    for each in dimensions:
        query["dimension"] = each.key
        tabs.append({"name": each.name, "url": f"?{query.urlencode()}", "is_current": each is one})
    return tabs


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
