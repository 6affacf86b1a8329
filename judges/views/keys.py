"""The page of keys: which addresses judges may be asked at. No key is ever shown."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from core.errors import DomainError
from core.http import go, page, posted
from judges import access
from judges.forms.keys import KeyForm, key_initial
from judges.forms.refusals import add_refusal, status_of
from judges.queries.keys import keys_of
from judges.services import keys

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "judge"}


@never_cache
@door(Role.ADMIN)
@require_http_methods(PAGE)
@sensitive_post_parameters("key")
def index(request: MemberRequest) -> HttpResponse:
    """Every address with a key, and the form that sets or replaces one."""
    rows = keys_of(request.project)
    replaced = next((row for row in rows if str(row.pk) == request.GET.get("replace")), None)
    form = KeyForm(posted(request), initial=key_initial(replaced))
    if request.method == "POST" and form.is_valid():
        try:
            row = keys.set_key(
                project=request.project,
                provider=form.chosen(),
                base_url=form.cleaned_data["base_url"],
                key=form.cleaned_data["key"],
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"The key for {row.base_url} is stored.")
            return go(request, "keys", request.project.slug)
    context = {
        **STEP,
        "form": form,
        "keys": rows,
        "unreadable": keys.unreadable(rows),
        "replaced": replaced,
        "own_url": settings.ANTHROPIC_BASE_URL,
        "has_own_key": bool(settings.ANTHROPIC_API_KEY),
    }
    return page(request, "judges/keys.html", context, status=status_of(form))


@never_cache
@door(Role.ADMIN)
@require_http_methods(PAGE)
def remove(request: MemberRequest, key_id: int) -> HttpResponse:
    """Asks once, then forgets the key."""
    found = access.key_of(request.project, key_id)
    if request.method == "POST":
        keys.remove_key(key_id=found.pk, project=request.project, by=request.user)
        messages.success(request, f"The key for {found.base_url} is removed.")
        return go(request, "keys", request.project.slug)
    return page(request, "judges/key_remove.html", {**STEP, "key": found})
