"""One person's account: a link for a new password, closed, opened again, erased."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access
from accounts.doors import MemberRequest, door
from accounts.forms import EraseForm
from accounts.models import User
from accounts.queries import leaving as queries
from accounts.roles import Role
from accounts.services import erasing, leaving, passwords
from accounts.views.answers import PAGE, add_errors, status_of
from core.errors import DomainError
from core.http import go, page, posted


@door(Role.ADMIN)
@require_safe
def account(request: MemberRequest, user_id: int) -> HttpResponse:
    """What may be done about the whole account, and the tokens that hang on it."""
    return _account(request, access.person_of(request.project, user_id))


@never_cache
@door(Role.ADMIN)
@require_POST
def reset_link(request: MemberRequest, user_id: int) -> HttpResponse:
    """A link for a new password, in this answer and nowhere else."""
    person = access.person_of(request.project, user_id)
    _, path = passwords.make_link(user_id=person.pk, by=request.user)
    return _account(request, person, link=request.build_absolute_uri(path), status=201)


@door(Role.ADMIN)
@require_http_methods(PAGE)
def close(request: MemberRequest, user_id: int) -> HttpResponse:
    """Asks once, then ends sign-in and sessions."""
    person = access.person_of(request.project, user_id)
    if request.method == "POST":
        leaving.close_account(user_id=person.pk, by=request.user, now=timezone.now())
        messages.success(request, f"The account of {person.shown_name} is closed.")
        return go(request, "people", request.project.slug)
    return page(request, "accounts/account_close.html", _context(request, person))


@door(Role.ADMIN)
@require_POST
def reopen(request: MemberRequest, user_id: int) -> HttpResponse:
    person = access.person_of(request.project, user_id)
    leaving.open_account(user_id=person.pk, by=request.user)
    messages.success(request, f"{person.shown_name} may sign in again.")
    return go(request, "person_account", request.project.slug, person.pk)


@door(Role.ADMIN)
@require_http_methods(PAGE)
def erase(request: MemberRequest, user_id: int) -> HttpResponse:
    """Says what goes and what stays, asks for the name once more, and erases for good."""
    person = access.person_of(request.project, user_id)
    form = EraseForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            erasing.erase(
                user_id=person.pk,
                typed=form.cleaned_data["typed"],
                blanks_texts=form.cleaned_data["blanks_texts"],
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, "The person is erased; the figures stand as they were.")
            return go(request, "people", request.project.slug)
    context = _context(request, person) | {"form": form, "held": queries.held(person)}
    return page(request, "accounts/person_erase.html", context, status=status_of(form))


def _account(
    request: MemberRequest, person: User, *, link: str = "", status: int = 200
) -> HttpResponse:
    context = _context(request, person) | {"link": link}
    return page(request, "accounts/account.html", context, status=status)


def _context(request: MemberRequest, person: User) -> dict[str, object]:
    return {
        "person": person,
        "may_govern": queries.may_govern(request.user, person),
        "tokens": queries.tokens_of(person, [request.project.pk]),
    }
