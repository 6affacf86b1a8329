"""Verdicts given elsewhere, in over the API: as the command brings them, whole or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts.models import Project
from accounts.roles import Scope
from annotation.models import Dataset, Item
from annotation.states import Part
from core.models import AuditEvent
from judges.models import Judge, JudgeLabel, JudgeVersion, Run
from judges.states import RunPurpose, VersionKind
from tests import builders, judging

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

ROWS = [{"item": "p0", "label": "A"}, {"item": "p1", "label": "tie"}, {"item": "p2", "label": "B"}]


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return judging.make_pairs_dataset(project)


@pytest.fixture
def machine(project: Project) -> Client:
    _, secret = builders.make_token(project, scopes=[Scope.WRITE])
    return Client(headers={"Authorization": f"Bearer {secret}"})


def at(dataset: Dataset) -> str:
    return f"/api/v1/projects/support/datasets/{dataset.pk}/verdicts"


def send(
    machine: Client, dataset: Dataset, *, status: int = 201, headers: Any = None, **body: Any
) -> dict[str, Any]:
    body = {"judge": "House judge", "verdicts": ROWS, **body}
    answer = machine.post(at(dataset), body, content_type="application/json", headers=headers)
    assert answer.status_code == status, answer.content
    return dict(answer.json())


def labels_of(run: Run) -> dict[str, str]:
    return dict(JudgeLabel.objects.filter(run=run).values_list("item__external_id", "label"))


def test_rows_become_a_recorded_version(machine: Client, dataset: Dataset) -> None:
    done = send(machine, dataset)
    run = Run.objects.get()
    assert labels_of(run) == {"p0": "A", "p1": "tie", "p2": "B"}
    assert (run.purpose, run.version.kind) == (RunPurpose.IMPORTED, VersionKind.RECORDED)
    assert done == {
        "judge": "house-judge",
        "version": 1,
        "run": run.pk,
        "url": f"/api/v1/projects/support/runs/{run.pk}",
        "is_new": True,
        "verdicts": 3,
        "items": 3,
        "repeats": 0,
        "outcomes": {"ok": 3},
    }


def test_the_token_stands_for_the_version_and_in_the_trail(
    machine: Client, dataset: Dataset
) -> None:
    send(machine, dataset)
    by_verb = dict(AuditEvent.objects.values_list("verb", "actor"))
    actor = Run.objects.get().actor
    assert actor.startswith("t")
    assert JudgeVersion.objects.get().author_actor == actor
    assert {by_verb[name] for name in ("judge_version.saved", "verdicts.imported")} == {actor}


def test_a_file_by_form_and_as_the_body(machine: Client, dataset: Dataset) -> None:
    table = b"key,winner\np0,1\np1,2\n"
    file = SimpleUploadedFile("verdicts.csv", table)
    options = {
        "judge": "House judge",
        "map": ["item=key", "label=winner"],
        "values": ["1=A", "2=B"],
    }
    answer = machine.post(at(dataset), {"file": file, **options})
    assert answer.status_code == 201, answer.content
    assert labels_of(Run.objects.get()) == {"p0": "A", "p1": "B"}
    query = "judge=House+judge&map=item%3Dkey&map=label%3Dwinner&values=1%3DA&values=2%3DB"
    again = machine.post(f"{at(dataset)}?{query}", table, content_type="text/csv")
    assert (again.status_code, again.json()["is_new"]) == (200, False)
    assert Run.objects.count() == 1


def test_the_same_key_gives_the_same_answer(machine: Client, dataset: Dataset) -> None:
    key = {"Idempotency-Key": "night"}
    first = send(machine, dataset, headers=key)
    assert send(machine, dataset, headers=key) == first
    other = send(machine, dataset, headers=key, verdicts=ROWS[:1], status=409)
    assert other["code"] == "idempotency_key_reused"


def test_a_broken_row_is_named_and_nothing_is_kept(machine: Client, dataset: Dataset) -> None:
    refused = send(machine, dataset, verdicts=[*ROWS, {"item": "p9", "label": "A"}], status=422)
    assert "p9" in json.dumps(refused["fields"])
    assert not Judge.objects.exists()
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"judge": " "}, "judge"),
        ({"judge": "\0"}, "judge"),
        ({"verdicts": []}, "verdicts"),
        ({"verdicts": [1]}, "record 1"),
        ({"values": ["nothing"]}, "nothing"),
        ({"map": {"item": "absent"}}, "absent"),
        ({"guideline": "Unheard"}, "Unheard"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    machine: Client, dataset: Dataset, asked: dict[str, Any], said: str
) -> None:
    refused = send(machine, dataset, status=422, **asked)
    assert said.casefold() in json.dumps(refused).casefold()
    assert not Run.objects.exists()


def test_a_file_too_large_for_a_request_is_sent_to_the_command(
    machine: Client, dataset: Dataset, settings: Settings
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 20
    refused = send(machine, dataset, status=413)
    assert "manage.py import_verdicts" in refused["message"]


def test_verdicts_on_sealed_items_are_refused(machine: Client, dataset: Dataset) -> None:
    Item.objects.filter(external_id="p1").update(part=Part.SEALED)
    refused = send(machine, dataset, status=403)
    assert refused["code"] == "sealed_items"
    assert not JudgeLabel.objects.exists()


def test_a_dataset_of_another_project_is_no_dataset(machine: Client, dataset: Dataset) -> None:
    other = builders.make_dataset(builders.make_project(slug="other"))
    send(machine, other, status=404)


@pytest.mark.parametrize("scope", [Scope.READ, Scope.JUDGE])
def test_who_reads_or_asks_brings_no_verdicts(
    project: Project, dataset: Dataset, scope: Scope
) -> None:
    _, secret = builders.make_token(project, scopes=[scope])
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    assert send(client, dataset, status=403)["code"] == "scope_missing"
