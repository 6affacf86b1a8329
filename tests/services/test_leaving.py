"""Leaving: what ends at once when somebody is removed or an account is closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.models import Membership, Project, User
from accounts.roles import Role
from accounts.services import leaving, passwords
from annotation.models import Assignment, Draft, RoundItem
from annotation.services import claim
from annotation.states import AssignmentState
from core.errors import Conflict, NotAllowed
from core.models import AuditEvent
from tests import builders
from tests.builders import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ada"), Role.ADMIN)


@pytest.fixture
def ana(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ana"), Role.RATER)


def lease(project: Project, user: User) -> Assignment:
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id="one")]
    rater = builders.rater_of(project, user)
    round_ = builders.make_round(
        dataset, builders.make_guideline(project), items=items, raters=[rater], overlap=1
    )
    given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=timezone.now())
    assert given.assignment_id is not None
    return Assignment.objects.get(pk=given.assignment_id)


def close(user: User, by: User) -> None:
    leaving.close_account(user_id=user.pk, by=by, now=timezone.now())


def test_a_closed_account_signs_in_no_more_and_its_sessions_end(ada: User, ana: User) -> None:
    browser = Client()
    browser.login(username="ana", password=PASSWORD)
    close(ana, ada)
    assert browser.get(reverse("home")).status_code == 302
    assert not Client().login(username="ana", password=PASSWORD)


def test_an_old_session_stays_over_when_the_account_is_opened_again(ada: User, ana: User) -> None:
    browser = Client()
    browser.login(username="ana", password=PASSWORD)
    close(ana, ada)
    leaving.open_account(user_id=ana.pk, by=ada)
    assert browser.get(reverse("home")).status_code == 302
    assert Client().login(username="ana", password=PASSWORD)


@pytest.mark.parametrize("way_out", ["removed", "closed"])
def test_what_is_held_goes_back_to_the_others(
    way_out: str, project: Project, ada: User, ana: User
) -> None:
    held = lease(project, ana)
    if way_out == "removed":
        services.remove_member(project=project, user_id=ana.pk, by=ada)
    else:
        close(ana, ada)
    held.refresh_from_db()
    assert (held.state, held.rater) == (AssignmentState.OPEN, None)
    assert RoundItem.objects.get(round=held.round).taken == 0
    assert Draft.objects.filter(round=held.round).exists()
    assert AuditEvent.objects.filter(verb="round.item_handed_back", actor=ada.actor).exists()


def test_another_project_keeps_what_is_held_there(project: Project, ada: User, ana: User) -> None:
    other = builders.make_project(slug="other")
    builders.join(other, ana, Role.RATER)
    held = lease(other, ana)
    services.remove_member(project=project, user_id=ana.pk, by=ada)
    held.refresh_from_db()
    assert held.state == AssignmentState.LEASED


def test_the_last_admin_s_account_is_not_closed(project: Project, ada: User) -> None:
    with pytest.raises(Conflict, match=project.name) as refusal:
        close(ada, ada)
    assert refusal.value.code == "last_admin"
    ada.refresh_from_db()
    assert ada.is_active
    assert ada.session_epoch == 0


ACTS: dict[str, Callable[[User, User], object]] = {
    "close": lambda whom, by: close(whom, by),
    "open": lambda whom, by: leaving.open_account(user_id=whom.pk, by=by),
    "link": lambda whom, by: passwords.make_link(user_id=whom.pk, by=by),
}


@pytest.mark.parametrize("act", ACTS)
def test_an_account_in_a_project_of_others_is_not_theirs_to_act_on(
    act: str, ada: User, ana: User
) -> None:
    builders.join(builders.make_project(slug="other"), ana, Role.RATER)
    with pytest.raises(NotAllowed):
        ACTS[act](ana, ada)
    ana.refresh_from_db()
    assert ana.is_active


def test_who_has_rated_elsewhere_is_not_theirs_alone_either(ada: User, ana: User) -> None:
    other = builders.make_project(slug="other")
    builders.join(other, ana, Role.RATER)
    Membership.objects.filter(project=other).delete()
    with pytest.raises(NotAllowed):
        close(ana, ada)


def test_staff_of_the_house_are_acted_on_by_superusers_alone(ada: User, ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(is_staff=True)
    with pytest.raises(NotAllowed):
        close(ana, ada)
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    ada.refresh_from_db()
    close(ana, ada)


def test_closing_twice_is_told_once(ada: User, ana: User) -> None:
    close(ana, ada)
    close(ana, ada)
    assert AuditEvent.objects.filter(verb="account.closed").count() == 1
