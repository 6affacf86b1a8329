"""Projects: whoever makes one leads it; the first page says what comes next."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import Membership, Project, User
from accounts.roles import Role
from annotation.queries.projects import next_step
from annotation.states import RoundState
from core import registry
from core.errors import Conflict, Invalid
from core.models import AuditEvent
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def lea() -> User:
    return builders.make_user(username="lea")


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_whoever_makes_a_project_leads_and_administers_it(lea: User) -> None:
    project = services.create_project(name="Support", slug="", by=lea)

    assert project.slug == "support"
    assert Membership.objects.get(project=project).roles == {Role.LEAD, Role.ADMIN}
    assert AuditEvent.objects.filter(verb="project.created", actor=lea.actor).exists()


def test_an_address_is_taken_once(lea: User) -> None:
    services.create_project(name="Support", slug="support", by=lea)
    with pytest.raises(Conflict):
        services.create_project(name="Other", slug="support", by=lea)


@pytest.mark.parametrize("name", ["new", "???"])
def test_a_name_that_makes_no_address_is_refused(lea: User, name: str) -> None:
    with pytest.raises(Invalid):
        services.create_project(name=name, slug="", by=lea)


def test_a_project_is_made_in_the_browser(lea: User) -> None:
    answer = as_(lea).post(reverse("project_new"), {"name": "Support", "slug": "support"})
    assert answer["Location"] == reverse("project", args=["support"])


@pytest.mark.parametrize("slug", ["new", "Two words", "support", "", "ü"])
def test_a_bad_address_is_refused_in_the_browser(lea: User, slug: str) -> None:
    builders.make_project(slug="support")
    answer = as_(lea).post(reverse("project_new"), {"name": "Support", "slug": slug})
    assert answer.status_code == 422
    assert Project.objects.count() == 1


def steps(project: Project) -> list[registry.Step]:
    return registry.steps(project_id=project.pk, slug=project.slug)


def coming(project: Project) -> str:
    following = next_step(steps(project))
    assert following is not None
    return following.key


def test_the_next_step_moves_on_with_the_work() -> None:
    project = builders.make_project()
    assert coming(project) == "data"

    dataset = builders.make_dataset(project)
    item = builders.make_item(dataset)
    assert coming(project) == "guideline"

    version = builders.make_guideline(project)
    assert coming(project) == "rate"

    ana = builders.rater_of(project, builders.make_user(username="ana"))
    round_ = builders.make_round(dataset, version, items=[item], raters=[ana], overlap=1)
    assert coming(project) == "rate"

    builders.make_rating(round_, item, ana, labels={"accuracy": "4"})
    assert {step.key: step.is_done for step in steps(project)}["rate"]


def test_the_rate_step_says_where_the_round_stands() -> None:
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    round_ = builders.make_round(
        dataset,
        builders.make_guideline(project),
        items=[builders.make_item(dataset)],
        raters=[],
    )
    for state, words in (
        (RoundState.OPEN, "0 of 3 ratings"),
        (RoundState.PAUSED, "is paused"),
        (RoundState.DRAFT, "open Round 1"),
    ):
        type(round_).objects.update(state=state)
        assert words in {step.key: step.note for step in steps(project)}["rate"]


def test_the_first_page_leads_through_the_project(lea: User) -> None:
    project = builders.make_project()
    builders.join(project, lea, Role.LEAD)
    page = as_(lea).get(reverse("project", args=["support"])).content.decode()
    assert "Bring in the first items" in page


def test_a_rater_is_led_to_the_own_work() -> None:
    project = builders.make_project()
    ana = builders.join(project, builders.make_user(username="ana"), Role.RATER)
    answer = as_(ana).get(reverse("project", args=["support"]))
    assert answer["Location"] == reverse("home")


def test_an_outsider_finds_no_project(lea: User) -> None:
    builders.make_project()
    assert as_(lea).get(reverse("project", args=["support"])).status_code == 404
