"""The texts of an item, erased for good."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from annotation import access
from annotation.forms.datasets import EraseTextsForm
from annotation.forms.refusals import add_refusal, status_of
from annotation.queries import sight, texts
from annotation.services import itemerasing
from core.errors import DomainError
from core.http import go, page, posted

PAGE = ("GET", "HEAD", "POST")


@door(Role.ADMIN)
@require_http_methods(PAGE)
def item(request: MemberRequest, item_id: int) -> HttpResponse:
    """Say what goes and what stays, ask why, and erase. Nothing about labels is told."""
    found = access.item_of(request.project, item_id)
    form = EraseTextsForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            itemerasing.erase(
                item_id=found.pk,
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "The texts are erased. What was measured stands.")
            return go(request, "item", request.project.slug, found.pk)
    reader = {"project_id": request.project.pk, "user_id": request.user.pk}
    closed = itemerasing.refusal_of(found)
    context = {
        "current_step": "data",
        "item": found,
        "title": sight.titled([found], **reader)[0][1],
        "form": form,
        "refusal": "" if closed is None else closed.sentence,
        "outlook": texts.outlook(found) if closed is None else None,
    }
    return page(request, "annotation/item_erase.html", context, status=status_of(form))
