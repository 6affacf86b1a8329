"""The pages of datasets: who may, and what is shown."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project
from annotation.models import Dataset, Item, SealedSet, Upload
from annotation.services import datasets
from annotation.states import Part, Provenance
from core.models import Job
from tests import builders
from tests.cast import Cast, ClientFor
from tests.web.uploading import GOOD_MAP, HTMX, ROWS, at, refused, started

pytestmark = pytest.mark.django_db


# --- doors ------------------------------------------------------------------------------------


def pages(dataset: Dataset, item: Item, upload: Upload, job: Job) -> dict[str, str]:
    return {
        "datasets": at("datasets"),
        "dataset": at("dataset", dataset.pk),
        "item": at("item", item.pk),
        "import_job": at("import_job", job.pk),
        "dataset_new": at("dataset_new"),
        "import_items": at("import_items", dataset.pk),
        "import_labels": at("import_labels", dataset.pk),
        "import_map": at("import_map", dataset.pk, upload.pk),
        "import_labels_map": at("import_labels_map", dataset.pk, upload.pk),
    }


READ = ("datasets", "dataset", "item", "import_job")


@pytest.mark.parametrize(
    ("who", "reads", "writes"),
    [
        ("lea", 200, 200),
        ("noor", 200, 403),
        ("ada", 200, 403),
        ("ana", 403, 403),
        ("olu", 404, 404),
        ("nobody", 302, 302),
    ],
)
def test_leads_write_staff_reads_and_raters_and_outsiders_do_neither(
    cast: Cast, client_for: ClientFor, lea: Client, dataset: Dataset, who: str, reads: int,
    writes: int,
) -> None:  # fmt: skip
    item = builders.make_item(dataset)
    job = started(lea, dataset, ROWS, GOOD_MAP)
    person = client_for(None if who == "nobody" else getattr(cast, who))
    found = {
        name: person.get(url).status_code
        for name, url in pages(dataset, item, Upload.objects.get(), job).items()
    }
    assert found == {name: reads if name in READ else writes for name in found}


def test_rows_of_another_project_are_not_there(
    lea: Client, dataset: Dataset, project: Project
) -> None:
    elsewhere = builders.make_dataset(builders.make_project(slug="elsewhere"))
    item = builders.make_item(elsewhere)
    upload = Upload.objects.create(
        project=elsewhere.project, name="a.csv", file="none", size=1, actor="u1"
    )
    job = Job.objects.create(
        kind="annotation.import_items", project_id=elsewhere.project_id, actor="u1", plan={}
    )
    addresses = (
        at("dataset", elsewhere.pk),
        at("item", item.pk),
        at("import_items", elsewhere.pk),
        at("import_map", dataset.pk, upload.pk),
        at("import_job", job.pk),
    )
    assert [lea.get(address).status_code for address in addresses] == [404] * 5


# --- datasets ---------------------------------------------------------------------------------


def test_a_project_without_data_says_what_to_do_first(lea: Client) -> None:
    page = lea.get(at("datasets")).content.decode()
    assert "No items yet" in page
    assert at("dataset_new") in page


def test_the_list_counts_items_and_parts(lea: Client, project: Project) -> None:
    sealed = datasets.create(project=project, name="to approve", share=0.5, actor="u1")
    builders.make_item(sealed, external_id="a")
    builders.make_item(sealed, external_id="b", part=Part.SEALED)
    (card,) = lea.get(at("datasets")).context["cards"]
    assert (card.items, card.development, card.sealed) == (2, 1, 1)


def test_an_open_dataset_is_made_without_a_sealed_set(lea: Client) -> None:
    answer = lea.post(at("dataset_new"), {"name": "look", "openness": "open", "percent": "x"})
    made = Dataset.objects.get()
    assert answer["Location"] == at("import_items", made.pk)
    assert made.is_open
    assert not SealedSet.objects.exists()


def test_a_declared_part_names_who_declared_it(lea: Client, cast: Cast) -> None:
    fields = {"name": "s", "openness": "sealed", "percent": "40", "provenance": "declared"}
    lea.post(at("dataset_new"), fields)
    sealed = SealedSet.objects.get()
    assert (sealed.dataset.share, sealed.provenance) == (0.4, Provenance.DECLARED)
    assert sealed.declared_by == cast.lea.actor


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Give the dataset a name."),
        ({"name": "a"}, "Choose one: it cannot be changed later."),
        ({"name": "a", "openness": "sealed", "percent": ""}, "Say how much is sealed"),
        ({"name": "a", "openness": "sealed", "percent": "0"}, "greater than or equal to 1"),
        ({"name": "a", "openness": "sealed", "percent": "50"}, "Choose where the sealed labels"),
        ({"name": "taken", "openness": "open"}, "has a dataset named"),
        ({"name": "x" * 121, "openness": "open"}, "at most 120 characters"),
    ],
)
def test_a_dataset_that_cannot_be_made_says_why(
    lea: Client, project: Project, fields: dict[str, str], said: str
) -> None:
    builders.make_dataset(project, name="taken")
    assert said in refused(lea.post(at("dataset_new"), fields))
    assert Dataset.objects.count() == 1


def test_the_composition_counts_and_says_what_is_missing(lea: Client, dataset: Dataset) -> None:
    for number in range(3):
        item = builders.make_item(dataset, external_id=f"i{number}")
        Item.objects.filter(pk=item.pk).update(
            difficulty="easy", case="edge_case" if number else "", source="manual"
        )
    answer = lea.get(at("dataset", dataset.pk))
    found = answer.context["composition"]
    assert [(row.name, row.total) for row in found.rows] == [
        ("easy", 3),
        ("medium", 0),
        ("hard", 0),
    ]
    assert [(cell.name, cell.count) for cell in found.sources if cell.count] == [("manual", 3)]
    page = answer.content.decode()
    assert "No medium and no hard items." in page
    assert "1 of 3 items do not say their case." in page


def test_the_composition_is_crossed_with_the_sources(lea: Client, dataset: Dataset) -> None:
    for number, (difficulty, case, source) in enumerate(
        [
            ("easy", "edge_case", "manual"),
            ("hard", "representative", "production_log"),
            ("hard", "edge_case", "production_log"),
            ("", "", ""),
        ]
    ):
        item = builders.make_item(dataset, external_id=f"i{number}")
        Item.objects.filter(pk=item.pk).update(difficulty=difficulty, case=case, source=source)

    def hard(of: str) -> tuple[list[int], int]:
        found = lea.get(at("dataset", dataset.pk), {"of": of}).context["composition"]
        [row] = [row for row in found.rows if row.name == "hard"]
        return list(row.counts), found.shown

    assert hard("production_log") == ([1, 1, 0, 0], 2)
    assert hard("manual") == ([0, 0, 0, 0], 1)
    assert hard("") == ([0, 0, 0, 0], 1)
    assert hard("nowhere") == ([1, 1, 0, 0], 4)
    page = lea.get(at("dataset", dataset.pk), {"of": "manual"}).content.decode()
    assert '<a class="act" href="?of=manual#composition" aria-current="true">' in page
    assert "?of=synthetic" not in page


def test_an_unmarked_dataset_says_how_to_mark_it(lea: Client, dataset: Dataset) -> None:
    builders.make_item(dataset)
    assert "Map these columns at an import" in lea.get(at("dataset", dataset.pk)).content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=cancel", ["a"]),
        ("q=B", ["b"]),
        ("part=sealed", ["b"]),
        ("q=nothing", []),
        ("part=nonsense", ["a", "b"]),
        ("page=x", ["a", "b"]),
        ("page=99999999999999999999", ["a", "b"]),
        ("q=%00", ["a", "b"]),
    ],
)
def test_items_are_found_by_text_id_and_part(
    lea: Client, dataset: Dataset, query: str, found: list[str]
) -> None:
    builders.make_item(dataset, external_id="a", input="How do I cancel?")
    builders.make_item(dataset, external_id="b", input="Export?", part=Part.SEALED)
    answer = lea.get(f"{at('dataset', dataset.pk)}?{query}", headers=HTMX)
    assert [item.external_id for item in answer.context["page_obj"].object_list] == found
    assert answer.content.decode().lstrip().startswith('<div id="items">')


def test_a_thousand_items_cost_no_more_queries_than_ten(
    lea: Client, dataset: Dataset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    first = builders.make_item(dataset)
    Item.objects.bulk_create(
        Item(
            project=dataset.project,
            dataset=dataset,
            external_id=f"n{number}",
            kind="single",
            prompt_key=f"n{number}",
            cluster_key=f"n{number}",
            content_hash=f"{number}",
        )
        for number in range(1000)
    )
    with django_assert_max_num_queries(45):
        assert first.external_id in lea.get(at("dataset", dataset.pk)).content.decode()


@pytest.mark.parametrize("name", ["datasets", "dataset"])
def test_pages_that_only_show_take_no_post(lea: Client, dataset: Dataset, name: str) -> None:
    assert lea.post(at(name, *([dataset.pk] if name == "dataset" else []))).status_code == 405
