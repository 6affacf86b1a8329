"""Request ids, and refusals turned into answers: a page, a fragment or JSON."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from core.audit import current_request_id
from core.errors import DomainError, NotHere
from core.http import wants_fragment

Respond = Callable[[HttpRequest], HttpResponse]
HIGHEST_ID = 2**63 - 1
SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(get_response: Respond) -> Respond:
    """Each request has an id, its own or a new one; audit rows carry it."""

    def respond(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        token = current_request_id.set(given if SAFE_ID.fullmatch(given) else uuid.uuid4().hex)
        try:
            response = get_response(request)
            response["X-Request-Id"] = current_request_id.get()
        finally:
            current_request_id.reset(token)
        return response

    return respond


class SignInMiddleware(LoginRequiredMiddleware):
    """Whoever is signed out meanwhile is led to the sign-in, and from there to the page that was
    open: never back to an address that only takes a form, and never with the sign-in inside the
    page, where it would stand in the place of work that is not sent yet."""

    def handle_no_permission(  # type: ignore[override]  # an answer for htmx is no plain redirect
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if request.method in ("GET", "HEAD") and not wants_fragment(request):
            return super().handle_no_permission(request, view_func)
        path = _page_open(request)
        answer = redirect_to_login(path, resolve_url(self.get_login_url(view_func)))
        if wants_fragment(request):
            return HttpResponseClientRedirect(answer["Location"])
        return answer


def _page_open(request: HttpRequest) -> str:
    """The path of the page that a request came from, of this house only."""
    at = HtmxDetails(request).current_url_abs_path
    if at is None:
        came_from = urlsplit(request.headers.get("Referer", ""))
        at = came_from.path if came_from.netloc == request.get_host() else None
    return at or reverse("home")


class DomainErrorMiddleware:
    """DomainError -> 403, 404, 409 or 422 with its sentence."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Respond,
        arguments: tuple[object, ...],
        named: dict[str, object],
    ) -> HttpResponse | None:
        """No row has a number that no database can hold; some would break over the question."""
        if any(isinstance(value, int) and value > HIGHEST_ID for value in named.values()):
            return self.process_exception(request, NotHere())
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        if request.path.startswith("/api/"):
            return JsonResponse(
                {"code": error.code, "message": error.sentence, "fields": error.fields},
                status=error.status,
            )
        template = "_error.html" if wants_fragment(request) else "error.html"
        return render(request, template, {"error": error}, status=error.status)
