"""Projects, people, tokens, the audit trail."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access, exporting, queries, services
from accounts.doors import MemberRequest, PersonRequest, door, signed_in
from accounts.forms import (
    AccountForm,
    AuditForm,
    MemberForm,
    ProjectForm,
    RolesForm,
    TokenForm,
)
from accounts.queries import leaving as held
from accounts.roles import Role
from accounts.views.answers import PAGE, add_errors, status_of
from core import chain
from core.errors import DomainError, Invalid, NotHere
from core.exporting import CONTENT_TYPES, Format
from core.http import go, page, posted

TRAIL_FORMATS: tuple[Format, ...] = ("jsonl", "csv")


@signed_in
@require_http_methods(PAGE)
def project_new(request: PersonRequest) -> HttpResponse:
    """Whoever makes a project leads it and administers it."""
    form = ProjectForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            project = services.create_project(**form.cleaned_data, by=request.user)
        except DomainError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, "The project is yours. Import its first items next.")
            return go(request, "project", project.slug)
    return page(request, "accounts/project_new.html", {"form": form}, status=status_of(form))


@door(Role.ADMIN)
@require_safe
def people(request: MemberRequest) -> HttpResponse:
    """Who is in the project, and with which roles."""
    context = {
        "members": queries.memberships(request.project),
        "former": held.former(request.project),
    }
    return page(request, "accounts/people.html", context)


@door(Role.ADMIN)
@require_http_methods(PAGE)
def person_add(request: MemberRequest) -> HttpResponse:
    """Let in somebody who has an account."""
    form = MemberForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            added = services.add_member(
                project=request.project,
                username=form.cleaned_data["username"],
                roles=form.chosen_roles(),
                by=request.user,
            )
        except DomainError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, f"{added.user.shown_name} is in the project.")
            return go(request, "people", request.project.slug)
    return page(request, "accounts/person_add.html", {"form": form}, status=status_of(form))


@sensitive_post_parameters("password")
@door(Role.ADMIN)
@require_http_methods(PAGE)
def person_new(request: MemberRequest) -> HttpResponse:
    """Make an account with a first password, and let it in."""
    form = AccountForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.make_account(
                project=request.project,
                username=form.cleaned_data["username"],
                display_name=form.cleaned_data["display_name"],
                password=form.cleaned_data["password"],
                roles=form.chosen_roles(),
                by=request.user,
            )
        except DomainError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, f"{made.user.shown_name} can sign in and is in the project.")
            return go(request, "people", request.project.slug)
    return page(request, "accounts/person_new.html", {"form": form}, status=status_of(form))


@door(Role.ADMIN)
@require_http_methods(PAGE)
def person(request: MemberRequest, user_id: int) -> HttpResponse:
    """Change a member's roles."""
    member = access.member_of(request.project, user_id)
    form = RolesForm(
        posted(request), initial={"roles": sorted(role.value for role in member.roles)}
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.change_roles(
                project=request.project,
                user_id=user_id,
                roles=form.chosen_roles(),
                by=request.user,
            )
        except DomainError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, f"The roles of {member.user.shown_name} are changed.")
            return _back_to_people(request, user_id)
    context = {"form": form, "member": member}
    return page(request, "accounts/person.html", context, status=status_of(form))


@door(Role.ADMIN)
@require_http_methods(PAGE)
def person_remove(request: MemberRequest, user_id: int) -> HttpResponse:
    """Asks once, then shuts the project to a member."""
    member = access.member_of(request.project, user_id)
    if request.method == "POST":
        services.remove_member(project=request.project, user_id=user_id, by=request.user)
        messages.success(request, f"{member.user.shown_name} is no longer in the project.")
        return _back_to_people(request, user_id)
    context = {
        "member": member,
        "tokens": held.tokens_of(member.user, [request.project.pk]),
    }
    return page(request, "accounts/person_remove.html", context)


@never_cache
@door(Role.ADMIN)
@require_http_methods(PAGE)
def tokens(request: MemberRequest) -> HttpResponse:
    """The keys of machines. A new one's secret is in the answer to its making, and nowhere else."""
    form = TokenForm(posted(request), project=request.project)
    secret = ""
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            _, secret = services.make_token(
                project=request.project,
                name=form.cleaned_data["name"],
                scopes=form.chosen_scopes(),
                rater=form.cleaned_data["rater"],
                expires_at=form.expires_at(timezone.now()),
                by=request.user,
            )
            form = TokenForm(project=request.project)
            status = 201
    context = {
        "form": form,
        "secret": secret,
        "tokens": queries.api_tokens(request.project),
        "now": timezone.now(),
    }
    return page(request, "accounts/tokens.html", context, status=status)


@door(Role.ADMIN)
@require_POST
def token_revoke(request: MemberRequest, token_id: int) -> HttpResponse:
    """Revoked at once and for good."""
    token = access.token_of(request.project, token_id)
    services.revoke_token(
        project=request.project, token_id=token.pk, by=request.user, now=timezone.now()
    )
    messages.success(request, f"The token “{token.name}” is revoked.")
    return go(request, "tokens", request.project.slug)


@door(Role.LEAD, Role.ADMIN)
@require_safe
def audit(request: MemberRequest) -> HttpResponse:
    """Who did what, when: filtered by address, so that a finding can be sent as a link."""
    form = AuditForm(request.GET, project=request.project)
    context: dict[str, Any] = {"form": form, "trail": None, "is_filtered": False}
    if not form.is_valid():
        return page(request, "accounts/audit.html", context, status=422)
    wanted = form.wanted()
    context["trail"] = queries.audit_page(project=request.project, wanted=wanted)
    context["looked_through"] = queries.LOOKED_THROUGH
    context["query"] = urlencode(wanted.as_dict())
    context["is_filtered"] = bool(wanted.as_dict() or wanted.before)
    context["chained"] = chain.length(request.project.pk)
    context["checked"] = chain.last_check(request.project.pk)
    context["formats"] = TRAIL_FORMATS
    return page(request, "accounts/audit.html", context)


@door(Role.LEAD, Role.ADMIN)
@require_safe
def audit_download(request: MemberRequest, extension: str) -> HttpResponseBase:
    """The rows that the filter leaves as a file, streamed whatever its size."""
    if extension not in TRAIL_FORMATS:
        raise NotHere(f"There is no format {extension!r}: {', '.join(TRAIL_FORMATS)}.")
    form = AuditForm(request.GET, project=request.project)
    if not form.is_valid():
        raise Invalid("unknown_choice", "The trail cannot be narrowed like this; look at its page.")
    pieces = exporting.export(
        project=request.project, wanted=form.wanted(), form=extension, by=request.user
    )
    name = f"{request.project.slug}-audit-{timezone.localdate().isoformat()}.{extension}"
    return StreamingHttpResponse(
        pieces,
        content_type=CONTENT_TYPES[extension],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@door(Role.LEAD, Role.ADMIN)
@require_POST
def audit_check(request: MemberRequest) -> HttpResponse:
    """Have the whole chain of the project walked along."""
    chain.ask_for_check(chain=request.project.pk, actor=request.user.actor)
    messages.success(request, "The chain is being checked; look again in a moment.")
    return go(request, "audit", request.project.slug)


def _back_to_people(request: MemberRequest, user_id: int) -> HttpResponse:
    """The list of people, unless admins have just shut it to themselves."""
    if user_id == request.user.pk:
        return go(request, "home")
    return go(request, "people", request.project.slug)
