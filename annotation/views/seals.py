"""The sealed part of a dataset: one look only, or none any more."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from annotation import access
from annotation.forms.datasets import RetireForm
from annotation.forms.refusals import add_refusal, status_of
from annotation.services import datasets
from core.errors import Conflict, DomainError
from core.http import go, page, posted

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "data"}


@door(Role.LEAD, Role.ADMIN)
@require_http_methods(PAGE)
def one_shot(request: MemberRequest, dataset_id: int) -> HttpResponse:
    """Declare that one request looks at the set, at the whole error, before anybody has looked."""
    sealed_set = access.live_seal_of(request.project, dataset_id)
    if request.method == "POST":
        try:
            datasets.declare_one_shot(sealed_set=sealed_set, actor=request.user.actor)
        except Conflict as refusal:
            messages.error(request, refusal.sentence)
        else:
            messages.success(
                request, "Declared one-shot: one request looks at it, then it retires."
            )
        return go(request, "dataset", request.project.slug, dataset_id)
    context = {
        **STEP,
        "dataset": sealed_set.dataset,
        "refusal": datasets.why_not_one_shot(sealed_set),
    }
    return page(request, "annotation/seal_one_shot.html", context)


@door(Role.ADMIN)
@require_http_methods(PAGE)
def retire(request: MemberRequest, dataset_id: int) -> HttpResponse:
    """Give the seal up, after asking once: everybody on the staff reads the labels from then on."""
    sealed_set = access.live_seal_of(request.project, dataset_id)
    form = RetireForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            datasets.give_up(
                sealed_set=sealed_set,
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "The seal is retired: all items are for development now.")
            return go(request, "dataset", request.project.slug, dataset_id)
    context = {**STEP, "dataset": sealed_set.dataset, "form": form}
    return page(request, "annotation/seal_retire.html", context, status=status_of(form))
