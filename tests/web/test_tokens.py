"""Tokens: made by an admin, shown once, bound to what they may do, revoked for good."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken, Project, User
from accounts.roles import Role, Scope
from tests import builders

pytestmark = pytest.mark.django_db

FORM = {"name": "nightly check", "scopes": ["judge"], "rater": "", "lasts": "90"}


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def ada(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ada"), Role.ADMIN)


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url() -> str:
    return reverse("tokens", args=["support"])


def secret_in(page: str) -> str:
    found = re.search(r"data-secret>(plb_[\w-]+)<", page)
    assert found is not None
    return found.group(1)


def test_the_secret_is_shown_once_and_only_its_hash_is_kept(ada: User) -> None:
    answer = as_(ada).post(url(), FORM)

    secret = secret_in(answer.content.decode())
    token = ApiToken.objects.get()
    assert answer.status_code == 201
    assert token.digest == tokens.digest(secret)
    assert secret not in as_(ada).get(url()).content.decode()


def test_the_answer_with_the_secret_is_not_kept_by_the_browser(ada: User) -> None:
    assert "no-store" in as_(ada).post(url(), FORM)["Cache-Control"]


def test_a_token_has_the_chosen_scopes_and_an_end(ada: User) -> None:
    as_(ada).post(url(), FORM | {"scopes": ["judge", "read"]})

    token = ApiToken.objects.get()
    assert token.scopes == ["judge", "read"]
    assert token.expires_at is not None
    assert 89 <= (token.expires_at - token.created_at).days <= 90


def test_a_token_that_rates_is_bound_to_a_rater(ada: User, project: Project) -> None:
    ana = builders.join(project, builders.make_user(username="ana"), Role.RATER)
    rater = builders.rater_of(project, ana)

    as_(ada).post(url(), FORM | {"scopes": ["rate"], "rater": rater.pk, "lasts": "never"})

    token = ApiToken.objects.get()
    assert (token.rater, token.expires_at) == (rater, None)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " "}, "required"),
        ({"scopes": []}, "Choose at least one scope"),
        ({"scopes": ["everything"]}, "valid choice"),
        ({"scopes": ["rate"]}, "Choose whose work"),
        ({"rater": "99999"}, "valid choice"),
        ({"lasts": "1000000"}, "valid choice"),
    ],
)
def test_a_token_that_cannot_be_is_refused(
    ada: User, change: dict[str, object], sentence: str
) -> None:
    answer = as_(ada).post(url(), FORM | change)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_rater_of_another_project_is_no_choice(ada: User) -> None:
    other = builders.make_project(slug="other")
    foreign = builders.rater_of(other, builders.make_user(username="olu"))

    answer = as_(ada).post(url(), FORM | {"scopes": ["rate"], "rater": foreign.pk})

    assert answer.status_code == 422


def test_a_revoked_token_stays_revoked(ada: User, project: Project) -> None:
    token, _ = builders.make_token(project)

    as_(ada).post(reverse("token_revoke", args=["support", token.pk]))

    token.refresh_from_db()
    assert token.revoked_at is not None
    assert b"revoked" in as_(ada).get(url()).content


def test_a_token_of_another_project_is_not_there(ada: User) -> None:
    foreign, _ = builders.make_token(builders.make_project(slug="other"), scopes=[Scope.READ])

    answer = as_(ada).post(reverse("token_revoke", args=["support", foreign.pk]))

    foreign.refresh_from_db()
    assert answer.status_code == 404
    assert foreign.revoked_at is None


def test_revoking_is_a_post(ada: User, project: Project) -> None:
    token, _ = builders.make_token(project)
    assert as_(ada).get(reverse("token_revoke", args=["support", token.pk])).status_code == 405


def test_an_outsider_finds_nothing(project: Project) -> None:
    assert as_(builders.make_user(username="olu")).get(url()).status_code == 404


@pytest.mark.parametrize("role", [Role.RATER, Role.LEAD, Role.ADJUDICATOR])
def test_only_admins_are_let_in(role: Role, project: Project) -> None:
    other = builders.join(project, builders.make_user(username="other"), role)
    assert as_(other).get(url()).status_code == 403


def ask(secret: str) -> int:
    machine = Client(headers={"Authorization": f"Bearer {secret}"})
    return machine.get("/api/v1/projects/support/datasets").status_code


def test_an_expired_token_is_refused(project: Project) -> None:
    token, secret = builders.make_token(project, scopes=[Scope.READ])
    assert ask(secret) == 200
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    assert ask(secret) == 401


def test_its_use_is_noted_to_the_hour_and_shown(ada: User, project: Project) -> None:
    token, secret = builders.make_token(project, scopes=[Scope.READ])
    assert "never" in as_(ada).get(url()).content.decode()
    ask(secret)
    token.refresh_from_db()
    assert token.last_used_at is not None
    earlier = token.last_used_at - timedelta(minutes=59)
    ApiToken.objects.update(last_used_at=earlier)
    ask(secret)
    assert ApiToken.objects.get().last_used_at == earlier
    ApiToken.objects.update(last_used_at=earlier - timedelta(minutes=2))
    ask(secret)
    assert ApiToken.objects.filter(last_used_at__gt=earlier).exists()
    assert "to the hour" in as_(ada).get(url()).content.decode()


def test_a_refused_token_notes_no_use(project: Project) -> None:
    _, secret = builders.make_token(project, scopes=[Scope.READ])
    ApiToken.objects.update(revoked_at=timezone.now())
    assert ask(secret) == 401
    assert ApiToken.objects.get().last_used_at is None
