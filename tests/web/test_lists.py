"""Every list of the annotation room is narrowed by its address, and one page long."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from annotation.models import Item, Round
from annotation.states import ItemKind, RoundKind, RoundState
from core import audit
from core.models import Job, JobState
from tests import builders

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import Project
    from annotation.models import Dataset

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

HTMX = {"HX-Request": "true"}


def read(client: Client, name: str, *args: object, **query: str) -> str:
    answer = client.get(reverse(name, args=["support", *args], query=query))
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def rows(text: str) -> list[str]:
    """The linked names in the heads of a table's rows."""
    heads = re.findall(r'<th scope="row"[^>]*>\s*<a[^>]*><bdi>([^<]+)</bdi></a>', text)
    return [head.strip() for head in heads]


@pytest.fixture
def rounds(project: Project, dataset: Dataset) -> None:
    other = builders.make_dataset(project, name="October")
    version = builders.make_guideline(project, name="Tone")
    again = builders.make_guideline(project, name="Safety first")
    plans = (
        ("First", dataset, version, RoundState.CLOSED, RoundKind.STANDARD),
        ("Second", other, version, RoundState.OPEN, RoundKind.STANDARD),
        ("Third", dataset, again, RoundState.OPEN, RoundKind.IMPORTED),
    )
    for name, of, under, state, kind in plans:
        builders.make_round(of, under, items=(), raters=(), name=name, state=state, kind=kind)


ROUNDS = [
    ({}, ["Third", "Second", "First"]),
    ({"q": "SEC"}, ["Second"]),
    ({"q": "october"}, ["Second"]),
    ({"q": "safety"}, ["Third"]),
    ({"state": "open"}, ["Third", "Second"]),
    ({"state": "open", "kind": "imported"}, ["Third"]),
    ({"state": "nonsense"}, ["Third", "Second", "First"]),
]


@pytest.mark.usefixtures("rounds")
@pytest.mark.parametrize(("query", "found"), ROUNDS)
def test_rounds_are_found(lea: Client, query: dict[str, str], found: list[str]) -> None:
    assert rows(read(lea, "rounds", **query)) == found


@pytest.mark.usefixtures("rounds")
def test_a_kind_of_round_is_written_as_it_is_said(lea: Client) -> None:
    Round.objects.filter(name="First").update(kind=RoundKind.RERATING)
    found = Round.objects.get(name="First")
    page = lea.get(reverse("round", args=["support", found.pk])).content.decode()
    assert "<dd>re-rating</dd>" in page
    listed = read(lea, "rounds")
    assert ">re-rating</option>" in listed
    assert "· re-rating" in listed
    assert ">rerating" not in listed


@pytest.mark.usefixtures("rounds")
def test_a_filter_that_nothing_fits_leads_back_to_everything(lea: Client) -> None:
    text = read(lea, "rounds", q="nothing")
    assert "No round fits." in text
    assert "New round" in text


@pytest.mark.usefixtures("rounds")
def test_a_list_has_one_page_and_its_links_keep_the_filter(
    lea: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotation.views.rounds.PAGE_ROUNDS", 1)
    text = read(lea, "rounds", state="open")
    assert rows(text) == ["Third"]
    assert 'href="?state=open&amp;page=2"' in text
    assert rows(read(lea, "rounds", state="open", page="2")) == ["Second"]


@pytest.mark.usefixtures("rounds")
def test_datasets_are_found_by_name(lea: Client) -> None:
    assert rows(read(lea, "datasets", q="OCT")) == ["October"]
    assert "No dataset fits." in read(lea, "datasets", q="nothing")


def test_guidelines_are_found_by_name_and_by_what_waits(lea: Client, project: Project) -> None:
    builders.make_guideline(project, name="Tone")
    builders.make_guideline(project, name="Safety", publish=False)
    assert rows(read(lea, "guidelines")) == ["Safety", "Tone"]
    assert rows(read(lea, "guidelines", q="ton")) == ["Tone"]
    assert rows(read(lea, "guidelines", state="draft")) == ["Safety"]
    assert rows(read(lea, "guidelines", state="published")) == ["Tone"]


ITEMS = [
    ({"kind": "pair"}, ["b"]),
    ({"difficulty": "hard"}, ["a"]),
    ({"case": "edge_case"}, ["b"]),
    ({"source": "manual"}, ["a", "b"]),
    ({"source": "manual", "difficulty": "hard"}, ["a"]),
    ({"tag": "Billing"}, ["a"]),
    ({"tag": "bill"}, []),
    ({"tag": "zürich"}, ["b"]),
    ({"tag": '"'}, []),
]


@pytest.mark.parametrize(("query", "found"), ITEMS)
def test_items_are_found_by_what_they_are(
    lea: Client, dataset: Dataset, query: dict[str, str], found: list[str]
) -> None:
    first = builders.make_item(dataset, external_id="a")
    second = builders.make_pair(dataset, external_id="b")
    assert second.kind == ItemKind.PAIR
    about = {"source": "manual", "difficulty": "hard", "tags": ["billing", "refund"]}
    Item.objects.filter(pk=first.pk).update(**about)
    about = {"source": "manual", "case": "edge_case", "tags": ["zürich"]}
    Item.objects.filter(pk=second.pk).update(**about)
    answer = lea.get(reverse("dataset", args=["support", dataset.pk], query=query), headers=HTMX)
    assert [item.external_id for item in answer.context["page_obj"].object_list] == found


@pytest.fixture
def imports(project: Project, dataset: Dataset) -> None:
    for verb, file in (("items.imported", "week.csv"), ("labels.imported", "people.csv")):
        audit.record(
            actor="system",
            verb=verb,
            object_type="dataset",
            object_id=dataset.pk,
            project_id=project.pk,
            data={"file": file, "added": 3, "labels": 9, "known": 1, "broken": 2},
        )
    Job.objects.create(
        kind="annotation.import_items",
        project_id=project.pk,
        actor="system",
        state=JobState.FAILED,
        plan={"dataset": dataset.pk, "file": "broken.json"},
    )
    elsewhere = builders.make_dataset(builders.make_project(slug="other"))
    audit.record(
        actor="system",
        verb="items.imported",
        object_type="dataset",
        object_id=elsewhere.pk,
        project_id=elsewhere.project_id,
        data={"file": "theirs.csv"},
    )


IMPORTS = [
    ({}, {"week.csv", "people.csv", "broken.json"}),
    ({"q": "WEEK"}, {"week.csv", "people.csv", "broken.json"}),
    ({"q": "people"}, {"people.csv"}),
    ({"what": "items"}, {"week.csv", "broken.json"}),
    ({"state": "failed"}, {"broken.json"}),
    ({"state": "done", "what": "labels"}, {"people.csv"}),
    ({"state": "going_on"}, set()),
]


@pytest.mark.usefixtures("imports")
@pytest.mark.parametrize(("query", "found"), IMPORTS)
def test_imports_are_found_and_nobody_elses(
    lea: Client, query: dict[str, str], found: set[str]
) -> None:
    text = read(lea, "imports", **query).partition("<tbody>")[2]
    assert set(re.findall(r"[a-z]+\.(?:csv|json)", text)) == found


def test_without_imports_the_page_says_what_comes_first(lea: Client, project: Project) -> None:
    assert "Nothing was brought in yet" in read(lea, "imports")
