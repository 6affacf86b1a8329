"""The list of runs over the API: as many as there are, for the same few queries."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.roles import Scope
from judges.models import Call, Run
from judges.states import CallState
from tests import builders, judging
from tests.judging import Scene

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
    listed = machine.get("/api/v1/projects/support/runs").json()
    assert [(row["run"], row["finished"]) for row in listed] == [(second.pk, 0), (first.pk, 1)]


def test_more_runs_cost_no_more_queries(scene: Scene, machine: Client) -> None:
    judging.make_run(scene.version, dataset=scene.dataset)
    machine.get("/api/v1/projects/support/runs")  # the first use of a token is noted
    with CaptureQueriesContext(connection) as of_one:
        machine.get("/api/v1/projects/support/runs")
    for _ in range(4):
        judging.make_run(scene.version, dataset=scene.dataset)
    with CaptureQueriesContext(connection) as of_five:
        machine.get("/api/v1/projects/support/runs")
    assert len(of_five) == len(of_one)


def test_a_try_in_the_playground_is_no_run_of_the_api(scene: Scene, machine: Client) -> None:
    run = Run.objects.create(
        project=scene.project, version=scene.version, purpose="playground", state="done", actor="u1"
    )
    assert machine.get(f"/api/v1/projects/support/runs/{run.pk}").status_code == 404
    assert machine.get("/api/v1/projects/support/runs").json() == []
