"""Invitations: made and revoked by an admin, taken by whoever holds the link."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access
from accounts.doors import MemberRequest, door, public
from accounts.forms import InvitationForm, NewAccountForm
from accounts.models import Membership
from accounts.queries import invitations as queries
from accounts.roles import Role
from accounts.services import invitations as services
from accounts.views.answers import PAGE, add_errors, status_of
from core.errors import Conflict, DomainError, NotHere
from core.http import go, page, posted

BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@door(Role.ADMIN)
@require_http_methods(PAGE)
def invitations(request: MemberRequest) -> HttpResponse:
    """Links that let people in. A new one's is in the answer to its making, and nowhere else."""
    form = InvitationForm(posted(request))
    link, status, now = "", status_of(form), timezone.now()
    if request.method == "POST" and form.is_valid():
        try:
            _, secret = services.invite(
                project=request.project,
                roles=form.chosen_roles(),
                expires_at=form.expires_at(now),
                email=form.cleaned_data["email"],
                most=form.cleaned_data["most"],
                by=request.user,
            )
        except DomainError as refusal:
            add_errors(form, refusal)
            status = 422
        else:
            link = request.build_absolute_uri(_address(secret))
            form, status = InvitationForm(), 201
    context = {
        "form": form,
        "link": link,
        "page_obj": queries.page_of(request.project, request.GET.get("page"), now),
    }
    return page(request, "accounts/invitations.html", context, status=status)


@door(Role.ADMIN)
@require_POST
def revoke(request: MemberRequest, invitation_id: int) -> HttpResponse:
    """Revoked at once and for good."""
    invitation = access.invitation_of(request.project, invitation_id)
    services.revoke(
        project=request.project, invitation_id=invitation.pk, by=request.user, now=timezone.now()
    )
    messages.success(request, f"The invitation …{invitation.hint} is revoked.")
    return go(request, "invitations", request.project.slug)


@never_cache
@sensitive_post_parameters("password")
@public
@require_http_methods(PAGE)
def join(request: HttpRequest) -> HttpResponse:
    """Where the link leads: an account is made, or the one that is signed in comes in."""
    key = request.GET.get("key", "")
    invitation = queries.by_secret(key)
    if invitation is None:
        raise NotHere(services.UNKNOWN)
    now = timezone.now()
    if problem := queries.problem_of(invitation, now):
        raise Conflict("invitation_over", problem)
    if request.user.is_authenticated:
        return _join_as_oneself(request, key, {"invitation": invitation})
    form = NewAccountForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.accept_as_new(secret=key, now=now, **form.cleaned_data)
        except DomainError as refusal:
            add_errors(form, refusal)
        else:
            login(request, made.user, backend=BACKEND)
            return _welcome(request, made)
    sign_in = f"{reverse('login')}?{urlencode({'next': _address(key)})}"
    context = {"form": form, "invitation": invitation, "sign_in": sign_in}
    return page(request, "accounts/join.html", context, status=status_of(form))


def _join_as_oneself(request: HttpRequest, key: str, context: dict[str, Any]) -> HttpResponse:
    if request.method == "POST":
        assert request.user.is_authenticated
        joined = services.accept_as(secret=key, user=request.user, now=timezone.now())
        return _welcome(request, joined)
    return page(request, "accounts/join.html", context)


def _welcome(request: HttpRequest, membership: Membership) -> HttpResponse:
    messages.success(request, f"You are in {membership.project.name}.")
    return go(request, "home")


def _address(secret: str) -> str:
    return f"{reverse('join')}?{urlencode({'key': secret})}"
