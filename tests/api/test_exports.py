"""Tables out over the API."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts.models import Project
from accounts.roles import Scope
from tests import builders

pytestmark = pytest.mark.django_db


def asked(project: Project, table: str, **query: str | int) -> tuple[int, bytes]:
    _, secret = builders.make_token(project, scopes=(Scope.READ,))
    answer = Client().get(
        f"/api/v1/projects/{project.slug}/export/{table}",
        query,
        headers={"Authorization": f"Bearer {secret}"},
    )
    return answer.status_code, answer.getvalue() if answer.streaming else answer.content


def test_a_table_is_streamed(project: Project) -> None:
    dataset = builders.make_dataset(project)
    builders.make_item(dataset)
    status, body = asked(project, "items", dataset=dataset.pk)
    assert (status, json.loads(body)["id"]) == (200, "i1")
    status, body = asked(project, "items", file_format="csv")
    assert (status, body.decode().splitlines()[0][:8]) == (200, "id,kind,")


@pytest.mark.parametrize(
    ("table", "query", "status"),
    [
        ("nothing", {}, 404),
        ("items", {"dataset": 10**9}, 404),
        ("ratings", {"round": "one"}, 422),
        ("items", {"file_format": "xlsx"}, 422),
    ],
)
def test_a_wrong_question_is_refused_with_a_sentence(
    project: Project, table: str, query: dict[str, str | int], status: int
) -> None:
    found, body = asked(project, table, **query)
    assert found == status
    assert json.loads(body)["message"]
