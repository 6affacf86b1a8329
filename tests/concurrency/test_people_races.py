"""Two people at one link, many tries at once, two workers at one message: on either database."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.core import mail as outbox
from django.utils import timezone
from pytest_django import Settings

from accounts import services
from accounts.models import Invitation, MailState, Notice, Project, Tries, User
from accounts.roles import Role
from accounts.services import invitations, leaving, notices, passwords, tries
from core.errors import Conflict, DomainError
from tests import builders
from tests.concurrency.racing import PATIENCE, at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

SOON = timedelta(days=1)


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def ada(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ada"), Role.ADMIN)


def link(project: Project, by: User) -> str:
    _, secret = invitations.invite(
        project=project, roles=[Role.RATER], expires_at=timezone.now() + SOON, by=by
    )
    return secret


def take(secret: str, name: str) -> bool:
    try:
        invitations.accept_as_new(
            secret=secret,
            username=name,
            display_name=name,
            password="a-long-first-word",
            now=timezone.now(),
        )
    except Conflict:
        return False
    return True


def test_control_looking_first_lets_both_in(project: Project, ada: User) -> None:
    """What taking must not be: each sees a free place, then takes it."""
    link(project, ada)
    pause = threading.Barrier(2, timeout=PATIENCE)

    def look_then_take() -> bool:
        row = Invitation.objects.get()
        is_free = row.uses < row.most
        pause.wait()
        return is_free

    assert at_once([look_then_take] * 2) == [True, True]


def test_of_many_who_take_a_link_for_one_one_gets_in(project: Project, ada: User) -> None:
    secret = link(project, ada)
    names = [f"guest{number}" for number in range(4)]
    assert sum(at_once([partial(take, secret, name) for name in names])) == 1
    assert User.objects.filter(username__in=names).count() == 1
    assert Invitation.objects.get().uses == 1


def test_one_person_in_two_windows_takes_one_place(project: Project, ada: User) -> None:
    secret = link(project, ada)
    Invitation.objects.update(most=2)
    ben = builders.make_user(username="ben")

    def join() -> bool:
        invitations.accept_as(secret=secret, user=ben, now=timezone.now())
        return True

    assert at_once([join] * 2) == [True, True]
    assert Invitation.objects.get().uses == 1


def test_of_two_who_use_one_link_for_a_password_one_sets_it(project: Project, ada: User) -> None:
    key = passwords.link_for(ada).partition("key=")[2]

    def set_it(password: str) -> bool:
        try:
            passwords.set_by_link(key=key, password=password)
        except Conflict:
            return False
        return True

    both = [partial(set_it, "first-long-word"), partial(set_it, "other-long-word")]
    assert sorted(at_once(both)) == [False, True]
    ada.refresh_from_db()
    assert ada.session_epoch == 1


def test_two_admins_who_close_each_others_account_leave_one(project: Project, ada: User) -> None:
    eve = builders.join(project, builders.make_user(username="eve"), Role.ADMIN)

    def close(whom: User, by: User) -> bool:
        try:
            leaving.close_account(user_id=whom.pk, by=by, now=timezone.now())
        except DomainError:
            return False
        return True

    assert sorted(at_once([partial(close, ada, eve), partial(close, eve, ada)])) == [False, True]


def test_closing_one_admin_while_the_other_is_removed_leaves_one(
    project: Project, ada: User
) -> None:
    eve = builders.join(project, builders.make_user(username="eve"), Role.ADMIN)

    def close() -> bool:
        try:
            leaving.close_account(user_id=ada.pk, by=eve, now=timezone.now())
        except DomainError:
            return False
        return True

    def remove() -> bool:
        try:
            services.remove_member(project=project, user_id=eve.pk, by=ada)
        except DomainError:
            return False
        return True

    assert sorted(at_once([close, remove])) == [False, True]


def test_control_counting_in_the_process_loses_tries() -> None:
    """What counting must not be: read, add, write."""
    Tries.objects.create(key="k", count=0, since=timezone.now())
    pause = threading.Barrier(2, timeout=PATIENCE)

    def count() -> None:
        seen = Tries.objects.get(key="k").count
        pause.wait()
        Tries.objects.filter(key="k").update(count=seen + 1)

    at_once([count] * 2)
    assert Tries.objects.get(key="k").count == 1


def test_many_tries_at_once_are_all_counted() -> None:
    def attempt() -> bool:
        try:
            tries.count(kind="x", name="n", most=3, within=SOON, now=timezone.now())
        except tries.TooMany:
            return False
        return True

    assert sum(at_once([attempt] * 8)) <= 3
    assert Tries.objects.get().count == 8


def make_notice(project: Project, user: User) -> None:
    Notice.objects.create(
        user=user,
        project=project,
        kind="round.open",
        key="k",
        address="/",
        mail=MailState.WAITING,
        mail_due_at=timezone.now(),
    )


def test_control_without_the_claim_two_workers_find_the_same_message(
    project: Project, ada: User
) -> None:
    make_notice(project, ada)
    pause = threading.Barrier(2, timeout=PATIENCE)

    def look() -> int:
        found = Notice.objects.filter(mail=MailState.WAITING).count()
        pause.wait()
        return found

    assert at_once([look] * 2) == [1, 1]


def test_two_workers_send_one_message_once(project: Project, ada: User, settings: Settings) -> None:
    settings.MAIL_FROM, settings.PUBLIC_ADDRESS = "house@example.org", "https://house.example"
    User.objects.filter(pk=ada.pk).update(email="ada@example.org")
    make_notice(project, ada)
    now = timezone.now()
    assert sorted(at_once([partial(notices.send_due, now)] * 2)) == [0, 1]
    assert len(outbox.outbox) == 1


def test_the_same_notice_from_two_acts_is_one(project: Project, ada: User) -> None:
    def tell() -> None:
        notices.notify(
            users=[ada.pk], project=project, kind="round.open", key="round.open:1", address="/x/"
        )

    at_once([tell] * 2)
    assert Notice.objects.count() == 1
