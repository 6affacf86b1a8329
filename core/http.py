"""How pages answer: one view serves the page and its fragment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django_htmx.http import HttpResponseClientRedirect

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """A request after HtmxMiddleware."""

    htmx: HtmxDetails


def wants_fragment(request: HttpRequest) -> bool:
    """Only a plain htmx request gets a fragment: boosted and restored pages need the whole."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    return bool(htmx) and htmx is not None and not htmx.boosted and not htmx.history_restore_request


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: an empty POST is still a POST, and its form is refused."""
    return request.POST if request.method == "POST" else None


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str = "",
    status: int = 200,
) -> HttpResponse:
    """The whole page, or its fragment when htmx asks and there is one."""
    name = fragment if fragment and wants_fragment(request) else template
    return render(request, name, dict(context or {}), status=status)


def go(request: HttpRequest, to: Any, *args: Any, **kwargs: Any) -> HttpResponse:
    """A redirect that the browser follows as a whole page, asked by htmx or not."""
    answer: HttpResponse = redirect(to, *args, **kwargs)
    if wants_fragment(request):
        return HttpResponseClientRedirect(answer["Location"])
    return answer
