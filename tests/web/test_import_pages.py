"""Files of items in by the pages: uploads, the mapping, the job."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Project
from annotation.models import Dataset, Item, Upload
from annotation.services import datasets
from annotation.states import Part
from core import jobs
from core.models import Job, JobState
from tests import builders
from tests.web.uploading import GOOD_MAP, HTMX, PAIRS, ROWS, at, file, refused, started, uploaded

pytestmark = pytest.mark.django_db


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


def test_of_very_many_columns_some_are_offered_and_any_can_be_named(
    lea: Client, dataset: Dataset
) -> None:
    names = ["id", "question", *(f"c{place}" for place in range(2_000)), "answer"]
    body = ",".join(names) + "\n" + ",".join("x" for _ in names) + "\n"
    upload = uploaded(lea, dataset, body)
    page = lea.get(at("import_map", dataset.pk, upload.pk)).content.decode()
    assert page.count("<option") < 10_000
    assert page.count("<th") < 200
    assert "1,703 more columns of this file are not in these lists" in page
    fields = {"shape": "single", "broken": "refuse", "column_input": "question"}
    answer = lea.post(
        at("import_map", dataset.pk, upload.pk), {**fields, "path_response": "answer"}
    )
    assert answer.status_code == 302


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
