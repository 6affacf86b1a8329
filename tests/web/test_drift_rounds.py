"""Drift rounds in the browser: set up from the page of what stands, judged, shown beside it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.roles import Role
from annotation.models import Dataset, Item, Round
from annotation.states import RoundKind
from judges.models import Run, Standing
from tests import approving, builders, judging
from tests.approving import Scene
from tests.cast import client_for

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_simulator_is_named(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    made = approving.make_scene()
    approving.approved(made)
    for person in (made.cast.ana, made.cast.ben, made.cast.cem):
        builders.rater_of(made.project, person)
    return made


def fresh_set(scene: Scene, *, count: int = 6) -> Dataset:
    dataset = builders.make_dataset(scene.project, name="this week")
    judging.make_pairs(dataset, count)
    return dataset


def read(scene: Scene, name: str, *more: int) -> str:
    path = reverse(name, args=["support", scene.judge.pk, *more])
    answer = client_for(scene.cast.lea).get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_lead_sets_one_up_and_has_it_judged(scene: Scene) -> None:
    dataset = fresh_set(scene)
    lea = client_for(scene.cast.lea)
    assert "Drift round …" in read(scene, "standing")
    assert "None yet." in read(scene, "standing")
    text = read(scene, "drift_new")
    assert "Preference drift" in text
    sent = {
        "name": "Week 47",
        "dataset": dataset.pk,
        "count": 5,
        "overlap": 3,
        "raters": list(
            scene.project.raters.filter(user__isnull=False).values_list("pk", flat=True)
        ),
    }
    path = reverse("drift_new", args=["support", scene.judge.pk])
    refused = lea.post(path, {**sent, "count": 7})
    assert refused.status_code == 422
    assert "only 6 fresh prompts" in refused.content.decode()
    assert lea.post(path, {**sent, "overlap": 2}).status_code == 422
    answer = lea.post(path, sent)
    round_ = Round.objects.get(kind=RoundKind.DRIFT)
    judge_at = reverse("drift_judge", args=["support", scene.judge.pk, round_.pk])
    assert (answer.status_code, answer["Location"]) == (302, judge_at)
    assert "Have 5 judged …" in read(scene, "standing")
    assert "at most" in read(scene, "drift_judge", round_.pk)
    assert lea.post(judge_at, {"budget": "-1"}).status_code == 422
    started = lea.post(judge_at, {"budget": "2"})
    run = Run.objects.latest("pk")
    assert (started.status_code, started["Location"]) == (
        302,
        reverse("run", args=["support", run.pk]),
    )
    assert run.items_planned == 5
    assert "5 on the way" in read(scene, "standing")
    assert "being judged" in read(scene, "drift_judge", round_.pk)
    assert lea.post(judge_at, {}).status_code == 422
    page = lea.get(reverse("round", args=["support", round_.pk])).content.decode()
    assert "More items" not in page


def test_without_fresh_items_the_page_says_where_they_come_from(scene: Scene) -> None:
    text = read(scene, "drift_new")
    assert "Fresh items: those that came after" in text
    assert "Set up the round" not in text


def test_whoever_wrote_the_judge_is_not_offered_and_the_page_says_so(scene: Scene) -> None:
    fresh_set(scene)
    assert "Not to choose" not in read(scene, "drift_new")
    builders.join(scene.project, scene.cast.lea, Role.LEAD, Role.RATER)
    lea = builders.rater_of(scene.project, scene.cast.lea)
    text = read(scene, "drift_new")
    assert f"Not to choose: <bdi>{lea.name}</bdi>. Whoever wrote " in text
    assert f'value="{lea.pk}"' not in text.partition("Raters")[2].partition("</fieldset>")[0]


def test_nor_are_they_let_into_one_on_its_own_page(scene: Scene) -> None:
    dataset = fresh_set(scene)
    builders.join(scene.project, scene.cast.lea, Role.LEAD, Role.RATER)
    lea = builders.rater_of(scene.project, scene.cast.lea)
    round_ = builders.make_round(
        dataset,
        scene.guideline,
        items=Item.objects.filter(dataset=dataset),
        raters=[],
        kind=RoundKind.DRIFT,
    )
    client = client_for(scene.cast.lea)
    page = reverse("round", args=["support", round_.pk])
    more = client.get(page).content.decode().partition("More raters")[2]
    assert "Whoever wrote what this round watches is not among them." in more
    assert f'value="{lea.pk}"' not in more
    add = reverse("round_raters", args=["support", round_.pk])
    assert client.post(add, {"raters": [lea.pk]}).status_code == 422
    people = scene.project.raters.filter(user__in=[scene.cast.ana, scene.cast.ben, scene.cast.cem])
    assert client.post(add, {"raters": [one.pk for one in people]}).status_code == 302
    more = client.get(page).content.decode().partition("More raters")[2]
    assert "Everybody who may rate in it is in the round." in more


def test_an_approval_that_has_ended_is_not_watched(scene: Scene) -> None:
    fresh_set(scene)
    Standing.objects.update(valid_until=builders.NOON)
    assert "There is nothing to watch." in read(scene, "drift_new")
    assert "Drift round …" not in read(scene, "standing")


def test_rounds_of_another_kind_or_judge_have_no_such_page(scene: Scene) -> None:
    dataset = fresh_set(scene)
    items = Item.objects.filter(dataset=dataset)
    round_ = builders.make_round(dataset, scene.guideline, items=items, raters=[])
    path = reverse("drift_judge", args=["support", scene.judge.pk, round_.pk])
    assert client_for(scene.cast.lea).get(path).status_code == 404


def test_only_leads_set_one_up(scene: Scene) -> None:
    fresh_set(scene)
    path = reverse("drift_new", args=["support", scene.judge.pk])
    for person in (scene.cast.ana, scene.cast.ada, scene.cast.noor):
        assert client_for(person).get(path).status_code == 403


def test_the_page_of_what_stands_costs_the_same_with_many_rounds(
    scene: Scene, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    dataset = fresh_set(scene, count=3)
    items = Item.objects.filter(dataset=dataset)
    for number in range(12):
        builders.make_round(
            dataset,
            scene.guideline,
            items=items,
            raters=[],
            name=f"Drift {number}",
            kind=RoundKind.DRIFT,
        )
    path = reverse("standing", args=["support", scene.judge.pk])
    lea = client_for(scene.cast.lea)
    with django_assert_max_num_queries(60):
        text = lea.get(path).content.decode()
    assert "the newest 10 by this guideline" in text
