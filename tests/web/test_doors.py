"""Doors of pages: who gets in, and that those left out learn nothing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts.doors import Door, MemberRequest, door, membership_of, public, signed_in
from accounts.models import Project, User
from accounts.roles import STAFF, Role
from core.errors import NotAllowed, NotHere
from tests import builders
from tests.cast import Cast, ClientFor

pytestmark = pytest.mark.django_db


@door(Role.LEAD, Role.ADMIN)
def for_leads_and_admins(request: MemberRequest) -> HttpResponse:
    return HttpResponse(f"{request.project.slug} {sorted(request.membership.roles)}")


@door()
def for_members(request: MemberRequest) -> HttpResponse:
    return HttpResponse("in")


def asked_by(user: object) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user  # type: ignore[assignment]
    return request


@pytest.mark.parametrize("name", ["lea", "ada"])
def test_a_member_with_one_of_the_roles_gets_in(cast: Cast, name: str) -> None:
    answer = for_leads_and_admins(asked_by(getattr(cast, name)), "support")
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["ana", "noor"])
def test_a_member_without_the_role_is_told_whose_page_it_is(cast: Cast, name: str) -> None:
    with pytest.raises(NotAllowed, match="for the project's admins and leads"):
        for_leads_and_admins(asked_by(getattr(cast, name)), "support")


def test_one_role_of_several_is_enough(project: Project, cast: Cast) -> None:
    builders.join(project, cast.ana, Role.RATER, Role.LEAD)
    assert for_leads_and_admins(asked_by(cast.ana), "support").status_code == 200


def test_a_door_without_roles_is_for_every_member(cast: Cast) -> None:
    for name in ("ana", "lea", "noor", "ada"):
        assert for_members(asked_by(getattr(cast, name)), "support").status_code == 200


def test_an_outsider_cannot_tell_a_project_from_none(cast: Cast) -> None:
    said = []
    for slug in ("support", "there-is-none"):
        with pytest.raises(NotHere) as refusal:
            for_members(asked_by(cast.olu), slug)
        said.append(refusal.value.sentence)
    assert said[0] == said[1]


def test_a_role_holds_in_its_own_project_only(cast: Cast) -> None:
    other = builders.make_project(slug="beside")
    builders.join(other, cast.lea, Role.RATER)
    with pytest.raises(NotAllowed):
        for_leads_and_admins(asked_by(cast.lea), "beside")


@pytest.mark.parametrize("flag", ["is_superuser", "is_staff"])
def test_staff_of_the_house_are_outsiders_to_a_project(cast: Cast, flag: str) -> None:
    setattr(cast.olu, flag, True)
    cast.olu.save()
    with pytest.raises(NotHere):
        for_members(asked_by(cast.olu), "support")


def test_a_closed_account_opens_no_door(cast: Cast) -> None:
    cast.lea.is_active = False
    cast.lea.save()
    with pytest.raises(NotHere):
        for_members(asked_by(cast.lea), "support")


def test_nobody_is_a_member_without_an_account(cast: Cast) -> None:
    with pytest.raises(NotHere):
        membership_of(AnonymousUser(), "support")


def test_a_view_has_the_project_and_the_roles_of_who_asks(cast: Cast) -> None:
    answer = for_leads_and_admins(asked_by(cast.ada), "support")
    assert isinstance(answer, HttpResponse)
    assert answer.content == b"support [<Role.ADMIN: 'admin'>]"


def test_a_guard_tells_its_door() -> None:
    doors = [
        getattr(view, "door", None)
        for view in (for_leads_and_admins, signed_in(for_members), public(for_members))
    ]
    assert doors == [
        Door("member", frozenset({Role.LEAD, Role.ADMIN})),
        Door("signed_in"),
        Door("public"),
    ]


def test_staff_are_all_but_raters() -> None:
    assert set(STAFF) == set(Role) - {Role.RATER}


@pytest.mark.parametrize(
    ("name", "status"), [("ana", 403), ("lea", 403), ("ada", 200), ("olu", 404)]
)
def test_a_page_answers_as_its_door_says(
    cast: Cast, client_for: ClientFor, name: str, status: int
) -> None:
    person: User = getattr(cast, name)
    assert client_for(person).get("/projects/support/people/").status_code == status


def test_without_an_account_one_is_sent_to_sign_in_and_back(cast: Cast, client: Client) -> None:
    answer = client.get("/projects/support/people/")
    assert answer["Location"] == "/sign-in/?next=/projects/support/people/"


def test_a_removed_member_is_outside_at_once(
    project: Project, cast: Cast, client_for: ClientFor
) -> None:
    browser = client_for(cast.ada)
    project.memberships.filter(user=cast.ada).delete()
    assert browser.get("/projects/support/people/").status_code == 404
