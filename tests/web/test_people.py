"""People: an admin lets them in, changes their roles, shuts them out; nobody else does."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import ApiToken, Membership, Project, Rater, User
from accounts.roles import Role
from core.models import AuditEvent
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def ada(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ada"), Role.ADMIN)


@pytest.fixture
def ana(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ana"), Role.RATER)


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_page_names_members_and_their_roles(ada: User, ana: User) -> None:
    page = as_(ada).get(reverse("people", args=["support"])).content.decode()
    assert "Ana" in page
    assert "rater" in page


def test_an_admin_adds_an_existing_account(ada: User, project: Project) -> None:
    builders.make_user(username="ben")

    as_(ada).post(
        reverse("person_add", args=["support"]), {"username": "ben", "roles": ["rater", "lead"]}
    )

    member = Membership.objects.get(project=project, user__username="ben")
    assert member.roles == {Role.RATER, Role.LEAD}
    assert Rater.objects.filter(project=project, user__username="ben").exists()


def test_adding_nobody_known_says_so(ada: User) -> None:
    answer = as_(ada).post(
        reverse("person_add", args=["support"]), {"username": "bem", "roles": ["rater"]}
    )
    assert answer.status_code == 422
    assert b"Nobody signs in under this name" in answer.content


def test_a_member_without_a_role_is_refused(ada: User) -> None:
    builders.make_user(username="ben")
    answer = as_(ada).post(reverse("person_add", args=["support"]), {"username": "ben"})
    assert answer.status_code == 422
    assert b"Choose at least one role" in answer.content


NEW = {
    "username": "dora",
    "display_name": "Dora",
    "password": "a-long-first-word",
    "roles": ["rater"],
}


def test_a_new_account_can_sign_in_at_once(ada: User, project: Project) -> None:
    as_(ada).post(reverse("person_new", args=["support"]), NEW)

    assert Client().login(username="dora", password="a-long-first-word")
    assert Membership.objects.get(project=project, user__username="dora").roles == {Role.RATER}


def test_a_password_is_in_no_page_and_no_audit_row(ada: User) -> None:
    answer = as_(ada).post(reverse("person_new", args=["support"]), NEW | {"username": "two words"})
    as_(ada).post(reverse("person_new", args=["support"]), NEW)

    assert b"a-long-first-word" not in answer.content
    assert not any("a-long-first-word" in str(one.data) for one in AuditEvent.objects.all())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password": "short"}, "too short"),
        ({"password": "password"}, "too common"),
        ({"username": "two words"}, "no spaces"),
        ({"username": "ADA"}, "taken"),
        ({"display_name": ""}, "required"),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    ada: User, change: dict[str, str], sentence: str
) -> None:
    answer = as_(ada).post(reverse("person_new", args=["support"]), NEW | change)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert User.objects.count() == 1


def test_roles_are_changed(ada: User, ana: User, project: Project) -> None:
    as_(ada).post(reverse("person", args=["support", ana.pk]), {"roles": ["lead"]})
    assert Membership.objects.get(project=project, user=ana).roles == {Role.LEAD}


def test_removing_asks_first_and_keeps_the_name_in_the_tables(
    ada: User, ana: User, project: Project
) -> None:
    url = reverse("person_remove", args=["support", ana.pk])
    assert as_(ada).get(url).status_code == 200
    assert Membership.objects.filter(user=ana).exists()

    as_(ada).post(url)

    assert not Membership.objects.filter(user=ana).exists()
    assert Rater.objects.filter(project=project, name="Ana").exists()
    assert AuditEvent.objects.filter(verb="membership.removed", object_id=str(ana.pk)).exists()


def test_the_last_admin_stays(ada: User) -> None:
    removed = as_(ada).post(reverse("person_remove", args=["support", ada.pk]))
    changed = as_(ada).post(reverse("person", args=["support", ada.pk]), {"roles": ["lead"]})

    assert (removed.status_code, changed.status_code) == (409, 422)
    assert Membership.objects.get(user=ada).is_admin


def test_removing_names_the_tokens_that_the_person_made(
    ada: User, ana: User, project: Project
) -> None:
    token, _ = builders.make_token(project)
    ApiToken.objects.filter(pk=token.pk).update(made_by=ana, name="nightly check")
    for name in ("person_remove", "person_account", "person_close"):
        page = as_(ada).get(reverse(name, args=["support", ana.pk])).content.decode()
        assert "nightly check" in page


def test_an_account_is_closed_and_opened_again(ada: User, ana: User) -> None:
    as_(ada).post(reverse("person_close", args=["support", ana.pk]))
    assert "account closed" in as_(ada).get(reverse("people", args=["support"])).content.decode()
    assert not Client().login(username="ana", password=builders.PASSWORD)
    as_(ada).post(reverse("person_open", args=["support", ana.pk]))
    assert Client().login(username="ana", password=builders.PASSWORD)


def test_an_account_that_is_in_other_projects_too_is_only_looked_at(ada: User, ana: User) -> None:
    builders.join(builders.make_project(slug="other"), ana, Role.RATER)
    page = as_(ada).get(reverse("person_account", args=["support", ana.pk])).content.decode()
    assert "Erase this person" not in page
    for name in ("person_close", "person_open", "person_reset_link"):
        assert as_(ada).post(reverse(name, args=["support", ana.pk])).status_code == 403


PAGES = ["people", "person_add", "person_new", "person", "person_remove", "person_account"]


def address(name: str, user: User) -> str:
    return reverse(
        name,
        args=["support", user.pk]
        if name.startswith("person") and name not in ("person_add", "person_new")
        else ["support"],
    )


@pytest.mark.parametrize("name", PAGES)
def test_an_outsider_finds_nothing(name: str, ana: User) -> None:
    assert as_(builders.make_user(username="olu")).get(address(name, ana)).status_code == 404


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", [Role.RATER, Role.LEAD, Role.ADJUDICATOR])
def test_only_admins_are_let_in(name: str, role: Role, project: Project, ana: User) -> None:
    other = builders.join(project, builders.make_user(username="other"), role)
    assert as_(other).get(address(name, ana)).status_code == 403


def test_a_stranger_is_no_member(ada: User) -> None:
    olu = builders.make_user(username="olu")
    assert as_(ada).get(reverse("person", args=["support", olu.pk])).status_code == 404


def test_the_list_takes_no_post(ada: User) -> None:
    assert as_(ada).post(reverse("people", args=["support"])).status_code == 405


def test_the_list_costs_the_same_for_many_people(
    ada: User, project: Project, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        builders.join(project, builders.make_user(username=f"p{number}"), Role.RATER)
    client = as_(ada)
    with django_assert_max_num_queries(16):
        client.get(reverse("people", args=["support"]))
