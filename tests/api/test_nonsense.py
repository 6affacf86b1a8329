"""What no client should send, and every server gets: refused with a sentence, never a 500."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Project
from accounts.roles import Role, Scope
from core.models import IdempotencyKey
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True)

HUGE = "9" * 23


@pytest.fixture
def secret(project: Project) -> str:
    ana = builders.rater_of(
        project, builders.join(project, builders.make_user(username="ana"), Role.RATER)
    )
    dataset = builders.make_dataset(project)
    builders.make_round(
        dataset,
        builders.make_guideline(project),
        items=[builders.make_item(dataset)],
        raters=[ana],
        overlap=1,
    )
    return builders.make_token(project, scopes=(Scope.RATE,), rater=ana)[1]


@pytest.fixture
def machine(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize(
    "body",
    ["[" * 5000, '{"labels": {"\\ud800": "4"}}', '{"labels": {"a": "\\uDFFF"}}', "{", "\udcff"],
)
def test_json_that_cannot_be_held_or_answered_is_a_parse_error(machine: Client, body: str) -> None:
    raw = body.encode("utf-8", "surrogateescape")
    answer = machine.post("/api/v1/assignments/1/submit", raw, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_a_whole_surrogate_pair_is_a_character_like_any_other(machine: Client) -> None:
    body = '{"labels": {}, "rationale": "\\ud83d\\ude00"}'
    answer = machine.post("/api/v1/assignments/0/submit", body, content_type="application/json")
    assert answer.status_code == 404


def test_a_number_that_no_row_can_have_is_not_found(machine: Client, project: Project) -> None:
    answer = machine.post(
        f"/api/v1/projects/{project.slug}/rounds/{HUGE}/next", content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("page", [f"people/{HUGE}/", f"guidelines/{HUGE}/edit/"])
def test_a_page_of_a_row_that_cannot_be_is_not_found(page: str, project: Project) -> None:
    ada = builders.join(project, builders.make_user(username="ada"), *Role)
    browser = Client()
    browser.force_login(ada)
    assert browser.get(f"/projects/{project.slug}/{page}").status_code == 404


def test_a_key_whose_request_died_is_free_again_after_a_while(
    machine: Client, project: Project
) -> None:
    token = project.tokens.get()
    lost = IdempotencyKey.objects.create(principal=token.actor, key="k", request_digest="other")
    address = f"/api/v1/projects/{project.slug}/rounds/{project.rounds.get().pk}/next"
    headers = {"Idempotency-Key": "k"}
    answer = machine.post(address, content_type="application/json", headers=headers)
    assert answer.status_code == 409
    IdempotencyKey.objects.filter(pk=lost.pk).update(
        created_at=timezone.now() - timedelta(minutes=11)
    )
    answer = machine.post(address, content_type="application/json", headers=headers)
    assert answer.status_code == 200
