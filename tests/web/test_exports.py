"""The export page and its files."""

from __future__ import annotations

import json

import pytest

from accounts.models import Project
from tests import builders
from tests.cast import Cast, ClientFor

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(project: Project) -> str:
    dataset = builders.make_dataset(project)
    builders.make_item(dataset)
    return f"/projects/{project.slug}/export/"


def test_the_page_names_every_table_in_every_format(
    url: str, cast: Cast, client_for: ClientFor
) -> None:
    page = client_for(cast.lea).get(url).content.decode()
    for table in ("items", "ratings", "labels", "verdicts", "ledger", "decisions", "audit"):
        for extension in ("jsonl", "csv", "parquet"):
            assert f'href="{url}{table}.{extension}"' in page


def test_a_narrowed_page_says_which_tables_stay_whole(
    url: str, project: Project, cast: Cast, client_for: ClientFor
) -> None:
    dataset = project.datasets.get()
    page = client_for(cast.lea).get(url, {"dataset": dataset.pk}).content.decode()
    assert page.count("of the whole project") == 3  # ledger, decisions, audit trail
    assert f'href="{url}items.csv?dataset={dataset.pk}"' in page


def test_a_file_comes_with_a_speaking_name(url: str, cast: Cast, client_for: ClientFor) -> None:
    answer = client_for(cast.lea).get(f"{url}items.jsonl")
    assert answer.streaming
    assert json.loads(answer.getvalue())["id"] == "i1"
    assert answer["Content-Disposition"].startswith('attachment; filename="support-items-20')
    assert answer["Content-Type"] == "application/x-ndjson"


@pytest.mark.parametrize("bad", ["nothing.csv", "items.xlsx"])
def test_what_there_is_not_is_not_found(
    url: str, bad: str, cast: Cast, client_for: ClientFor
) -> None:
    assert client_for(cast.lea).get(url + bad).status_code == 404


def test_a_dataset_of_another_project_is_refused(
    url: str, cast: Cast, client_for: ClientFor
) -> None:
    other = builders.make_dataset(builders.make_project(slug="other"))
    browser = client_for(cast.lea)
    assert browser.get(url, {"dataset": other.pk}).status_code == 422
    assert browser.get(f"{url}items.csv", {"dataset": other.pk}).status_code == 422
