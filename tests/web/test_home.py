"""The first page: my rounds and my projects, also when there are none."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project, User
from accounts.roles import Role
from annotation.models import Item, Round, RoundItem, RoundRater
from annotation.states import RoundState
from tests import builders

pytestmark = pytest.mark.django_db


def page_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse("home"))
    assert answer.status_code == 200
    return answer.content.decode()


def make_rounds(project: Project, user: User, *, count: int = 1) -> list[Round]:
    rater = builders.rater_of(project, user)
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id=f"i{n}") for n in range(4)]
    version = builders.make_guideline(project)
    return [
        builders.make_round(dataset, version, items=items, raters=[rater], name=f"Round {n}")
        for n in range(count)
    ]


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def ana(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ana"), Role.RATER)


def test_somebody_in_no_project_learns_what_to_do() -> None:
    text = page_of(builders.make_user(username="new"))
    assert "You are in no project yet" in text
    assert reverse("project_new") in text


def test_a_rater_without_rounds_is_told_to_wait(ana: User) -> None:
    assert "Nothing to rate yet" in page_of(ana)


def test_a_rater_sees_how_far_and_how_many_are_left(project: Project, ana: User) -> None:
    (round_,) = make_rounds(project, ana)
    item = Item.objects.order_by("pk")[0]
    builders.make_rating(round_, item, builders.rater_of(project, ana), labels={"safety": "4"})
    text = page_of(ana)
    assert "1 of 4 · 3 left" in text
    assert "Continue" in text
    assert reverse("rate", args=[project.slug, round_.pk]) in text


def test_the_quota_limits_what_is_left(project: Project, ana: User) -> None:
    make_rounds(project, ana)
    RoundRater.objects.update(quota=2)
    assert "0 of 2 · 2 left" in page_of(ana)


@pytest.mark.parametrize(
    ("state", "words"), [(RoundState.PAUSED, "paused"), (RoundState.CLOSED, "closed")]
)
def test_a_round_that_is_not_open_has_no_button(
    project: Project, ana: User, state: RoundState, words: str
) -> None:
    make_rounds(project, ana)
    Round.objects.update(state=state)
    text = page_of(ana)
    assert words in text
    assert "Continue" not in text


def test_a_round_without_anything_left_is_done(project: Project, ana: User) -> None:
    make_rounds(project, ana)
    RoundItem.objects.update(is_full=True)
    assert "all done" in page_of(ana)


def test_drafts_and_rounds_of_others_are_not_listed(project: Project, ana: User) -> None:
    make_rounds(project, ana)
    Round.objects.update(state=RoundState.DRAFT)
    ben = builders.join(project, builders.make_user(username="ben"), Role.RATER)
    assert "Round 0" not in page_of(ana)
    Round.objects.update(state=RoundState.OPEN)
    assert "Round 0" not in page_of(ben)


def test_a_lead_finds_the_projects(project: Project) -> None:
    lea = builders.join(project, builders.make_user(username="lea"), Role.LEAD, Role.ADMIN)
    text = page_of(lea)
    assert reverse("project", args=[project.slug]) in text
    assert "Lead, admin" in text
    assert "My rounds" not in text


def test_nobody_sees_it_without_signing_in() -> None:
    assert Client().get(reverse("home")).status_code == 302


@pytest.mark.parametrize("count", [1, 12])
def test_the_page_costs_the_same_for_many_rounds(
    project: Project,
    ana: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    count: int,
) -> None:
    make_rounds(project, ana, count=count)
    client = Client()
    client.force_login(ana)
    with django_assert_max_num_queries(6):
        client.get(reverse("home"))
