"""Passwords: changed by their owner, set anew by a link, never told and never guessed for long."""

from __future__ import annotations

import re

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import services
from accounts.models import Project, Tries, User
from accounts.roles import Role
from accounts.services import passwords
from core.models import Job
from tests import builders
from tests.builders import PASSWORD

pytestmark = pytest.mark.django_db

NEW = "another-long-word"
TWICE = {"password": NEW, "again": NEW}


@pytest.fixture
def ada(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ada"), Role.ADMIN)


@pytest.fixture
def ana(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ana"), Role.RATER)


@pytest.fixture
def mailing(settings: Settings) -> None:
    settings.MAIL_FROM = "house@example.org"
    settings.PUBLIC_ADDRESS = "https://house.example"


def browser(name: str, password: str = PASSWORD) -> Client:
    client = Client()
    assert client.login(username=name, password=password)
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("home")).status_code == 200


# Changed by the owner -----------------------------------------------------------------------------


def test_a_changed_password_ends_other_sessions_and_keeps_this_one(ana: User) -> None:
    here, elsewhere = browser("ana"), browser("ana")
    answer = here.post(reverse("password_change"), {"old": PASSWORD} | TWICE)
    assert answer.status_code == 302
    assert is_in(here)
    assert not is_in(elsewhere)
    assert is_in(browser("ana", NEW))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"old": "wrong"}, "not your password"),
        ({"again": "something-else"}, "not the same"),
        ({"password": "short", "again": "short"}, "too short"),
        ({"password": "password", "again": "password"}, "too common"),
    ],
)
def test_a_change_that_cannot_be_is_refused(
    ana: User, change: dict[str, str], sentence: str
) -> None:
    answer = browser("ana").post(reverse("password_change"), {"old": PASSWORD} | TWICE | change)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert is_in(browser("ana"))


def test_an_open_session_is_no_place_to_find_the_password_out_in(ana: User) -> None:
    here = browser("ana")
    wrong = {"old": "wrong"} | TWICE
    answers = [here.post(reverse("password_change"), wrong).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    assert here.post(reverse("password_change"), {"old": PASSWORD} | TWICE).status_code == 429


# A link from an admin -----------------------------------------------------------------------------


def link_for(ana: User) -> str:
    page = browser("ada").post(reverse("person_reset_link", args=["support", ana.pk]))
    found = re.search(r"data-secret>http://testserver(/password/new/[^<]+)<", page.content.decode())
    assert page.status_code == 201
    assert found is not None
    return found.group(1)


def test_a_link_sets_the_password_once_and_ends_every_session(ada: User, ana: User) -> None:
    before, guest = browser("ana"), Client()
    link = link_for(ana)
    assert guest.post(link, TWICE)["Location"] == reverse("login")
    assert not is_in(before)
    assert is_in(browser("ana", NEW))
    again = guest.post(link, {"password": "third-long-word", "again": "third-long-word"})
    assert again.status_code == 409
    assert is_in(browser("ana", NEW))


@pytest.mark.parametrize("end", ["a sign-in", "another project", "a closed account"])
def test_a_link_is_void_after(end: str, ada: User, ana: User) -> None:
    link = link_for(ana)
    if end == "a sign-in":
        browser("ana")
    elif end == "another project":
        services.set_roles(
            project=builders.make_project(slug="other"),
            user=ana,
            roles=[Role.LEAD],
            actor="system",
        )
    else:
        User.objects.filter(pk=ana.pk).update(is_active=False)
    assert Client().get(link).status_code == 409
    assert Client().post(link, TWICE).status_code == 409


def test_a_link_grows_old(ada: User, ana: User, settings: Settings) -> None:
    link = link_for(ana)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert Client().get(link).status_code == 409


@pytest.mark.parametrize("key", ["", "1.x", "zzz.a-b", "\x00.", "99999999999999999999.a-b"])
def test_a_made_up_key_is_refused(ana: User, key: str) -> None:
    assert Client().get(reverse("password_set"), {"key": key}).status_code == 409


def test_a_link_for_one_opens_no_other_account(ada: User, ana: User) -> None:
    link = passwords.link_for(ana)
    token = link.partition("key=")[2].partition(".")[2]
    other = passwords.link_for(ada).partition("key=")[2].partition(".")[0]
    assert Client().get(f"{reverse('password_set')}?key={other}.{token}").status_code == 409


# By mail ------------------------------------------------------------------------------------------


def ask(name: str) -> tuple[int, str]:
    answer = Client().post(reverse("password_forgotten"), {"name": name})
    text = re.sub(
        r'name="csrfmiddlewaretoken" value="\w+"|X-CSRFToken": "\w+"', "", answer.content.decode()
    )
    return answer.status_code, text


def run_jobs() -> None:
    for job in Job.objects.filter(kind=passwords.MAIL_JOB):
        passwords.mail_job(job.pk)


@pytest.mark.parametrize("name", ["ana", "ana@example.org", "ANA@example.org"])
@pytest.mark.usefixtures("mailing")
def test_a_link_comes_by_mail(name: str, ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(email="ana@example.org")
    ask(name)
    assert not outbox.outbox
    assert "key" not in str(Job.objects.get().plan)
    run_jobs()
    (message,) = outbox.outbox
    assert message.to == ["ana@example.org"]
    found = re.search(r"https://house\.example(/password/new/\S+)", str(message.body))
    assert found is not None
    assert Client().post(found.group(1), TWICE).status_code == 302
    assert is_in(browser("ana", NEW))


@pytest.mark.usefixtures("mailing")
def test_the_answer_does_not_tell_whether_anybody_has_the_name(ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(email="ana@example.org")
    assert ask("ana") == ask("nobody")
    run_jobs()
    assert len(outbox.outbox) == 1


@pytest.mark.usefixtures("mailing")
def test_links_by_mail_are_limited_for_names_that_exist_and_others_alike(ana: User) -> None:
    for name in ("ana", "nobody"):
        assert [ask(name)[0] for _ in range(4)] == [200, 200, 200, 429]


def test_without_mail_the_page_says_whom_to_ask(ana: User) -> None:
    page = Client().get(reverse("password_forgotten")).content.decode()
    assert "No mail is set up here" in page
    assert Client().post(reverse("password_forgotten"), {"name": "ana"}).status_code == 409


# Tries --------------------------------------------------------------------------------------------


def sign_in(password: str, name: str = "ana", place: str = "10.0.0.1") -> int:
    return (
        Client(REMOTE_ADDR=place)
        .post(reverse("login"), {"username": name, "password": password})
        .status_code
    )


def test_after_ten_tries_even_the_right_password_waits(ana: User) -> None:
    assert [sign_in("wrong") for _ in range(11)] == [422] * 10 + [429]
    assert sign_in(PASSWORD) == 429
    assert sign_in(PASSWORD, place="10.0.0.2") == 302


def test_signing_in_often_is_no_reason_to_wait(ana: User) -> None:
    assert {sign_in(PASSWORD) for _ in range(60)} == {302}


def test_a_name_that_nobody_has_is_answered_alike(ana: User) -> None:
    assert [sign_in("wrong", name="nobody") for _ in range(11)] == [422] * 10 + [429]


def test_a_sign_in_forgets_the_tries_before_it(ana: User) -> None:
    for _ in range(9):
        sign_in("wrong")
    assert sign_in(PASSWORD) == 302
    assert [sign_in("wrong") for _ in range(10)] == [422] * 10


def test_many_places_do_not_help(ana: User) -> None:
    tried = [sign_in("wrong", place=f"10.0.1.{number}") for number in range(51)]
    assert tried == [422] * 50 + [429]


def test_the_table_of_tries_names_nobody(ana: User) -> None:
    sign_in("wrong")
    assert "ana" not in str(list(Tries.objects.values()))
    assert "10.0.0.1" not in str(list(Tries.objects.values()))
