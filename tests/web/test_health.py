"""What a deployment asks: alive, ready, and how many jobs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from core import views
from core.models import Job, JobState, WorkerBeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def _queue(settings: Settings, tmp_path: Path) -> None:
    settings.BROKER_URL = ""
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_in": str(tmp_path)}


def a_worker_was_seen(*, seconds_ago: int) -> None:
    WorkerBeat.objects.create(name="w1", at=timezone.now() - timedelta(seconds=seconds_ago))


def test_a_process_that_answers_is_alive(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.usefixtures("_queue")
def test_ready_needs_database_queue_and_a_worker_seen_lately(client: Client) -> None:
    a_worker_was_seen(seconds_ago=5)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "parts": {"database": True, "worker": True, "queue": True},
    }


@pytest.mark.usefixtures("_queue")
def test_not_ready_while_no_worker_was_ever_seen(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["worker"] is False


@pytest.mark.usefixtures("_queue")
def test_not_ready_once_the_worker_was_silent_for_long(client: Client) -> None:
    a_worker_was_seen(seconds_ago=16)
    assert client.get("/readyz").json()["parts"]["worker"] is False


@pytest.mark.usefixtures("_queue")
def test_the_latest_of_several_workers_counts(client: Client) -> None:
    a_worker_was_seen(seconds_ago=300)
    WorkerBeat.objects.create(name="w2", at=timezone.now())
    assert client.get("/readyz").status_code == 200


@pytest.mark.usefixtures("_queue")
def test_not_ready_without_the_folder_of_the_queue(client: Client, settings: Settings) -> None:
    a_worker_was_seen(seconds_ago=1)
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_in": "/there/is/no/such/folder"}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": True, "worker": True, "queue": False}


def test_not_ready_while_redis_does_not_answer(client: Client, settings: Settings) -> None:
    a_worker_was_seen(seconds_ago=1)
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    assert client.get("/readyz").json()["parts"]["queue"] is False


def test_not_ready_while_the_database_does_not_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def cursor(self) -> None:
            raise DatabaseError("gone")

    monkeypatch.setattr(views, "connection", Gone())
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "parts": {"database": False}}


def test_metrics_count_jobs_by_state(client: Client) -> None:
    for state in (JobState.WAITING, JobState.WAITING, JobState.FAILED, JobState.DONE):
        Job.objects.create(kind="test", actor="system", state=state)
    answer = client.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert answer.content.decode().splitlines()[2:] == [
        'plumbline_jobs{state="waiting"} 2',
        'plumbline_jobs{state="running"} 0',
        'plumbline_jobs{state="failed"} 1',
    ]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/favicon.ico"])
def test_health_is_read_only(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
