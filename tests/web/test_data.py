"""The pages of datasets, items and imports: who may, what is shown, and what is never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from accounts.models import Project
from annotation.models import (
    Dataset,
    Item,
    Rating,
    ReferenceLabel,
    Round,
    RoundRater,
    SealedSet,
    Upload,
)
from annotation.services import datasets, reference
from annotation.states import Part, Provenance, RoundKind, RoundState
from core import jobs
from core.models import Job, JobState
from tests import builders
from tests.cast import Cast, ClientFor

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
ROWS = "id,question,answer,note\n1,Why?,Because.,x\n2,How?,So.,y\n"
PAIRS = [
    {"idx": 7, "ask": "Why?", "one": "Because.", "two": True, "key": "alpha_beta"},
    {"idx": 8, "ask": "How?", "one": "So.", "two": "Thus.", "key": "alpha_beta"},
]
MAP = {"shape": "single", "broken": "refuse", "column_input": "question"}
GOOD_MAP = {**MAP, "column_response": "answer", "column_id": "id"}
MARK = "marker-7f3a"


@pytest.fixture(autouse=True)
def _own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return builders.make_dataset(project)


@pytest.fixture
def lea(cast: Cast, client_for: ClientFor) -> Client:
    return client_for(cast.lea)


def at(name: str, *args: object) -> str:
    return reverse(name, args=["support", *args])


def file(body: str | bytes, name: str = "items.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body.encode() if isinstance(body, str) else body)


def uploaded(
    lea: Client, dataset: Dataset, body: str | bytes, name: str = "items.csv", kind: str = "items"
) -> Upload:
    answer = lea.post(at(f"import_{kind}", dataset.pk), {"file": file(body, name)})
    assert answer.status_code == 302, answer.content.decode()
    return Upload.objects.latest("pk")


def started(lea: Client, dataset: Dataset, body: str, fields: dict[str, Any]) -> Job:
    upload = uploaded(lea, dataset, body)
    answer = lea.post(at("import_map", dataset.pk, upload.pk), fields)
    assert answer.status_code == 302, answer.content.decode()
    return Job.objects.get()


def refused(answer: Any) -> str:
    assert answer.status_code == 422
    return str(answer.content.decode())


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


# --- one item ---------------------------------------------------------------------------------


def rated_item(
    cast: Cast, dataset: Dataset, *, part: Part = Part.DEVELOPMENT
) -> tuple[Item, Round]:
    """An item whose label, rationale and rater carry a marker that no sealed page may hold."""
    item = builders.make_item(
        dataset, responses=("Go **there**.",), systems=("support-bot",), part=part
    )
    version = builders.make_guideline(dataset.project, keys=("accuracy",))
    raters = [builders.rater_of(dataset.project, person) for person in (cast.ana, cast.ben)]
    round_ = builders.make_round(
        dataset, version, items=[item], raters=raters, overlap=2, state=RoundState.CLOSED
    )
    for rater in raters:
        builders.make_rating(round_, item, rater, labels={"accuracy": "3"})
    Rating.objects.update(label=MARK)
    ReferenceLabel.objects.create(
        item=item,
        guideline=version.guideline,
        dimension_key="accuracy",
        major=1,
        method="plurality",
        state="decided",
        label=MARK,
        votes=2,
        ratings_digest="d",
    )
    return item, round_


def test_an_item_shows_texts_system_ratings_and_reference(
    lea: Client, cast: Cast, dataset: Dataset
) -> None:
    item, _ = rated_item(cast, dataset)
    answer = lea.get(at("item", item.pk))
    page = answer.content.decode()
    assert "<strong>there</strong>" in page
    assert "support-bot" in page
    assert page.count(MARK) == 3
    assert [row.rater for row in answer.context["labels"].tables[0].rows] == ["Ana", "Ben"]


@pytest.mark.parametrize("who", ["lea", "noor", "ada"])
def test_no_label_of_a_sealed_item_is_on_any_page(
    cast: Cast, client_for: ClientFor, project: Project, who: str
) -> None:
    sealed = datasets.create(project=project, name="s", share=0.5, actor="u1")
    item, _ = rated_item(cast, sealed, part=Part.SEALED)
    person = client_for(getattr(cast, who))
    for address in (at("item", item.pk), at("dataset", sealed.pk), at("datasets")):
        assert MARK not in person.get(address).content.decode()
    assert "nobody reads its labels" in person.get(at("item", item.pk)).content.decode()


def test_a_lead_who_rates_in_the_round_sees_neither_labels_nor_systems(
    lea: Client, cast: Cast, dataset: Dataset
) -> None:
    item, round_ = rated_item(cast, dataset)
    Round.objects.filter(pk=round_.pk).update(state=RoundState.OPEN)
    RoundRater.objects.create(round=round_, rater=builders.rater_of(dataset.project, cast.lea))
    page = lea.get(at("item", item.pk)).content.decode()
    assert MARK not in page
    assert "support-bot" not in page
    assert "You rate in a round that holds this item." in page


def test_ratings_of_a_session_wait_for_its_reveal(
    lea: Client, cast: Cast, dataset: Dataset
) -> None:
    item, round_ = rated_item(cast, dataset)
    ReferenceLabel.objects.all().delete()
    Round.objects.filter(pk=round_.pk).update(kind=RoundKind.SESSION)
    assert MARK not in lea.get(at("item", item.pk)).content.decode()
    Round.objects.filter(pk=round_.pk).update(revealed_at=builders.NOON)
    assert MARK in lea.get(at("item", item.pk)).content.decode()


def test_texts_cannot_bring_markup(lea: Client, dataset: Dataset) -> None:
    item = builders.make_item(
        dataset,
        external_id="<b>x</b>",
        input="<script>alert(1)</script>",
        responses=("<img src=x>",),
    )
    page = lea.get(at("item", item.pk)).content.decode()
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page


def test_items_without_texts_and_erased_ones_say_so(lea: Client, dataset: Dataset) -> None:
    bare = builders.make_item(dataset, external_id="bare")
    Item.objects.filter(pk=bare.pk).update(content=None)
    erased = builders.make_item(dataset, external_id="erased")
    assert erased.content is not None
    erased.content.body, erased.content.erased_at = {}, builders.NOON
    erased.content.save()
    assert "known only by its labels" in lea.get(at("item", bare.pk)).content.decode()
    assert "were erased on 23 Nov 2026" in lea.get(at("item", erased.pk)).content.decode()


def test_hidden_items_are_not_there(lea: Client, dataset: Dataset) -> None:
    item = builders.make_item(dataset)
    Item.objects.filter(pk=item.pk).update(is_visible=False)
    assert lea.get(at("item", item.pk)).status_code == 404


# --- uploads ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a.csv", b"", "The file is empty"),
        ("a.csv", b"id,question\n", "header and no rows"),
        ("a.csv", "id,q\n1,caf\xe9\n".encode("latin-1"), "Save it as UTF-8"),
        ("a.xlsx", b"PK\x03\x04 and the rest", "spreadsheet or a zip file"),
        ("a.png", b"\x89PNG\r\n\x1a\n\x00\x00", "UTF-8"),
        ("a.json", b'{"a": ', ""),
    ],
)
@pytest.mark.parametrize("kind", ["items", "labels"])
def test_a_file_that_cannot_be_read_gets_a_sentence(
    lea: Client, dataset: Dataset, kind: str, name: str, body: bytes, said: str
) -> None:
    answer = lea.post(at(f"import_{kind}", dataset.pk), {"file": file(body, name)})
    assert said in refused(answer)
    assert not Upload.objects.exists()


def test_no_file_at_all_gets_a_sentence(lea: Client, dataset: Dataset) -> None:
    assert "Choose a file." in refused(lea.post(at("import_items", dataset.pk), {}))


def test_a_file_over_the_limit_gets_a_sentence(
    lea: Client, dataset: Dataset, settings: Settings
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 10
    answer = lea.post(at("import_items", dataset.pk), {"file": file(ROWS)})
    assert "at most 10 bytes" in refused(answer)
    assert not Upload.objects.exists()


def test_labels_into_a_sealed_dataset_get_a_sentence(lea: Client, project: Project) -> None:
    sealed = datasets.create(project=project, name="s", share=0.5, actor="u1")
    assert "collected here, blind" in lea.get(at("import_labels", sealed.pk)).content.decode()
    answer = lea.post(at("import_labels", sealed.pk), {"file": file("item,rater,label\n1,a,A\n")})
    assert "collected here, blind" in refused(answer)
    assert not Upload.objects.exists()


# --- the mapping of items ---------------------------------------------------------------------


def test_the_mapping_shows_the_first_rows_and_guesses_clear_names(
    lea: Client, dataset: Dataset
) -> None:
    upload = uploaded(lea, dataset, ROWS)
    answer = lea.get(at("import_map", dataset.pk, upload.pk))
    form = answer.context["form"]
    guessed = {name: form[f"column_{name}"].value() for name in ("id", "input", "response")}
    assert guessed == {"id": "id", "input": "question", "response": "answer"}
    assert form["shape"].value() == "single"
    assert "Because." in answer.content.decode()


def test_two_responses_are_guessed_to_be_a_pair(lea: Client, dataset: Dataset) -> None:
    body = json.dumps([{"question": "Why?", "answer_a": "A", "answer_b": "B"}])
    upload = uploaded(lea, dataset, body, "a.json")
    form = lea.get(at("import_map", dataset.pk, upload.pk)).context["form"]
    assert form["shape"].value() == "pair"
    assert form["column_response_b"].value() == "answer_b"


def test_a_whole_import_from_the_file_to_the_items(lea: Client, dataset: Dataset) -> None:
    job = started(lea, dataset, ROWS, GOOD_MAP)
    jobs.run(job.pk)
    page = lea.get(at("import_job", job.pk)).content.decode()
    assert "2 items imported" in page
    item = Item.objects.order_by("pk")[0]
    assert (item.external_id, item.title, item.extra) == ("1", "Why?", {"note": "x"})
    assert "items.csv" in lea.get(at("dataset", dataset.pk)).content.decode()


def test_pairs_by_path_with_a_boolean_for_a_text(lea: Client, dataset: Dataset) -> None:
    upload = uploaded(lea, dataset, json.dumps(PAIRS), "pairs.json")
    fields = {
        "shape": "pair",
        "broken": "refuse",
        "column_id": "idx",
        "column_input": "ask",
        "column_response_a": "one",
        "column_response_b": "two",
        "path_system_a": "key~_~0",
        "path_system_b": "key~_~1",
        # Of the other shape: it is not read.
        "column_response": "ask",
    }
    lea.post(at("import_map", dataset.pk, upload.pk), fields)
    job = Job.objects.get()
    jobs.run(job.pk)
    item = Item.objects.get(external_id="7")
    assert item.kind == "pair"
    assert [response.system for response in item.responses.all()] == ["alpha", "beta"]
    page = lea.get(at("import_job", job.pk)).content.decode()
    assert "Record 1: the response B is not a text in the file; it is taken as “true”." in page


def test_a_column_left_out_is_not_read_by_its_name(lea: Client, dataset: Dataset) -> None:
    body = "input,response,source\nWhy?,Because.,nowhere\n"
    fields = {
        "shape": "single",
        "broken": "refuse",
        "column_input": "input",
        "column_response": "response",
    }
    job = started(lea, dataset, body, fields)
    jobs.run(job.pk)
    assert Item.objects.get().extra == {"source": "nowhere"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"column_input": ""}, "Every item needs an input"),
        ({"column_response": ""}, "Choose the column of the response."),
        ({"shape": "pair"}, "Choose the column of response A."),
        ({"shape": ""}, "Say what each row holds."),
        ({"broken": ""}, "Say what happens with rows that cannot be read."),
        ({"column_input": "frage"}, "The file has no column “frage”."),
        ({"path_input": "frage.text"}, "There is no column “frage.text”."),
    ],
)
def test_a_mapping_that_does_not_fit_starts_nothing(
    lea: Client, dataset: Dataset, changes: dict[str, str], said: str
) -> None:
    upload = uploaded(lea, dataset, ROWS)
    answer = lea.post(at("import_map", dataset.pk, upload.pk), {**GOOD_MAP, **changes})
    assert said in refused(answer)
    assert not Job.objects.exists()


def test_broken_rows_are_listed_and_the_mapping_can_be_changed_without_another_upload(
    lea: Client, dataset: Dataset
) -> None:
    job = started(lea, dataset, ROWS + "3,What?,,\n", {**GOOD_MAP, "path_cluster": "note"})
    jobs.run(job.pk)
    page = lea.get(at("import_job", job.pk)).content.decode()
    assert "1 line cannot be read, so nothing was taken from the file: 4." in page
    assert "Line 4: it has no response" in page
    again = at("import_map", dataset.pk, Upload.objects.get().pk)
    assert again in page
    form = lea.get(again).context["form"]
    assert form["column_cluster"].value() == "note"
    lea.post(again, {**GOOD_MAP, "broken": "skip"})
    second = Job.objects.latest("pk")
    jobs.run(second.pk)
    second.refresh_from_db()
    assert (second.result["added"], second.result["broken"]) == (2, 1)


@pytest.mark.parametrize("problem", ["other texts", "sealed elsewhere"])
def test_rows_that_contradict_the_project_are_listed(
    lea: Client, project: Project, dataset: Dataset, problem: str
) -> None:
    if problem == "other texts":
        builders.make_item(dataset, external_id="2", input="Something else")
        said = "Line 3: the id &#x27;2&#x27; belongs to an item with other texts"
    else:
        sealed = datasets.create(project=project, name="s", share=0.5, actor="u1")
        builders.make_item(sealed, external_id="z", cluster="y", part=Part.SEALED)
        said = "Line 3: this prompt is sealed in another dataset"
    job = started(lea, dataset, ROWS, {**GOOD_MAP, "column_cluster": "note"})
    jobs.run(job.pk)
    assert said in lea.get(at("import_job", job.pk)).content.decode()
    assert not Item.objects.filter(external_id="1").exists()


def test_an_imported_file_is_gone_and_says_so(lea: Client, dataset: Dataset) -> None:
    job = started(lea, dataset, ROWS, GOOD_MAP)
    jobs.run(job.pk)
    address = at("import_map", dataset.pk, Upload.objects.get().pk)
    answer = lea.get(address, follow=True)
    assert answer.redirect_chain[-1][0] == at("import_items", dataset.pk)
    assert "no longer kept" in answer.content.decode()


# --- the progress of a job --------------------------------------------------------------------


def test_a_job_under_way_asks_again_by_itself_and_by_a_link(lea: Client, dataset: Dataset) -> None:
    job = started(lea, dataset, ROWS, GOOD_MAP)
    Job.objects.filter(pk=job.pk).update(
        state=JobState.RUNNING, lease_until=builders.NOON, done=1000, total=4000
    )
    answer = lea.get(at("import_job", job.pk), headers=HTMX)
    fragment = answer.content.decode()
    assert fragment.lstrip().startswith('<div class="stack" id="import-job"')
    assert 'hx-trigger="every 1s"' in fragment
    assert "Look again" in fragment
    assert "1,000 of 4,000" in fragment


def test_a_finished_job_asks_no_more(lea: Client, dataset: Dataset) -> None:
    job = started(lea, dataset, ROWS, GOOD_MAP)
    jobs.run(job.pk)
    assert "hx-trigger" not in lea.get(at("import_job", job.pk), headers=HTMX).content.decode()


def test_a_refused_import_stands_in_the_list_of_imports(lea: Client, dataset: Dataset) -> None:
    builders.make_item(dataset)
    job = started(lea, dataset, ROWS + "3,What?,,\n", GOOD_MAP)
    jobs.run(job.pk)
    assert "nothing taken" in lea.get(at("dataset", dataset.pk)).content.decode()


# --- labels -----------------------------------------------------------------------------------


LABELS = "item,rater,label\ni1,ana,4\ni1,ben,9\n"
LABEL_MAP = {
    "shape": "long",
    "column_item": "item",
    "column_rater": "rater",
    "column_label": "label",
    "values": "",
    "guideline": "new",
}


def labels_job(lea: Client, dataset: Dataset, body: str, fields: dict[str, Any]) -> Job:
    upload = uploaded(lea, dataset, body, "labels.csv", kind="labels")
    answer = lea.post(at("import_labels_map", dataset.pk, upload.pk), fields)
    assert answer.status_code == 302, answer.content.decode()
    job = Job.objects.latest("pk")
    jobs.run(job.pk)
    return Job.objects.get(pk=job.pk)


@pytest.mark.django_db(transaction=True)
def test_wide_labels_come_in_with_their_values(lea: Client, dataset: Dataset) -> None:
    builders.make_pair(dataset, external_id="7")
    body = "idx,annotator1,annotator2\n7,0,1\n"
    upload = uploaded(lea, dataset, body, "labels.csv", kind="labels")
    form = lea.get(at("import_labels_map", dataset.pk, upload.pk)).context["form"]
    assert (form["shape"].value(), form["column_item"].value()) == ("wide", "idx")
    assert form["wide"].value() == ["annotator1", "annotator2"]
    job = labels_job(
        lea,
        dataset,
        body,
        {
            "shape": "wide",
            "column_item": "idx",
            "wide": ["annotator1", "annotator2"],
            "values": "0=tie\r\n1=A\r\n",
            "guideline": "new",
            "new_name": "Preference",
        },
    )
    assert job.result["guideline"] == "Preference"
    assert set(Rating.objects.values_list("label", flat=True)) == {"tie", "A"}
    assert "2 labels imported" in lea.get(at("import_job", job.pk)).content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (LABELS, "Line 3: "),
        ("item,rater,label\ni9,ana,4\n", "Line 2: there is no item &#x27;i9&#x27;"),
        (f"item,rater,label\ni1,ana,{'x' * 41}\n", "Line 2: the label has 41 characters"),
        ("item,rater,label,dimension\ni1,ana,4,tone\n", "Line 2: the guideline has no dimension"),
    ],
)
def test_labels_that_do_not_fit_are_listed_and_nothing_is_stored(
    lea: Client, dataset: Dataset, body: str, said: str
) -> None:
    builders.make_item(dataset, external_id="i1")
    builders.make_guideline(dataset.project, keys=("accuracy",))
    fields = {**LABEL_MAP, "guideline": "name:Helpfulness"}
    if "dimension" in body:
        fields["column_dimension"] = "dimension"
    job = labels_job(lea, dataset, body, fields)
    assert job.state == JobState.FAILED
    assert said in lea.get(at("import_job", job.pk)).content.decode()
    assert not Rating.objects.exists()
    assert not Round.objects.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"column_item": ""}, "Choose the column that names the item."),
        ({"column_rater": ""}, "Choose the column that names the rater."),
        ({"shape": "wide"}, "Choose at least one column that holds a rater"),
        ({"values": "0"}, "is not a value code"),
        ({"values": "0=A\n0=B"}, "is coded twice"),
        ({"guideline": "name:none"}, "Select a valid choice"),
        ({"path_label": "votes.0"}, "There is no column “votes.0”."),
    ],
)
def test_a_mapping_of_labels_that_does_not_fit_starts_nothing(
    lea: Client, dataset: Dataset, changes: dict[str, str], said: str
) -> None:
    upload = uploaded(lea, dataset, LABELS, "labels.csv", kind="labels")
    answer = lea.post(at("import_labels_map", dataset.pk, upload.pk), {**LABEL_MAP, **changes})
    assert said in refused(answer)
    assert not Job.objects.exists()


@pytest.mark.parametrize("name", ["datasets", "dataset"])
def test_pages_that_only_show_take_no_post(lea: Client, dataset: Dataset, name: str) -> None:
    assert lea.post(at(name, *([dataset.pk] if name == "dataset" else []))).status_code == 405


def test_a_reference_label_is_shown_once_in_its_newest_version(
    lea: Client, cast: Cast, dataset: Dataset
) -> None:
    item, _ = rated_item(cast, dataset)
    ReferenceLabel.objects.all().delete()
    Rating.objects.update(label="2")
    reference.refresh(item_ids=[item.pk])
    Rating.objects.update(label="5")
    reference.refresh(item_ids=[item.pk])
    (shown,) = lea.get(at("item", item.pk)).context["labels"].reference
    assert (shown.version, shown.label) == (2, "pass")
