"""Two versions of a guideline side by side: for the project's staff, and for who rates by it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF
from annotation import access
from annotation.forms.differences import VersionsForm
from annotation.forms.refusals import status_of
from annotation.models import GuidelineVersion
from annotation.queries import guidelines as queries
from annotation.rules.versiondiff import differences
from core.http import page


@door()
@require_safe
def show(request: MemberRequest, guideline_id: int) -> HttpResponse:
    """What differs between two versions. Raters read no drafts."""
    guideline = access.guideline_of_reader(request.membership, guideline_id)
    is_staff = bool(request.membership.roles & frozenset(STAFF))
    versions = queries.versions_to_compare(guideline, with_draft=is_staff)
    context: dict[str, Any] = {
        "current_step": "guideline",
        "guideline": guideline,
        "is_staff": is_staff,
    }
    status = 200
    if len(versions) > 1:
        asked = {name: request.GET.get(name, "") for name in VersionsForm.base_fields}
        form = VersionsForm(**asked, versions=versions)
        status = status_of(form)
        context["form"] = form
        if form.is_valid():
            context |= _held_together(*form.chosen())
    return page(request, "annotation/guideline_differences.html", context, status=status)


def _held_together(before: GuidelineVersion, after: GuidelineVersion) -> dict[str, Any]:
    return {
        "before": before,
        "after": after,
        "found": differences(queries.writing_of(before), queries.writing_of(after)),
        "is_major": before.major != after.major,
    }
