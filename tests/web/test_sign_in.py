"""Signing in and out; the demo's people appear only in a demo house."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.demo import DEMO_PEOPLE
from accounts.models import User
from tests import builders
from tests.builders import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return builders.make_user(username="ana")


def test_a_page_without_a_session_leads_to_the_sign_in_and_back() -> None:
    answer = Client().get(reverse("project_new"))
    assert answer["Location"] == f"{reverse('login')}?next={reverse('project_new')}"


def test_name_and_password_open_the_house(ana: User) -> None:
    client = Client()
    answer = client.post(reverse("login"), {"username": "ana", "password": PASSWORD})
    assert answer["Location"] == reverse("home")
    assert client.get(reverse("project_new")).status_code == 200


def test_a_wrong_password_is_refused_with_a_sentence(ana: User) -> None:
    answer = Client().post(reverse("login"), {"username": "ana", "password": "wrong"})
    assert answer.status_code == 422
    assert b"mended" in answer.content


def test_the_way_back_does_not_lead_to_another_house(ana: User) -> None:
    answer = Client().post(
        reverse("login"),
        {"username": "ana", "password": PASSWORD, "next": "https://elsewhere.example/"},
    )
    assert answer["Location"] == reverse("home")


def test_signing_out_is_a_post(ana: User) -> None:
    client = Client()
    client.force_login(ana)
    assert client.get(reverse("logout")).status_code == 405
    client.post(reverse("logout"))
    assert client.get(reverse("project_new")).status_code == 302


def test_a_demo_house_lists_its_people(settings: Settings) -> None:
    settings.DEMO = True
    page = Client().get(reverse("login")).content.decode()
    assert all(person.username in page for person in DEMO_PEOPLE)
    assert {role for person in DEMO_PEOPLE for role in person.roles} == {
        "rater",
        "lead",
        "adjudicator",
        "admin",
    }


def test_any_other_house_shows_no_password(settings: Settings) -> None:
    settings.DEMO = False
    page = Client().get(reverse("login")).content.decode()
    assert DEMO_PEOPLE[0].password not in page.replace("Plumbline", "").replace("plumbline.css", "")
