"""Verdicts of a run that was ordinary once and holds what somebody may not read now."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.roles import Role, Scope
from annotation.models import Item, RoundRater
from annotation.states import Part
from judges.models import Call, JudgeLabel, Run, Verdict
from judges.states import CallState, RunState
from tests import builders, judging
from tests.cast import client_for
from tests.judging import Scene

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def scene(settings: Settings) -> Scene:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    return judging.make_scene(pairs=2)


@pytest.fixture
def run(scene: Scene) -> Run:
    """A finished run over p0 and p1; A is the verdict on both."""
    run = judging.make_run(scene.version, dataset=scene.dataset)
    calls = Call.objects.filter(run=run)
    calls.update(state=CallState.FINISHED, outcome="ok", finished_at=timezone.now())
    Verdict.objects.bulk_create(
        Verdict(call=call, dimension_key="preference", label="A") for call in calls
    )
    JudgeLabel.objects.bulk_create(
        JudgeLabel(run=run, item=item, dimension_key="preference", label="A", outcome="ok")
        for item in Item.objects.filter(dataset=scene.dataset)
    )
    Run.objects.filter(pk=run.pk).update(
        state=RunState.DONE, finished_at=timezone.now(), combined_at=timezone.now()
    )
    run.refresh_from_db()
    return run


def seal_the_prompt_of(item: Item) -> None:
    """Another item with the same prompt is sealed after the run."""
    sealed = builders.make_dataset(item.project, name="sealed", share=0.5)
    beside = builders.make_pair(sealed, external_id="s0", part=Part.SEALED)
    Item.objects.filter(pk=beside.pk).update(input_digest=item.input_digest)


def lead(scene: Scene, *more: Role) -> Client:
    user = builders.make_user(username="lea")
    return client_for(builders.join(scene.project, user, Role.LEAD, *more))


def test_a_token_reads_no_verdict_on_an_item_beside_a_sealed_one(scene: Scene, run: Run) -> None:
    seal_the_prompt_of(scene.dataset.items.get(external_id="p0"))
    _, secret = builders.make_token(scene.project, scopes=[Scope.READ])
    answer = Client().get(
        reverse("api_run_verdicts", args=[scene.project.slug, run.pk]),
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert [row["item"] for row in answer.json()["results"]] == ["p1"]


def test_a_runs_page_leaves_out_calls_on_items_beside_a_sealed_one(scene: Scene, run: Run) -> None:
    seal_the_prompt_of(scene.dataset.items.get(external_id="p0"))
    answer = lead(scene).get(reverse("run", args=[scene.project.slug, run.pk]))
    assert {call.item.external_id for call in answer.context["calls"]} == {"p1"}
    assert "sealed by now" in answer.content.decode()


def test_a_lead_who_rates_reads_no_verdict_on_an_item_of_the_open_round(
    scene: Scene, run: Run
) -> None:
    client = lead(scene, Role.RATER)
    rater = scene.project.raters.get()
    item = scene.dataset.items.get(external_id="p0")
    round_ = builders.make_round(scene.dataset, scene.guideline, items=[item], raters=[rater])
    url = reverse("run", args=[scene.project.slug, run.pk])
    assert {call.item.external_id for call in client.get(url).context["calls"]} == {"p1"}
    RoundRater.objects.filter(round=round_).delete()
    answer = client.get(url)
    assert {call.item.external_id for call in answer.context["calls"]} == {"p0", "p1"}
    assert "may yet rate" not in answer.content.decode()


def test_the_labels_of_an_item_beside_a_sealed_one_are_on_no_page(scene: Scene) -> None:
    item = scene.dataset.items.get(external_id="p0")
    seal_the_prompt_of(item)
    answer = lead(scene).get(reverse("item", args=[scene.project.slug, item.pk]))
    assert "same prompt as one in the sealed part" in answer.context["labels"].hidden_because
