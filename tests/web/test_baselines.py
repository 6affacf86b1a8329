"""The page that adds a baseline."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from judges.models import JudgeVersion
from tests import builders, judging
from tests.judging import Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return judging.make_scene(pairs=24)


@pytest.fixture
def lead(scene: Scene) -> Client:
    client = Client()
    client.force_login(builders.join(scene.project, builders.make_user(username="lea"), Role.LEAD))
    return client


def url(name: str, *args: object) -> str:
    return reverse(name, args=["support", *args])


def test_a_judge_of_pairs_has_three_to_choose_from(scene: Scene, lead: Client) -> None:
    page = lead.get(url("baseline_new", scene.judge.pk)).content.decode()
    for rule in ("longer-response", "majority", "trained"):
        assert f'value="{rule}"' in page
    assert (
        url("baseline_new", scene.judge.pk)
        in lead.get(url("judge", scene.judge.pk)).content.decode()
    )


def test_a_judge_of_single_responses_has_no_longer_one(scene: Scene, lead: Client) -> None:
    guideline = builders.make_guideline(scene.project, name="Scales")
    judge = judging.make_judge(scene.project, guideline, name="Scales")
    page = lead.get(url("baseline_new", judge.pk)).content.decode()
    assert "longer-response" not in page
    refused = lead.post(url("baseline_new", judge.pk), {"rule": "longer-response"})
    assert refused.status_code == 422


def test_each_becomes_a_version_that_says_what_it_is(scene: Scene, lead: Client) -> None:
    items = list(scene.dataset.items.order_by("pk"))
    labels = ["B" if number % 3 else "A" for number in range(24)]
    judging.make_labels(items, scene.guideline, labels, key="preference")
    for rule in ("longer-response", "majority", "trained"):
        answer = lead.post(url("baseline_new", scene.judge.pk), {"rule": rule})
        version = JudgeVersion.objects.get(kind="baseline", spec__model=rule)
        assert answer.url == url("version", version.pk)  # type: ignore[attr-defined]
    trained = JudgeVersion.objects.get(spec__model="trained")
    assert "24 items" in lead.get(url("version", trained.pk)).content.decode()
    constant = JudgeVersion.objects.get(spec__model="majority")
    shown = lead.get(url("version", constant.pk)).content.decode()
    assert "Always on preference" in shown
    assert "constants" in shown


def test_what_cannot_be_made_is_said_in_the_form(scene: Scene, lead: Client) -> None:
    for rule in ("majority", "trained"):
        answer = lead.post(url("baseline_new", scene.judge.pk), {"rule": rule})
        assert answer.status_code == 422
        assert "preference" in answer.content.decode()
    nothing = lead.post(url("baseline_new", scene.judge.pk), {})
    assert nothing.status_code == 422
    assert "Choose one of the rules" in nothing.content.decode()
    assert not JudgeVersion.objects.filter(kind="baseline").exists()


def test_of_another_project_there_is_none(scene: Scene, lead: Client) -> None:
    other = builders.make_project(slug="other")
    judge = judging.make_judge(other, builders.make_guideline(other, pairwise=True))
    assert lead.get(url("baseline_new", judge.pk)).status_code == 404
