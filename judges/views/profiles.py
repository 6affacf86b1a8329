"""What a model can do, in the editor: known at once, then as its own server says."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from core.http import page
from judges import access
from judges.forms.versions import Asked, ProfileForm, VersionForm, asked_of
from judges.rules import capabilities
from judges.rules.spec import VersionSpec
from judges.services import profiles
from judges.services.profiles import Found


@door(Role.LEAD)
@require_safe
def profile(request: MemberRequest, judge_id: int) -> HttpResponse:
    """What the named model can do, and who says so: a piece of the editor."""
    access.judge_of(request.project, judge_id)
    form = ProfileForm(request.project, request.GET)
    found = None
    if form.is_valid():
        data = form.cleaned_data
        found = told(request, asked_of(data["model"], data["address"]))
    return page(request, "judges/_profile.html", _shown(found))


def told(request: MemberRequest, asked: Asked) -> Found:
    """What the model's own server says of it, where it can be reached."""
    return profiles.find(**asked._asdict(), project_id=request.project.pk, now=timezone.now())


def known(form: VersionForm, start: VersionSpec) -> dict[str, Any]:
    """What is known without asking anybody: the page does not wait for the network."""
    asked = Asked(start.provider, start.model, start.base_url)
    if form.is_bound:
        if not form.is_valid():
            return _shown(None)
        asked = form.asked()
    return _shown(profiles.known(**asked._asdict()))


def _shown(found: Found | None) -> dict[str, Any]:
    facts: tuple[tuple[str, str], ...] = ()
    if found is not None and found.profile is not None:
        frozen = found.profile.frozen(structured_output="", prompt_cache=True)
        facts = capabilities.shown(frozen)
    return {"facts": facts, "source": found.source if found else ""}
