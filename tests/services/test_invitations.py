"""Invitations: what a link is worth, and when it is worth nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import services as people
from accounts.models import Invitation, Membership, Project, Rater, User
from accounts.roles import Role
from accounts.services import invitations
from core.errors import Conflict, Invalid, NotHere
from core.models import AuditEvent
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True)

WEEK = timedelta(days=7)
NEW = {"username": "dora", "display_name": "Dora", "password": "a-long-first-word"}


@pytest.fixture
def ada(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ada"), Role.ADMIN)


def invite(project: Project, by: User, **changed: object) -> str:
    wanted: dict[str, object] = {"roles": [Role.RATER, Role.LEAD], "most": 1} | changed
    _, secret = invitations.invite(
        project=project,
        by=by,
        **{"expires_at": timezone.now() + WEEK, **wanted},  # type: ignore[arg-type]
    )
    return secret


def accept(secret: str, **changed: str) -> Membership:
    return invitations.accept_as_new(secret=secret, now=timezone.now(), **(NEW | changed))


def test_only_the_hash_is_kept(project: Project, ada: User) -> None:
    secret = invite(project, ada)
    kept = Invitation.objects.get()
    assert secret not in str(Invitation.objects.values().get())
    assert len(kept.digest) == 64


def test_accepting_makes_an_account_with_the_roles(project: Project, ada: User) -> None:
    membership = accept(invite(project, ada, email="dora@example.org"))
    assert membership.roles == {Role.RATER, Role.LEAD}
    assert membership.user.email == "dora@example.org"
    assert Rater.objects.filter(project=project, user=membership.user).exists()
    assert AuditEvent.objects.get(verb="invitation.taken").actor == membership.user.actor


def test_a_link_for_one_lets_one_in(project: Project, ada: User) -> None:
    secret = invite(project, ada)
    accept(secret)
    with pytest.raises(Conflict, match="used already"):
        accept(secret, username="emil")
    assert not User.objects.filter(username="emil").exists()


def test_a_link_for_two_lets_two_in(project: Project, ada: User) -> None:
    secret = invite(project, ada, most=2)
    accept(secret)
    accept(secret, username="emil")
    with pytest.raises(Conflict):
        accept(secret, username="fay")


@pytest.mark.parametrize("end", ["expired", "revoked", "its maker was removed"])
def test_a_link_that_is_over_makes_no_account(project: Project, ada: User, end: str) -> None:
    eve = builders.join(project, builders.make_user(username="eve"), Role.ADMIN)
    secret = invite(project, eve)
    invitation = Invitation.objects.get()
    if end == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    elif end == "revoked":
        invitations.revoke(project=project, invitation_id=invitation.pk, by=ada, now=timezone.now())
    else:
        people.remove_member(project=project, user_id=eve.pk, by=ada)
    with pytest.raises(Conflict) as refusal:
        accept(secret)
    assert refusal.value.sentence.endswith("another one.")
    assert not User.objects.filter(username="dora").exists()
    assert Invitation.objects.get().uses == 0


def test_a_taken_name_takes_no_place(project: Project, ada: User) -> None:
    secret = invite(project, ada)
    with pytest.raises(Conflict) as refusal:
        accept(secret, username="ADA")
    assert refusal.value.code == "username_taken"
    assert Invitation.objects.get().uses == 0
    accept(secret)


def test_who_has_an_account_joins_with_it(project: Project, ada: User) -> None:
    ben = builders.make_user(username="ben")
    secret = invite(project, ada)
    invitations.accept_as(secret=secret, user=ben, now=timezone.now())
    assert Membership.objects.get(user=ben).roles == {Role.RATER, Role.LEAD}


def test_who_is_in_the_project_keeps_their_roles_and_takes_no_place(
    project: Project, ada: User
) -> None:
    secret = invite(project, ada)
    invitations.accept_as(secret=secret, user=ada, now=timezone.now())
    assert Membership.objects.get(user=ada).roles == {Role.ADMIN}
    assert Invitation.objects.get().uses == 0


def test_an_unknown_link_is_not_there(project: Project) -> None:
    with pytest.raises(NotHere):
        accept("made-up")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"roles": []}, "no_role"),
        ({"most": 0}, "uses_out_of_range"),
        ({"most": 101}, "uses_out_of_range"),
        ({"most": 2, "email": "dora@example.org"}, "email_of_many"),
    ],
)
def test_an_invitation_that_cannot_be_is_refused(
    project: Project, ada: User, changed: dict[str, object], code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        invite(project, ada, **changed)
    assert refusal.value.code == code
    assert not Invitation.objects.exists()
