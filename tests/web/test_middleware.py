"""Request ids, and refusals as page, fragment or JSON."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from accounts.doors import public
from core import audit
from core.errors import Conflict, Invalid, NotAllowed, NotHere, NotReady, OverBudget
from core.models import AuditEvent

pytestmark = pytest.mark.django_db

REFUSALS = {
    "invalid": (Invalid("label_unknown", "The label <7> is none of 1 to 5."), 422),
    "missing": (NotHere("There is no such round."), 404),
    "forbidden": (NotAllowed("This page is for leads."), 403),
    "conflict": (Conflict("already_closed", "The round is closed already."), 409),
    "early": (NotReady("no_items", "Import items first."), 409),
    "costly": (OverBudget("over_budget", "The budget does not reach."), 409),
}


@public
def refusing(request: HttpRequest, name: str) -> HttpResponse:
    error, _ = REFUSALS[name]
    raise error


@public
def with_fields(request: HttpRequest) -> HttpResponse:
    raise Invalid("invalid", "Two fields cannot be taken.", {"share": ["From 0 to below 1."]})


@public
def recording(request: HttpRequest) -> HttpResponse:
    audit.record(actor="system", verb="looked", object_type="test")
    return HttpResponse("")


@public
def numbered(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse("there")


class Urls:
    urlpatterns = [
        path("", include("config.urls")),
        path("refusing/<str:name>/", refusing),
        path("api/refusing/<str:name>/", refusing),
        path("with-fields/", with_fields),
        path("api/with-fields/", with_fields),
        path("recording/", recording),
        path("numbered/<int:number>/", numbered),
    ]


@pytest.fixture(autouse=True)
def _own_urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = Urls


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_a_page_with_its_status(client: Client, name: str) -> None:
    error, status = REFUSALS[name]
    answer = client.get(f"/refusing/{name}/")
    assert answer.status_code == status
    assert b"<!doctype html>" in answer.content
    assert error.sentence.split("<")[0] in answer.content.decode()


def test_the_sentence_of_a_refusal_is_escaped(client: Client) -> None:
    answer = client.get("/refusing/invalid/")
    assert b"The label &lt;7&gt; is none of 1 to 5." in answer.content


def test_the_page_of_a_refusal_names_each_field(client: Client) -> None:
    assert b"share: From 0 to below 1." in client.get("/with-fields/").content


@pytest.mark.parametrize("name", REFUSALS)
def test_htmx_gets_a_refusal_as_a_fragment_with_one_root(client: Client, name: str) -> None:
    answer = client.get(f"/refusing/{name}/", headers={"HX-Request": "true"})
    assert answer.status_code == REFUSALS[name][1]
    assert answer.content.strip().startswith(b'<div id="error"')
    assert b"<html" not in answer.content


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_a_boosted_or_restored_page_gets_a_refusal_as_a_page(client: Client, header: str) -> None:
    answer = client.get("/refusing/missing/", headers={"HX-Request": "true", header: "true"})
    assert b"<!doctype html>" in answer.content


@pytest.mark.parametrize("name", REFUSALS)
def test_the_api_gets_a_refusal_as_json(client: Client, name: str) -> None:
    error, status = REFUSALS[name]
    answer = client.get(f"/api/refusing/{name}/")
    assert answer.status_code == status
    assert answer.json() == {"code": error.code, "message": error.sentence, "fields": {}}


def test_the_json_of_a_refusal_names_each_field(client: Client) -> None:
    answer = client.get("/api/with-fields/")
    assert answer.json()["fields"] == {"share": ["From 0 to below 1."]}


def test_a_number_that_no_row_can_have_is_not_here(client: Client) -> None:
    assert client.get("/numbered/7/").status_code == 200
    assert client.get(f"/numbered/{2**63}/").status_code == 404


def test_an_answer_names_the_request_that_it_was_given(client: Client) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": "from.proxy-1_a"})
    assert answer["X-Request-Id"] == "from.proxy-1_a"


@pytest.mark.parametrize("given", ["", "two words", "a" * 65, "né", "<b>"])
def test_a_request_without_a_usable_id_gets_one(client: Client, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": given})
    assert len(answer["X-Request-Id"]) == 32
    assert answer["X-Request-Id"] != given


def test_two_requests_have_two_ids(client: Client) -> None:
    ids = {client.get("/healthz")["X-Request-Id"] for _ in range(2)}
    assert len(ids) == 2


def test_an_audit_row_carries_the_id_of_its_request(client: Client) -> None:
    client.get("/recording/", headers={"X-Request-Id": "act-17"})
    assert AuditEvent.objects.get().request_id == "act-17"


def test_a_refusal_carries_its_request_id_too(client: Client) -> None:
    answer = client.get("/refusing/missing/", headers={"X-Request-Id": "lost-3"})
    assert answer["X-Request-Id"] == "lost-3"


def test_no_request_id_is_left_behind(client: Client) -> None:
    client.get("/healthz")
    assert audit.current_request_id.get() == ""


SUBMIT = "/projects/support/ratings/1/submit/"
BENCH = "http://testserver/projects/support/rounds/1/rate/"


def test_a_fragment_for_somebody_signed_out_leads_the_whole_page_to_the_sign_in(
    client: Client,
) -> None:
    answer = client.post(SUBMIT, headers={"HX-Request": "true", "HX-Current-URL": BENCH})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Redirect"] == "/sign-in/?next=/projects/support/rounds/1/rate/"


def test_a_form_of_somebody_signed_out_leads_back_to_its_page_not_to_its_address(
    client: Client,
) -> None:
    answer = client.post(SUBMIT, headers={"Referer": BENCH})
    assert answer.status_code == 302
    assert answer["Location"] == "/sign-in/?next=/projects/support/rounds/1/rate/"


@pytest.mark.parametrize("name", ["Referer", "HX-Current-URL"])
def test_nobody_is_led_to_another_house_after_the_sign_in(client: Client, name: str) -> None:
    answer = client.post(SUBMIT, headers={name: "https://elsewhere.example/x/"})
    assert answer["Location"] == "/sign-in/?next=/"


def test_a_page_for_somebody_signed_out_is_the_one_after_the_sign_in(client: Client) -> None:
    answer = client.get("/projects/support/?a=b")
    assert answer["Location"] == "/sign-in/?next=/projects/support/%3Fa%3Db"
