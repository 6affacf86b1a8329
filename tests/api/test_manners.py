"""What every operation shares: tokens and their scopes, one error shape, answers kept by key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from pytest_django import Settings
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import tokens
from accounts.doors import public
from accounts.models import ApiToken, Project
from accounts.permissions import TokenDoor
from accounts.roles import Scope
from config import urls
from core.api import once
from core.errors import Conflict, Invalid
from core.models import AuditEvent, IdempotencyKey
from tests import builders
from tests.cast import Cast, ClientFor

pytestmark = pytest.mark.django_db


class NoteInput(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=5)


class NoteView(APIView):
    """Writes one row for each act, so that acts can be counted."""

    permission_classes = (TokenDoor,)
    scope = Scope.WRITE

    def post(self, request: Request, slug: str) -> Response:
        token = request.auth
        assert isinstance(token, ApiToken)
        form = NoteInput(data=request.data)
        form.is_valid(raise_exception=True)

        def act() -> Response:
            row = AuditEvent.objects.create(actor="t", verb="noted", object_type="note")
            if form.validated_data["text"] == "stop":
                raise Conflict("stopped", "This note is not taken.")
            return Response({"id": row.pk}, status=status.HTTP_201_CREATED)

        return once(request, token.actor, act)

    def get(self, request: Request, slug: str) -> Response:
        raise Invalid("no_reading", "Notes are not read.", {"text": ["Write it instead."]})


class ForgottenView(APIView):
    """Names no permission classes, so that the default holds."""

    def get(self, request: Request) -> Response:
        return Response("in")


@public
def breaking(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


class Urls:
    handler404, handler500 = urls.handler404, urls.handler500
    urlpatterns = [
        path("api/v1/breaking", breaking),
        path("", include("config.urls")),
        path("api/v1/projects/<slug:slug>/notes", NoteView.as_view()),
        path("api/v1/forgotten", ForgottenView.as_view()),
    ]


NOTES = "/api/v1/projects/support/notes"


@pytest.fixture(autouse=True)
def _own_urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = Urls


@pytest.fixture
def token(project: Project) -> tuple[ApiToken, str]:
    return builders.make_token(project, scopes=[Scope.WRITE])


def post(secret: str, body: object, **headers: str) -> Any:
    return Client().post(
        NOTES, body, content_type="application/json", headers=bearer(secret) | headers
    )


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


# Tokens -------------------------------------------------------------------------------------------


def test_a_token_with_the_scope_is_let_in(token: tuple[ApiToken, str]) -> None:
    assert post(token[1], {"text": "hello"}).status_code == 201


def test_without_a_token_the_answer_says_how_to_sign_in(project: Project, client: Client) -> None:
    answer = client.post(NOTES, {"text": "hello"}, content_type="application/json")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="plumbline"'
    assert set(answer.json()) == {"code", "message", "fields"}


def test_a_browsers_session_is_no_token(cast: Cast, client_for: ClientFor) -> None:
    answer = client_for(cast.ada).post(NOTES, {"text": "hello"}, content_type="application/json")
    assert answer.status_code == 401


def test_another_kind_of_authorization_is_no_token(token: tuple[ApiToken, str]) -> None:
    answer = Client().get(NOTES, headers={"Authorization": f"Basic {token[1]}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("secret", ["plb_wrong", "", "plb_wrong second"])
def test_an_unknown_secret_is_refused(project: Project, secret: str) -> None:
    assert post(secret, {"text": "hello"}).status_code == 401


def test_the_digest_of_a_token_is_no_secret(token: tuple[ApiToken, str]) -> None:
    assert post(token[0].digest, {"text": "hello"}).status_code == 401


def test_a_revoked_token_is_refused(token: tuple[ApiToken, str]) -> None:
    ApiToken.objects.update(revoked_at=timezone.now())
    answer = post(token[1], {"text": "hello"})
    assert answer.status_code == 401
    assert "revoked" in answer.json()["message"]


@pytest.mark.parametrize(("hours", "expected"), [(-1, 401), (1, 201)])
def test_a_token_holds_until_it_expires(
    token: tuple[ApiToken, str], hours: int, expected: int
) -> None:
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(hours=hours))
    assert post(token[1], {"text": "hello"}).status_code == expected


@pytest.mark.parametrize("scope", [Scope.READ, Scope.JUDGE])
def test_a_token_without_the_scope_is_told_which_one_it_lacks(
    project: Project, scope: Scope
) -> None:
    _, secret = builders.make_token(project, scopes=[scope])
    answer = post(secret, {"text": "hello"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert "'write'" in answer.json()["message"]


def test_a_token_cannot_tell_another_project_from_none(token: tuple[ApiToken, str]) -> None:
    builders.make_project(slug="beside")
    said = [
        Client().get(f"/api/v1/projects/{slug}/notes", headers=bearer(token[1]))
        for slug in ("beside", "there-is-none")
    ]
    assert [answer.status_code for answer in said] == [404, 404]
    assert said[0].json() == said[1].json()


def test_an_operation_without_a_door_lets_nobody_in(token: tuple[ApiToken, str]) -> None:
    assert Client().get("/api/v1/forgotten", headers=bearer(token[1])).status_code == 403


def test_a_secret_is_long_random_and_kept_as_a_hash(token: tuple[ApiToken, str]) -> None:
    made, secret = token
    assert secret.startswith(tokens.PREFIX)
    assert len(secret) >= 40
    assert secret != tokens.new_secret()
    assert made.digest == tokens.digest(secret)
    assert secret not in str(ApiToken.objects.values().get())


# One error shape ----------------------------------------------------------------------------------


def test_a_domain_error_has_the_shape(token: tuple[ApiToken, str]) -> None:
    answer = Client().get(NOTES, headers=bearer(token[1]))
    assert answer.status_code == 422
    assert answer.json() == {
        "code": "no_reading",
        "message": "Notes are not read.",
        "fields": {"text": ["Write it instead."]},
    }


def test_a_refused_field_is_named(token: tuple[ApiToken, str]) -> None:
    answer = post(token[1], {"text": "too long"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert list(answer.json()["fields"]) == ["text"]
    assert "text: " in answer.json()["message"]


def test_broken_json_has_the_shape(token: tuple[ApiToken, str]) -> None:
    answer = post(token[1], "{not json")
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message", "fields"}


def test_a_body_that_is_too_large_has_the_shape(
    token: tuple[ApiToken, str], settings: Settings
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    answer = post(token[1], {"text": "hello"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert "at most 10 bytes" in answer.json()["message"]


def test_an_address_that_is_not_there_has_the_shape(client: Client) -> None:
    answer = client.get("/api/v1/projects/support/nonsense")
    assert answer.status_code == 404
    assert answer.json() == {
        "code": "not_found",
        "message": "There is no such address in this API; /api/docs/ lists them.",
        "fields": {},
    }
    assert client.get("/nonsense")["Content-Type"].startswith("text/html")


def test_a_fault_of_ours_has_the_shape(client: Client) -> None:
    client.raise_request_exception = False
    answer = client.get("/api/v1/breaking")
    assert (answer.status_code, answer.json()["code"]) == (500, "broken")


def test_a_method_that_is_not_taken_has_the_shape(token: tuple[ApiToken, str]) -> None:
    answer = Client().delete(NOTES, headers=bearer(token[1]))
    assert answer.status_code == 405
    assert "POST" in answer["Allow"]
    assert set(answer.json()) == {"code", "message", "fields"}


# Answers kept by key ------------------------------------------------------------------------------


def acts() -> int:
    return AuditEvent.objects.filter(verb="noted").count()


def test_without_a_key_each_request_acts(token: tuple[ApiToken, str]) -> None:
    for _ in range(2):
        post(token[1], {"text": "hello"})
    assert acts() == 2
    assert not IdempotencyKey.objects.exists()


def test_the_same_key_gives_the_first_answer_and_acts_once(token: tuple[ApiToken, str]) -> None:
    first, second = (post(token[1], {"text": "hello"}, **{"Idempotency-Key": "k"}) for _ in "ab")
    assert (second.status_code, second.json()) == (201, first.json())
    assert second["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert acts() == 1


def test_the_same_key_with_another_body_is_a_conflict(token: tuple[ApiToken, str]) -> None:
    post(token[1], {"text": "hello"}, **{"Idempotency-Key": "k"})
    answer = post(token[1], {"text": "world"}, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert acts() == 1


def test_two_tokens_may_choose_the_same_key(project: Project, token: tuple[ApiToken, str]) -> None:
    _, other = builders.make_token(project, scopes=[Scope.WRITE])
    for secret in (token[1], other):
        assert post(secret, {"text": "hello"}, **{"Idempotency-Key": "k"}).status_code == 201
    assert acts() == 2


def test_a_refused_act_frees_its_key(token: tuple[ApiToken, str]) -> None:
    assert post(token[1], {"text": "stop"}, **{"Idempotency-Key": "k"}).status_code == 409
    assert not IdempotencyKey.objects.exists()
    assert post(token[1], {"text": "hello"}, **{"Idempotency-Key": "k"}).status_code == 201


def test_a_key_whose_first_request_still_runs_is_a_conflict(token: tuple[ApiToken, str]) -> None:
    post(token[1], {"text": "hello"}, **{"Idempotency-Key": "k"})
    IdempotencyKey.objects.update(status=None, body=None)
    answer = post(token[1], {"text": "hello"}, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (409, "still_running")


def test_a_key_that_a_dead_process_left_is_forgotten(token: tuple[ApiToken, str]) -> None:
    post(token[1], {"text": "hello"}, **{"Idempotency-Key": "k"})
    long_ago = timezone.now() - timedelta(hours=1)
    IdempotencyKey.objects.update(status=None, body=None, created_at=long_ago)
    assert post(token[1], {"text": "hello"}, **{"Idempotency-Key": "k"}).status_code == 201


def test_a_key_that_is_too_long_is_refused(token: tuple[ApiToken, str]) -> None:
    answer = post(token[1], {"text": "hello"}, **{"Idempotency-Key": "k" * 201})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_too_long")
    assert acts() == 0
