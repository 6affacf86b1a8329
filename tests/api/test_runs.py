"""Runs over the API: started once, followed by who started them, listed for few queries."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.roles import Scope
from annotation.models import Item
from annotation.states import Part
from core.models import AuditEvent
from judges.models import Call, Run
from judges.states import CallState, RunMode, RunPurpose
from tests import builders, judging
from tests.judging import Scene

RUNS = "/api/v1/projects/support/runs"

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def scene(settings: Settings) -> Scene:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    return judging.make_scene(pairs=2)


@pytest.fixture
def machine(scene: Scene) -> Client:
    _, secret = builders.make_token(scene.project, scopes=[Scope.READ])
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_each_run_of_the_list_has_its_own_counts(scene: Scene, machine: Client) -> None:
    first, second = (judging.make_run(scene.version, dataset=scene.dataset) for _ in range(2))
    one = Call.objects.filter(run=first).earliest("pk")
    Call.objects.filter(pk=one.pk).update(
        state=CallState.FINISHED, outcome="ok", finished_at=timezone.now()
    )
    listed = machine.get(RUNS).json()
    assert [(row["run"], row["finished"]) for row in listed] == [(second.pk, 0), (first.pk, 1)]


def test_more_runs_cost_no_more_queries(scene: Scene, machine: Client) -> None:
    judging.make_run(scene.version, dataset=scene.dataset)
    machine.get(RUNS)  # the first use of a token is noted
    with CaptureQueriesContext(connection) as of_one:
        machine.get(RUNS)
    for _ in range(4):
        judging.make_run(scene.version, dataset=scene.dataset)
    with CaptureQueriesContext(connection) as of_five:
        machine.get(RUNS)
    assert len(of_five) == len(of_one)


def test_a_try_in_the_playground_is_no_run_of_the_api(scene: Scene, machine: Client) -> None:
    run = Run.objects.create(
        project=scene.project, version=scene.version, purpose="playground", state="done", actor="u1"
    )
    assert machine.get(f"{RUNS}/{run.pk}").status_code == 404
    assert machine.get(RUNS).json() == []


# Starting one -------------------------------------------------------------------------------------


@pytest.fixture
def starter(scene: Scene) -> Client:
    _, secret = builders.make_token(scene.project, scopes=[Scope.WRITE])
    return Client(headers={"Authorization": f"Bearer {secret}"})


def start(client: Client, scene: Scene, *, status: int = 202, **more: Any) -> dict[str, Any]:
    headers = more.pop("headers", None)
    body = {"judge": "helpful", "dataset": scene.dataset.pk, **more}
    answer = client.post(RUNS, body, content_type="application/json", headers=headers)
    assert answer.status_code == status, answer.content
    return dict(answer.json())


def test_a_run_is_started_with_its_budget_and_followed_by_who_started_it(
    scene: Scene, starter: Client
) -> None:
    started = start(starter, scene, budget="0.5", concurrency=3)
    run = Run.objects.get()
    assert (run.budget, run.concurrency, run.version) == (Decimal("0.5"), 3, scene.version)
    assert (run.purpose, run.mode, run.actor[0]) == (RunPurpose.ORDINARY, RunMode.DIRECT, "t")
    assert (started["run"], started["items"], started["calls"]) == (run.pk, 2, 4)
    assert starter.get(started["url"]).json() == started
    assert starter.get(started["verdicts_url"]).json()["results"] == []
    assert AuditEvent.objects.get(verb="run.planned").actor == run.actor


def test_the_same_key_starts_one_run(scene: Scene, starter: Client) -> None:
    key = {"Idempotency-Key": "night"}
    first, again = (start(starter, scene, budget="1", headers=key) for _ in range(2))
    assert again == first
    assert Run.objects.count() == 1
    assert start(starter, scene, budget="2", headers=key, status=409)["code"] == (
        "idempotency_key_reused"
    )


def test_a_run_of_another_is_as_good_as_none_to_who_only_starts(
    scene: Scene, starter: Client
) -> None:
    run = judging.make_run(scene.version, dataset=scene.dataset)
    assert starter.get(f"{RUNS}/{run.pk}").status_code == 404
    assert starter.get(f"{RUNS}/{run.pk}/verdicts").status_code == 404
    assert starter.get(RUNS).status_code == 403


def test_a_version_is_run_by_its_number(scene: Scene, starter: Client) -> None:
    judging.make_version(scene.judge, scene.guideline, both_orders=False)
    assert start(starter, scene)["version"] == 2
    assert start(starter, scene, version=1, judge="Helpful")["version"] == 1


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"judge": "nobody"}, 404, "There is no judge 'nobody'. Judges: helpful."),
        ({"judge": "\0"}, 422, "judge"),
        ({"version": 7}, 404, "has no such version"),
        ({"version": 2**70}, 422, "version"),
        ({"dataset": 0}, 422, "dataset"),
        ({"dataset": 2**63 - 1}, 404, "no such dataset"),
        ({"budget": "0"}, 422, "budget"),
        ({"budget": "NaN"}, 422, "budget"),
        ({"budget": 10**7}, 422, "budget"),
        ({"mode": "soon"}, 422, "mode"),
        ({"concurrency": 10**6}, 422, "concurrency"),
    ],
)
def test_what_cannot_be_run_is_refused_and_nothing_is_planned(
    scene: Scene, starter: Client, asked: dict[str, Any], status: int, said: str
) -> None:
    assert said in start(starter, scene, status=status, **asked)["message"]
    assert Run.objects.count() == 0


def test_a_dataset_of_another_project_is_no_dataset(scene: Scene, starter: Client) -> None:
    other = judging.make_scene(slug="other")
    start(starter, scene, dataset=other.dataset.pk, status=404)
    start(starter, other, status=404)
    assert Run.objects.count() == 0


def test_a_run_leaves_out_what_is_sealed(scene: Scene, starter: Client) -> None:
    Item.objects.filter(external_id="p1").update(part=Part.SEALED)
    assert start(starter, scene)["items"] == 1
    assert Call.objects.filter(item__part=Part.SEALED).count() == 0


@pytest.mark.parametrize("scopes", [[Scope.READ], [Scope.JUDGE]])
def test_who_reads_or_asks_starts_no_run(scene: Scene, scopes: list[Scope]) -> None:
    _, secret = builders.make_token(scene.project, scopes=scopes)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    assert start(client, scene, status=403)["code"] == "scope_missing"
    assert Run.objects.count() == 0
