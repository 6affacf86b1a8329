"""The project's gate policy: what holds and why, and choosing another one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from calibration.forms import PolicyForm
from core.errors import Conflict, Invalid
from core.http import go, page, posted
from judges.queries import policies as queries
from judges.rules import policy as rules
from judges.rules.policy import Policy
from judges.services import policies

STEP = {"current_step": "judge"}
PAGE = ("GET", "HEAD", "POST")


@door(*STAFF)
@require_safe
def show(request: MemberRequest) -> HttpResponse:
    """Each constant with its reason, whose choice it is, and how it came about."""
    policy = queries.current(request.project.pk)
    context = {
        **STEP,
        "policy": policy,
        "lines": _lines(policy),
        "fixed": rules.FIXED,
        "history": queries.history(request.project),
        "bound": queries.bound_sets(request.project),
    }
    return page(request, "calibration/policy.html", context)


@door(Role.ADMIN)
@require_http_methods(PAGE)
def change(request: MemberRequest) -> HttpResponse:
    """Choose other constants, with a reason; the ones before stay on record."""
    policy = queries.current(request.project.pk)
    form = PolicyForm(policy, posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            row = policies.change(
                project=request.project,
                constants=form.constants(),
                seen=form.cleaned_data["seen"],
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
        except (Conflict, Invalid) as refusal:
            form.refused(refusal)
        else:
            messages.success(request, f"Policy {row.number} holds from now on.")
            return go(request, "policy", request.project.slug)
    context: dict[str, Any] = {
        **STEP,
        "form": form,
        "bound": queries.bound_sets(request.project),
    }
    status = 422 if form.is_bound else 200
    return page(request, "calibration/policy_change.html", context, status=status)


def _lines(policy: Policy) -> list[tuple[rules.Constant, str, str]]:
    """Each constant with its value here and its default where that is another one."""
    here, defaults = rules.chosen(policy), rules.chosen(Policy())
    differing = {one.title for one in rules.changes(defaults, here)}
    return [
        (
            one,
            rules.shown(one, here[one.name]),
            rules.shown(one, defaults[one.name]) if one.title in differing else "",
        )
        for one in rules.CONSTANTS
    ]
