"""A person's notices, over all their projects."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.doors import PersonRequest, signed_in
from accounts.queries import notices as queries
from accounts.services import notices as services
from accounts.views.answers import PAGE
from core.errors import NotHere
from core.http import go, page


@signed_in
@require_http_methods(PAGE)
def notices(request: PersonRequest) -> HttpResponse:
    """What waits for me. To open one is to have read it; or all are put away at once."""
    if request.method == "POST":
        asked = request.POST.get("open", "")
        number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else None
        if asked and number is None:
            raise NotHere("There is no such notice.")
        found = services.read(user=request.user, notice_id=number, now=timezone.now())
        if asked and found is None:
            raise NotHere("There is no such notice.")
        return go(request, found.address if found is not None else "notices")
    context = {"page_obj": queries.page_of(request.user.pk, request.GET.get("page"))}
    return page(request, "accounts/notices.html", context)
