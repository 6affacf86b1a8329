"""The first page: my work, and the projects that I help to run."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.doors import PersonRequest, signed_in
from annotation.queries import home as queries
from core.http import page


@signed_in
@require_safe
def home(request: PersonRequest) -> HttpResponse:
    """For each round how far I am, how many are left, and one button to go on."""
    found = queries.home(user_id=request.user.pk, now=timezone.now())
    return page(request, "annotation/home.html", {"home": found})
