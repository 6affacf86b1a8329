"""Differences: of two versions of a judge field by field, and of judge and people one at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF
from core.errors import Invalid
from core.http import page
from judges import access, queries
from judges.forms.editor import TwoVersionsForm
from judges.models import JudgeVersion
from judges.queries import people
from judges.rules.fingerprint import Difference
from judges.rules.improving import Case
from judges.services import examples, versions

STEP = {"current_step": "judge"}
HIDDEN_LINES = ("(You rate in a round that holds one of these items: they are shown after it.)",)


@door(*STAFF)
@require_safe
def of_versions(request: MemberRequest, judge_id: int) -> HttpResponse:
    """What changed from one version of a judge to any other, field by field."""
    judge = access.judge_of(request.project, judge_id)
    saved = queries.saved_versions(judge)
    form = TwoVersionsForm(saved, _named(request, saved))
    found: Sequence[Difference] = ()
    before = after = None
    if form.is_valid():
        before, after = form.cleaned_data["before"], form.cleaned_data["after"]
        found = shown_differences(request, before, after)
    context = {
        **STEP,
        "judge": judge,
        "form": form,
        "before": before,
        "after": after,
        "differences": found,
        "is_choice": len(saved) > 1,
    }
    is_wrong = bool(request.GET) and len(saved) > 1 and not form.is_valid()
    return page(request, "judges/judge_differences.html", context, status=422 if is_wrong else 200)


@door(*STAFF)
@require_safe
def of_run(request: MemberRequest, run_id: int) -> HttpResponse:
    """The items of a run on which judge and people differ, one at a time."""
    run = access.compared_run_of(request.project, run_id)
    keys = [dimension.key for dimension in run.version.guideline_version.dimensions.all()]
    asked = request.GET.get("dimension", "")
    dimension = asked if asked in keys else next(iter(keys), "")
    compared = people.compared(run, user_id=request.user.pk, dimension=dimension)
    misses = [case for case in compared if case.is_miss]
    place = _place(request.GET.get("at", ""), len(misses))
    context: dict[str, object] = {
        **STEP,
        "run": run,
        "version": run.version,
        "judge": run.version.judge,
        "keys": keys,
        "dimension": dimension,
        "compared": len(compared),
        "misses": len(misses),
        "place": place,
        "previous": place - 1 if place > 1 else None,
        "following": place + 1 if place < len(misses) else None,
        "case": misses[place - 1] if misses else None,
    }
    if misses:
        context |= _one(request, run.pk, misses[place - 1])
    return page(request, "judges/run_differences.html", context)


def shown_differences(
    request: MemberRequest, before: JudgeVersion, after: JudgeVersion
) -> list[Difference]:
    """What differs, with the examples held back from somebody who yet rates one of them."""
    found = versions.differences(after, before)
    hidden = any(
        examples.are_hidden(
            versions.spec_of(one), project_id=request.project.pk, user_id=request.user.pk
        )
        for one in (before, after)
    )
    return [
        dataclasses.replace(one, before="", after="", lines=HIDDEN_LINES)
        if hidden and one.field == "examples"
        else one
        for one in found
    ]


def _named(request: MemberRequest, saved: Sequence[JudgeVersion]) -> dict[str, object]:
    """The two that the address names; the newest and the one before it where it names none."""
    usual = [one.pk for one in saved[:2]] or [0]
    return {
        "before": request.GET.get("before", usual[-1]),
        "after": request.GET.get("after", usual[0]),
    }


def _place(text: str, last: int) -> int:
    """Which of the items is shown, from 1; whatever else is asked for is the first or the last."""
    number = int(text) if text.isdecimal() and len(text) < 10 else 1
    return max(1, min(number, last))


def _one(request: MemberRequest, run_id: int, case: Case) -> dict[str, object]:
    """The item's texts, people's votes, and what each call said."""
    run = access.compared_run_of(request.project, run_id)
    item = people.open_item(request.project.pk, case.item_id, user_id=request.user.pk)
    if item is None:
        raise Invalid("item_gone", "This item is not open any more; start again from the run.")
    said = people.judge_reasons(run, item_id=item.pk, dimension=case.dimension)
    return {
        "item": item,
        "shown": queries.item_view(item),
        "votes": people.vote_counts(run.version.guideline_version, item, case.dimension),
        "said": said,
    }
