"""The pages of invitations: made, shown once, taken, refused with a sentence."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, Membership, Project, User
from accounts.roles import Role
from tests import builders
from tests.builders import PASSWORD

pytestmark = pytest.mark.django_db

FORM = {"roles": ["rater"], "lasts": "7", "most": "1", "email": ""}
NEW = {"username": "dora", "display_name": "Dora", "password": "a-long-first-word"}


@pytest.fixture
def ada(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ada"), Role.ADMIN)


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url() -> str:
    return reverse("invitations", args=["support"])


def link_made(ada: User, **changed: object) -> str:
    page = as_(ada).post(url(), FORM | changed).content.decode()
    found = re.search(r"data-secret>http://testserver(/join/\?key=[\w-]+)<", page)
    assert found is not None
    return found.group(1)


def test_the_link_is_shown_once_and_kept_by_no_browser(ada: User) -> None:
    answer = as_(ada).post(url(), FORM)
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    assert "key=" not in as_(ada).get(url()).content.decode()


def test_whoever_takes_the_link_has_an_account_and_is_signed_in(ada: User) -> None:
    link, guest = link_made(ada), Client()
    assert "Support" in guest.get(link).content.decode()
    assert guest.post(link, NEW)["Location"] == reverse("home")
    assert guest.get(reverse("home")).status_code == 200
    assert Membership.objects.get(user__username="dora").roles == {Role.RATER}
    assert Client().login(username="dora", password=NEW["password"])


def test_reading_the_link_takes_no_place(ada: User) -> None:
    Client().get(link_made(ada))
    assert Invitation.objects.get().uses == 0


def test_who_is_signed_in_joins_as_oneself(ada: User) -> None:
    ben = as_(builders.make_user(username="ben"))
    link = link_made(ada)
    assert "Ben" in ben.get(link).content.decode()
    ben.post(link)
    assert Membership.objects.filter(user__username="ben").exists()


def test_signing_in_leads_back_to_the_link(ada: User) -> None:
    builders.make_user(username="ben")
    link, guest = link_made(ada), Client()
    found = re.search(r'href="(/sign-in/[^"]+)"', guest.get(link).content.decode())
    assert found is not None
    answer = guest.post(found.group(1), {"username": "ben", "password": PASSWORD})
    assert answer["Location"] == link


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"uses": 1}, "used already"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "expired"),
        ({"revoked_at": timezone.now()}, "revoked"),
    ],
)
def test_a_link_that_is_over_says_so(ada: User, change: dict[str, object], word: str) -> None:
    link = link_made(ada)
    Invitation.objects.update(**change)
    for answer in (Client().get(link), Client().post(link, NEW)):
        assert answer.status_code == 409
        assert word in answer.content.decode()
        # Whoever has no account yet has no work here either.
        assert "To my work" not in answer.content.decode()
    assert not User.objects.filter(username="dora").exists()


@pytest.mark.parametrize("key", ["", "made-up", "a\x00b", "x" * 5000])
def test_a_made_up_link_is_not_there(ada: User, key: str) -> None:
    assert Client().get(reverse("join"), {"key": key}).status_code == 404


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password": "short"}, "too short"),
        ({"password": "password"}, "too common"),
        ({"username": "ada"}, "taken"),
        ({"username": "two words"}, "no spaces"),
    ],
)
def test_an_account_that_cannot_be_takes_no_place(
    ada: User, change: dict[str, str], sentence: str
) -> None:
    answer = Client().post(link_made(ada), NEW | change)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert Invitation.objects.get().uses == 0


@pytest.mark.parametrize(
    "change",
    [{"roles": []}, {"lasts": "999"}, {"most": "0"}, {"most": "2", "email": "dora@example.org"}],
)
def test_an_invitation_that_cannot_be_is_refused(ada: User, change: dict[str, object]) -> None:
    assert as_(ada).post(url(), FORM | change).status_code == 422
    assert not Invitation.objects.exists()


def test_the_list_tells_each_state_and_revokes(ada: User) -> None:
    link_made(ada)
    row = Invitation.objects.get()
    assert "open" in as_(ada).get(url()).content.decode()
    as_(ada).post(reverse("invitation_revoke", args=["support", row.pk]))
    row.refresh_from_db()
    assert row.revoked_at is not None
    assert "revoked" in as_(ada).get(url()).content.decode()


def test_an_invitation_of_another_project_is_not_there(ada: User) -> None:
    other = builders.make_project(slug="other")
    foreign = Invitation.objects.create(
        project=other, digest="x", hint="x", expires_at=timezone.now()
    )
    answer = as_(ada).post(reverse("invitation_revoke", args=["support", foreign.pk]))
    assert answer.status_code == 404


def test_nobody_registers_without_a_link() -> None:
    assert Client().post(reverse("join"), NEW).status_code == 404
    assert not User.objects.exists()
