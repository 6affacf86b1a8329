"""Signing in; a password changed by its owner, or set anew by a link."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import mail
from accounts.demo import DEMO_PEOPLE
from accounts.doors import PersonRequest, public, signed_in
from accounts.forms import ChangePasswordForm, ForgottenForm, NewPasswordForm
from accounts.services import passwords, tries
from accounts.views.answers import PAGE, status_of
from core.errors import Conflict, NotReady
from core.http import go, page, posted

WHILE = timedelta(minutes=15)
AT_ONE_PLACE, ANYWHERE = 10, 50
"""Tries of one name from one address, and from all of them together."""
HOUR = timedelta(hours=1)
LINKS_OF_A_NAME, LINKS_OF_A_PLACE = 3, 20


class SignIn(LoginView):
    """Name and password; in a demo house also one click for each of the demo's people."""

    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Counted before the password is looked at, so that many tries at once count too."""
        try:
            self._count(request)
        except tries.TooMany as refusal:
            form = AuthenticationForm(request)
            context = self.get_context_data(form=form, refusal=refusal.sentence)
            return self.render_to_response(context, status=refusal.status)
        return super().post(request, *args, **kwargs)

    def _count(self, request: HttpRequest) -> None:
        name = request.POST.get("username", "")
        if name:
            now = timezone.now()
            for most, whose in ((AT_ONE_PLACE, f"{_place(request)} {name}"), (ANYWHERE, name)):
                tries.count(kind="sign-in", name=whose, most=most, within=WHILE, now=now)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        name = self.request.POST.get("username", "")
        tries.forget(kind="sign-in", name=f"{_place(self.request)} {name}")
        tries.take_back(kind="sign-in", name=name)
        return super().form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["demo_people"] = DEMO_PEOPLE if settings.DEMO else ()
        return context

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        answer.status_code = 422
        return answer


@sensitive_post_parameters("old", "password", "again")
@signed_in
@require_http_methods(PAGE)
def change(request: PersonRequest) -> HttpResponse:
    """Whoever knows the old password sets a new one; other browsers are signed out."""
    form = ChangePasswordForm(posted(request), user=request.user)
    if request.method == "POST":
        try:
            _count_own(request)
        except tries.TooMany as refusal:
            form.add_error(None, refusal.sentence)
            return page(request, "accounts/password_change.html", {"form": form}, status=429)
        if form.is_valid():
            changed = passwords.change(user=request.user, password=form.cleaned_data["password"])
            update_session_auth_hash(request, changed)
            messages.success(request, "Your password is changed. Other browsers are signed out.")
            return go(request, "home")
    return page(request, "accounts/password_change.html", {"form": form}, status=status_of(form))


def _count_own(request: PersonRequest) -> None:
    """A session that was left open is no place to find out a password in."""
    if request.POST.get("old"):
        tries.count(
            kind="old-password",
            name=request.user.actor,
            most=AT_ONE_PLACE,
            within=WHILE,
            now=timezone.now(),
        )


@public
@require_http_methods(PAGE)
def forgotten(request: HttpRequest) -> HttpResponse:
    """Asks for a link by mail. The answer is the same whether anybody has this name or not."""
    form = ForgottenForm(posted(request))
    context = {"form": form, "is_by_mail": mail.is_set_up(), "is_asked": False}
    status = status_of(form)
    if request.method == "POST":
        if not mail.is_set_up():
            raise NotReady("no_mail", "No mail is set up here. Ask an admin of your project.")
        if form.is_valid():
            _count_asked(request, form.cleaned_data["name"])
            passwords.ask_for_link(name=form.cleaned_data["name"])
            context["is_asked"] = True
    return page(request, "accounts/password_forgotten.html", context, status=status)


def _count_asked(request: HttpRequest, name: str) -> None:
    now = timezone.now()
    for most, whose in ((LINKS_OF_A_NAME, name), (LINKS_OF_A_PLACE, _place(request))):
        tries.count(kind="reset", name=whose, most=most, within=HOUR, now=now)


@never_cache
@sensitive_post_parameters("password", "again")
@public
@require_http_methods(PAGE)
def set_anew(request: HttpRequest) -> HttpResponse:
    """The page that a link leads to."""
    key = request.GET.get("key", "")
    user = passwords.holder_of(key)
    if user is None:
        raise Conflict("link_over", passwords.OVER)
    form = NewPasswordForm(posted(request), user=user)
    if request.method == "POST" and form.is_valid():
        passwords.set_by_link(key=key, password=form.cleaned_data["password"])
        messages.success(request, "Your new password is set. Sign in with it.")
        return go(request, "login")
    context = {"form": form, "person": user}
    return page(request, "accounts/password_set.html", context, status=status_of(form))


def _place(request: HttpRequest) -> str:
    """Where the request comes from; behind a proxy that is the proxy, for everybody."""
    return str(request.META.get("REMOTE_ADDR", ""))
