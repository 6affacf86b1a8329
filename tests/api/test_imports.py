"""Items and labels in over the API: taken whole or not at all, by a job that can be followed."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Project
from accounts.roles import Scope
from annotation.models import Dataset, Item, Rating, SealedSet, Upload
from annotation.services import uploads
from core import jobs
from core.models import AuditEvent, IdempotencyKey, Job
from tests import builders, shaped

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

ROWS = [
    {"id": f"i{n}", "input": f"Question {n}?", "response": f"Answer {n}.", "system": "alpha"}
    for n in range(5)
]
LABELS = [
    {"item": f"i{n}", "rater": rater, "label": "yes" if n % 2 else "no"}
    for n in range(3)
    for rater in ("ana", "ben")
]
CSV = "id,question,answer\n1,Why?,Because.\n2,How?,So.\n"
KEY = {"Idempotency-Key": "monday"}


@pytest.fixture(autouse=True)
def _own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return builders.make_dataset(project)


@pytest.fixture
def machine(project: Project) -> Client:
    return client_with(project, Scope.WRITE)


def client_with(project: Project, *scopes: Scope) -> Client:
    _, secret = builders.make_token(project, scopes=scopes)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def at(dataset: Dataset, what: str = "items") -> str:
    return f"/api/v1/projects/support/datasets/{dataset.pk}/{what}"


def send(
    machine: Client, dataset: Dataset, body: object, *, status: int = 202, **more: Any
) -> dict[str, Any]:
    what = more.pop("what", "items")
    answer = machine.post(at(dataset, what), body, content_type="application/json", **more)
    assert answer.status_code == status, answer.content
    return dict(answer.json())


def send_file(
    machine: Client, dataset: Dataset, body: str | bytes, *, status: int = 202, **fields: Any
) -> dict[str, Any]:
    what, name = fields.pop("what", "items"), fields.pop("name", "items.csv")
    file = SimpleUploadedFile(name, body.encode() if isinstance(body, str) else body)
    answer = machine.post(at(dataset, what), {"file": file, **fields})
    assert answer.status_code == status, answer.content
    return dict(answer.json())


def ended(machine: Client, started: Mapping[str, Any]) -> dict[str, Any]:
    """The import after a worker was at it, as its address tells."""
    jobs.run(started["id"])
    answer = machine.get(started["url"])
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def kept_files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "uploads"
    return list(folder.iterdir()) if folder.exists() else []


# Datasets -----------------------------------------------------------------------------------------


def test_a_dataset_is_made(machine: Client, project: Project) -> None:
    answer = machine.post(
        "/api/v1/projects/support/datasets",
        {"name": "week 47", "share": 0.5},
        content_type="application/json",
    )
    made = Dataset.objects.get()
    assert answer.status_code == 201
    assert answer.json()["id"] == made.pk
    assert (answer.json()["name"], answer.json()["items"]) == ("week 47", 0)
    assert SealedSet.objects.get().provenance == "collected"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"name": " "}, 422),
        ({"name": "x" * 121}, 422),
        ({"name": "a", "share": 1}, 422),
        ({"name": "a", "share": "nan"}, 422),
        ({"name": "week 46"}, 409),
        ([], 422),
    ],
)
def test_a_dataset_that_cannot_be_is_refused(
    machine: Client, dataset: Dataset, body: object, status: int
) -> None:
    address = "/api/v1/projects/support/datasets"
    answer = machine.post(address, body, content_type="application/json")
    assert answer.status_code == status
    assert Dataset.objects.count() == 1


def test_the_same_key_makes_one_dataset(machine: Client, project: Project) -> None:
    for _ in range(2):
        answer = machine.post(
            "/api/v1/projects/support/datasets",
            {"name": "week 47"},
            content_type="application/json",
            headers=KEY,
        )
        assert answer.status_code == 201
    assert Dataset.objects.count() == 1


# The ways in --------------------------------------------------------------------------------------


def test_rows_of_json_come_in_and_are_followed(machine: Client, dataset: Dataset) -> None:
    started = send(machine, dataset, {"items": ROWS})
    assert (started["state"], started["imported"]) == ("waiting", None)
    assert not Item.objects.exists()
    over = ended(machine, started)
    assert (over["state"], over["what"], over["dataset"]) == ("done", "items", dataset.pk)
    assert over["imported"] == {"added": 5, "known": 0, "broken": 0, "notices": 0}
    assert (over["rows_read"], over["personal_data"]) == (5, None)
    assert Item.objects.filter(dataset=dataset).count() == 5


def test_the_answer_names_its_address(machine: Client, dataset: Dataset) -> None:
    answer = machine.post(at(dataset), {"items": ROWS}, content_type="application/json")
    assert answer["Location"] == answer.json()["url"]


def test_a_list_is_the_rows_themselves(machine: Client, dataset: Dataset) -> None:
    assert ended(machine, send(machine, dataset, ROWS))["imported"]["added"] == 5


def test_a_file_in_a_form_is_mapped(machine: Client, dataset: Dataset) -> None:
    started = send_file(machine, dataset, CSV, map=["input=question", "response=answer"])
    assert ended(machine, started)["imported"]["added"] == 2
    assert started["file"] == "items.csv"
    assert Item.objects.get(external_id="2").title == "How?"


def test_columns_may_be_mapped_by_an_object(machine: Client, dataset: Dataset) -> None:
    rows = [{"id": 1, "ask": {"text": "Why?"}, "said": "Because."}]
    body = {"items": rows, "map": {"input": "ask.text", "response": "said"}}
    assert ended(machine, send(machine, dataset, body))["imported"]["added"] == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/csv", CSV.replace("question", "input").replace("answer", "response")),
        ("application/x-ndjson", "\n".join(json.dumps(row) for row in ROWS[:2])),
        ("application/octet-stream", json.dumps(ROWS[:2])),
        ("text/tab-separated-values", "id\tinput\tresponse\n1\tWhy?\tSo.\n2\tHow?\tSo.\n"),
    ],
)
def test_the_body_may_be_the_file(machine: Client, dataset: Dataset, kind: str, body: str) -> None:
    answer = machine.post(at(dataset) + "?skip_bad=true", body.encode(), content_type=kind)
    assert answer.status_code == 202, answer.content
    assert ended(machine, answer.json())["imported"]["added"] == 2


def test_options_of_a_body_stand_in_the_query(machine: Client, dataset: Dataset) -> None:
    address = at(dataset) + "?map=input%3Dquestion&map=response%3Danswer"
    answer = machine.post(address, CSV.encode(), content_type="text/csv; charset=utf-8")
    assert ended(machine, answer.json())["imported"]["added"] == 2


def test_parquet_comes_in(machine: Client, dataset: Dataset, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    started = send_file(machine, dataset, path.read_bytes(), name="rows.parquet")
    assert ended(machine, started)["imported"]["added"] == 5


def test_the_same_rows_again_add_nothing(machine: Client, dataset: Dataset) -> None:
    ended(machine, send(machine, dataset, {"items": ROWS}))
    again = ended(machine, send(machine, dataset, {"items": ROWS}))
    assert again["imported"] == {"added": 0, "known": 5, "broken": 0, "notices": 0}


# Bad rows -----------------------------------------------------------------------------------------

MIXED = [ROWS[0], {"id": "x", "input": "Why?"}, ROWS[1], 7, ROWS[2] | {"input": "\u0000"}]


def test_bad_rows_are_numbered_and_nothing_is_taken(machine: Client, dataset: Dataset) -> None:
    over = ended(machine, send(machine, dataset, {"items": MIXED}))
    assert (over["state"], over["imported"]) == ("failed", None)
    assert [row.partition(":")[0] for row in over["broken_rows"]] == [
        "Record 2",
        "Record 4",
        "Record 5",
    ]
    assert "nothing was taken" in over["problem"]
    assert not Item.objects.exists()


def test_bad_rows_are_left_out_on_request(machine: Client, dataset: Dataset) -> None:
    over = ended(machine, send(machine, dataset, {"items": MIXED, "skip_bad": True}))
    assert (over["imported"]["added"], over["imported"]["broken"]) == (2, 3)
    assert len(over["broken_rows"]) == 3


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Nothing was sent"),
        ({"items": []}, "items"),
        ({"items": "x"}, "items"),
        ({"items": ROWS, "map": "input"}, "map"),
        ({"items": ROWS, "map": {"input": "nowhere"}}, "nowhere"),
        ({"items": ROWS, "map": {"inptu": "input"}}, "no field “inptu”"),
        ({"items": ROWS, "map": ["input"]}, "not a mapping"),
        ({"items": ROWS, "map": {"input": {"a": 1}}}, "map"),
        ({"items": ROWS, "skip_bad": "perhaps"}, "skip_bad"),
        ({"items": ROWS, "personal_data": "sell"}, "personal_data"),
        ({"items": ROWS, "personal_data": "mask", "region": "QQ"}, "no region 'QQ'"),
        ("text", "file"),
        (None, ""),
        (7, ""),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_kept(
    machine: Client, dataset: Dataset, tmp_path: Path, body: object, said: str
) -> None:
    answer = machine.post(at(dataset), json.dumps(body), content_type="application/json")
    assert answer.status_code == 422, answer.content
    assert said in answer.json()["message"]
    assert not Upload.objects.exists()
    assert not Job.objects.exists()
    assert kept_files(tmp_path) == []


def test_a_file_and_rows_at_once_are_refused(machine: Client, dataset: Dataset) -> None:
    said = send_file(machine, dataset, CSV, items="[]", status=422)["message"]
    assert "not both" in said


def test_an_empty_file_is_refused(machine: Client, dataset: Dataset) -> None:
    assert "empty" in send_file(machine, dataset, "", status=422)["message"]


def test_another_kind_of_body_is_refused(machine: Client, dataset: Dataset) -> None:
    answer = machine.post(at(dataset), b"<rows/>", content_type="text/xml")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


# Limits -------------------------------------------------------------------------------------------


def test_a_file_over_the_limit_says_so(
    machine: Client, dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 20
    said = send_file(machine, dataset, CSV, status=413)
    assert said["code"] == "upload_too_large"
    assert "at most 20 bytes" in said["message"]
    answer = machine.post(at(dataset), CSV.encode(), content_type="text/csv")
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    assert kept_files(tmp_path) == []


def test_json_over_its_limit_names_the_other_way(
    machine: Client, dataset: Dataset, settings: Settings
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert "as a file" in send(machine, dataset, {"items": ROWS}, status=413)["message"]


def test_too_many_fields_are_refused(machine: Client, dataset: Dataset, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    said = send_file(machine, dataset, CSV, map=["input=question"] * 5, status=400)
    assert said["code"] == "parse_error"


@pytest.mark.parametrize("kind", ["text/csv", "multipart/form-data; boundary=xx"])
def test_half_a_body_is_not_taken_for_a_whole_one(
    machine: Client, dataset: Dataset, kind: str
) -> None:
    body = (
        CSV
        if kind == "text/csv"
        else f'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n{CSV}'
    )
    more: dict[str, Any] = {
        "wsgi.input": io.BytesIO(body.encode()),
        "CONTENT_LENGTH": str(len(body) + 50),
    }
    answer = machine.post(at(dataset), body.encode(), content_type=kind, **more)
    assert answer.status_code == 400
    assert "broke off" in answer.json()["message"]
    assert not Upload.objects.exists()


# Answers kept by key ------------------------------------------------------------------------------


def test_the_same_key_plans_one_import(machine: Client, dataset: Dataset, tmp_path: Path) -> None:
    fields = {"map": ["input=question", "response=answer"], "headers": KEY}
    first, second = (sent_with_key(machine, dataset, CSV, **fields) for _ in "ab")
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert Job.objects.count() == 1
    assert len(kept_files(tmp_path)) == 1


def test_the_same_key_with_another_file_or_mapping_is_a_conflict(
    machine: Client, dataset: Dataset
) -> None:
    fields = {"map": ["input=question", "response=answer"]}
    sent_with_key(machine, dataset, CSV, **fields)
    for body, other in ((CSV + "3,Who?,He.\n", fields), (CSV, {"map": fields["map"][::-1]})):
        answer = sent_with_key(machine, dataset, body, **other)
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert Job.objects.count() == 1


def test_a_refused_import_frees_its_key(machine: Client, dataset: Dataset) -> None:
    assert sent_with_key(machine, dataset, CSV, map=["input=nowhere"]).status_code == 422
    assert not IdempotencyKey.objects.exists()


def sent_with_key(machine: Client, dataset: Dataset, body: str, **fields: Any) -> Any:
    fields.pop("headers", None)
    file = SimpleUploadedFile("items.csv", body.encode())
    return machine.post(at(dataset), {"file": file, **fields}, headers=KEY)


# Personal data ------------------------------------------------------------------------------------

PERSONAL = [{"id": "p1", "input": "Write to mia@example.org.", "response": "Done."}]


@pytest.mark.parametrize(("wish", "is_masked"), [("report", False), ("mask", True)])
def test_personal_data_is_found_and_masked_on_request(
    machine: Client, dataset: Dataset, wish: str, is_masked: bool
) -> None:
    over = ended(machine, send(machine, dataset, {"items": PERSONAL, "personal_data": wish}))
    assert over["personal_data"]["found"] == {"email": 1}
    assert over["personal_data"]["is_masked"] is is_masked
    assert over["personal_data"]["places"] == [["p1", "input", "email"]]
    content = Item.objects.get().content
    assert content is not None
    assert ("mia@" in content.body["input"]) is not is_masked


# Labels -------------------------------------------------------------------------------------------


def test_labels_come_in(machine: Client, dataset: Dataset) -> None:
    over = ended(machine, send(machine, dataset, {"labels": LABELS}, what="labels"))
    assert (over["state"], over["what"]) == ("done", "labels")
    assert over["imported"] == {
        "labels": 6, "known": 0, "repeats": 0, "items": 3, "new_items": 3, "raters": 2,
    }  # fmt: skip
    assert Rating.objects.count() == 6


def test_a_wide_table_of_codes_comes_in(machine: Client, dataset: Dataset) -> None:
    started = send_file(
        machine,
        dataset,
        "key,r1,r2\na,0,1\nb,1,1\n",
        what="labels",
        map=["item=key"],
        wide=["r1", "r2"],
        values=["0=no", "1=yes"],
        guideline="Yes or no",
    )
    over = ended(machine, started)
    assert (over["imported"]["labels"], over["imported"]["raters"]) == (4, 2)
    assert set(Rating.objects.values_list("label", flat=True)) == {"no", "yes"}


def test_an_unknown_item_is_named_by_its_row(machine: Client, dataset: Dataset) -> None:
    builders.make_item(dataset, external_id="i0")
    over = ended(machine, send(machine, dataset, {"labels": LABELS}, what="labels"))
    assert over["state"] == "failed"
    assert over["broken_rows"][0].startswith("Record 3: there is no item 'i1'")
    assert not Rating.objects.exists()


def test_labels_are_not_brought_where_they_are_collected(machine: Client, project: Project) -> None:
    sealed = builders.make_dataset(project, name="sealed", share=0.5)
    SealedSet.objects.create(dataset=sealed)
    said = send(machine, sealed, {"labels": LABELS}, what="labels", status=409)
    assert said["code"] == "labels_are_collected_here"


@pytest.mark.parametrize(
    "body", [{"labels": LABELS, "values": ["x"]}, {"labels": LABELS, "wide": ["no"]}]
)
def test_label_options_that_do_not_fit_are_refused(
    machine: Client, dataset: Dataset, body: object
) -> None:
    send(machine, dataset, body, what="labels", status=422)
    assert not Upload.objects.exists()


# Doors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [Scope.READ, Scope.JUDGE, Scope.RATE])
@pytest.mark.parametrize("what", ["items", "labels"])
def test_only_a_token_that_writes_brings_anything(
    project: Project, dataset: Dataset, scope: Scope, what: str
) -> None:
    refused = send(client_with(project, scope), dataset, {what: ROWS}, what=what, status=403)
    assert refused["code"] == "scope_missing"
    assert not Job.objects.exists()


def test_who_reads_follows_an_import(machine: Client, project: Project, dataset: Dataset) -> None:
    started = send(machine, dataset, {"items": ROWS})
    assert client_with(project, Scope.READ).get(started["url"]).status_code == 200
    assert client_with(project, Scope.JUDGE).get(started["url"]).status_code == 403


def test_another_projects_rows_are_not_there(machine: Client, dataset: Dataset) -> None:
    elsewhere = builders.make_dataset(builders.make_project(slug="elsewhere"))
    send(machine, elsewhere, {"items": ROWS}, status=404)
    job = jobs.enqueue(
        kind=uploads.ITEMS,
        actor="u1",
        project_id=elsewhere.project_id,
        plan={"dataset": elsewhere.pk, "upload": 1, "file": "x"},
    )
    assert machine.get(f"/api/v1/projects/support/imports/{job.pk}").status_code == 404


def test_traffic_is_no_dataset_to_import_into(machine: Client, dataset: Dataset) -> None:
    Dataset.objects.update(kind="traffic")
    send(machine, dataset, {"items": ROWS}, status=404)


def test_who_brought_it_stands_in_the_audit_trail(machine: Client, dataset: Dataset) -> None:
    ended(machine, send(machine, dataset, {"items": ROWS}))
    token = dataset.project.tokens.get()
    verbs = AuditEvent.objects.filter(actor=token.actor).values_list("verb", flat=True)
    assert {"import.started", "items.imported"} <= set(verbs)


# Foreign shapes -----------------------------------------------------------------------------------


def test_a_foreign_shape_is_recognised(machine: Client, dataset: Dataset) -> None:
    over = ended(machine, send(machine, dataset, {"items": shaped.PAIRS}))
    assert (over["shape"], over["imported"]["added"]) == ("MT-Bench judgments of pairs", 2)
    over = ended(machine, send(machine, dataset, {"labels": shaped.PAIRS}, what="labels"))
    assert (over["shape"], over["imported"]["labels"]) == ("MT-Bench judgments of pairs", 3)


def test_the_shape_can_be_overruled(machine: Client, dataset: Dataset) -> None:
    send(machine, dataset, {"items": shaped.TASKS, "shape": "plain"}, status=422)
    send(machine, dataset, {"items": shaped.TASKS, "shape": "xml"}, status=422)
    body = {
        "items": shaped.TASKS,
        "shape": "label_studio",
        "map": {"input": "question", "response": "answer"},
    }
    assert ended(machine, send(machine, dataset, body))["imported"]["added"] == 2
