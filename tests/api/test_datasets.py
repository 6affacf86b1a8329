"""Datasets and items over the API: a page at a time, and nothing of a sealed item but its ids."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project
from accounts.roles import Scope
from annotation.models import Dataset, Item, SealedSet
from annotation.states import Part
from tests import builders

pytestmark = pytest.mark.django_db

SECRETS = ("hush question", "hush answer", "hush-system", "hush-cluster", "hush-prompt")


@pytest.fixture
def dataset(project: Project) -> Dataset:
    dataset = builders.make_dataset(project, share=0.5)
    SealedSet.objects.create(dataset=dataset)
    return dataset


def make_sealed(dataset: Dataset) -> Item:
    sealed = builders.make_item(
        dataset,
        external_id="s1",
        input="hush question",
        responses=("hush answer",),
        systems=("hush-system",),
        part=Part.SEALED,
        cluster="hush-cluster",
    )
    sealed.prompt_key = "hush-prompt"
    sealed.save()
    return sealed


@pytest.fixture
def machine(project: Project) -> Client:
    _, secret = builders.make_token(project, scopes=(Scope.READ,))
    return Client(headers={"Authorization": f"Bearer {secret}"})


def get(machine: Client, path: str, *, status: int = 200) -> Any:
    answer = machine.get(f"/api/v1/projects/support/{path}")
    assert answer.status_code == status, answer.content
    return answer.json()


def test_datasets_come_with_the_counts_of_their_parts(machine: Client, dataset: Dataset) -> None:
    builders.make_item(dataset)
    make_sealed(dataset)
    (one,) = get(machine, "datasets")["results"]
    assert one["items"] == 2
    assert one["parts"] == {"development": 1, "sealed": 1, "none": 0}
    assert (one["name"], one["share"], one["kind"]) == ("week 46", 0.5, "normal")


def test_an_item_comes_with_texts_and_systems(machine: Client, dataset: Dataset) -> None:
    builders.make_pair(dataset, external_id="p1")
    (item,) = get(machine, "items")["results"]
    assert (item["external_id"], item["part"]) == ("p1", "development")
    assert item["content"]["responses"] == [
        {"text": "Cancel under billing.", "system": "alpha"},
        {"text": "Write to support.", "system": "beta"},
    ]


def test_of_a_sealed_item_only_ids_and_part_are_told(machine: Client, dataset: Dataset) -> None:
    sealed = make_sealed(dataset)
    answer = machine.get("/api/v1/projects/support/items")
    assert answer.json()["results"] == [
        {
            "id": sealed.pk,
            "external_id": "s1",
            "dataset": dataset.pk,
            "part": "sealed",
            "content": None,
        }
    ]
    assert not [secret for secret in SECRETS if secret in answer.content.decode()]


def test_items_without_texts_have_none(machine: Client, dataset: Dataset) -> None:
    item = builders.make_item(dataset)
    Item.objects.filter(pk=item.pk).update(content=None)
    assert get(machine, "items")["results"][0]["content"] is None


def test_items_that_are_not_whole_yet_are_not_there(machine: Client, dataset: Dataset) -> None:
    item = builders.make_item(dataset)
    builders.hide_in_import(item)
    assert get(machine, "items")["results"] == []


def test_a_cursor_walks_through_all_items_once(machine: Client, dataset: Dataset) -> None:
    for number in range(5):
        builders.make_item(dataset, external_id=f"i{number}")
    seen: list[str] = []
    address = "/api/v1/projects/support/items?page_size=2"
    while address:
        answer = machine.get(address).json()
        seen += [item["external_id"] for item in answer["results"]]
        address = answer["next"]
    assert seen == [f"i{number}" for number in range(5)]


def test_items_can_be_asked_for_by_dataset_and_part(
    machine: Client, project: Project, dataset: Dataset
) -> None:
    builders.make_item(builders.make_dataset(project, name="other"), external_id="o1")
    builders.make_item(dataset)
    make_sealed(dataset)
    found = get(machine, f"items?dataset={dataset.pk}&part=development")["results"]
    assert [item["external_id"] for item in found] == ["i1"]


def test_another_projects_dataset_is_not_there(machine: Client, dataset: Dataset) -> None:
    elsewhere = builders.make_dataset(builders.make_project(slug="elsewhere"))
    assert get(machine, f"items?dataset={elsewhere.pk}", status=404)["code"] == "not_found"


@pytest.mark.parametrize("query", ["dataset=x", "dataset=" + "9" * 30, "part=secret"])
def test_a_filter_that_cannot_be_read_is_refused(
    machine: Client, dataset: Dataset, query: str
) -> None:
    assert get(machine, f"items?{query}", status=422)["code"] == "invalid"


def test_a_broken_cursor_is_refused(machine: Client, dataset: Dataset) -> None:
    assert machine.get("/api/v1/projects/support/items?cursor=%00").status_code in (404, 422)


@pytest.mark.parametrize("path", ["datasets", "items"])
def test_the_door_asks_for_a_token_of_this_project_that_may_read(
    project: Project, path: str
) -> None:
    _, judge = builders.make_token(project, scopes=(Scope.JUDGE,))
    _, other = builders.make_token(builders.make_project(slug="other"), scopes=(Scope.READ,))
    statuses = [
        Client(headers=headers).get(f"/api/v1/projects/support/{path}").status_code
        for headers in (
            {},
            {"Authorization": f"Bearer {judge}"},
            {"Authorization": f"Bearer {other}"},
        )
    ]
    assert statuses == [401, 403, 404]


def test_a_page_of_items_costs_few_queries_whatever_its_size(
    machine: Client, dataset: Dataset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        builders.make_item(dataset, external_id=f"i{number}")
    with django_assert_max_num_queries(4):
        assert len(get(machine, "items")["results"]) == 30
