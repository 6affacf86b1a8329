"""Files from the browser: refused before anything is kept, imported by a job that may die."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Project
from annotation.models import (
    Content,
    Dataset,
    Guideline,
    Item,
    Rating,
    ReferenceLabel,
    Round,
    Upload,
    whole,
)
from annotation.queries import labels
from annotation.services import datasets, importing, label_import, uploads
from annotation.states import Provenance
from core import jobs
from core.errors import Conflict, Invalid
from core.models import Job, JobState
from measurement.agreement import summarise
from tests import builders

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

ROWS: list[dict[str, object]] = [
    {"id": f"i{n}", "question": f"Question {n}?", "answer": f"Answer {n}."} for n in range(7)
]
COLUMNS = {"id": "id", "input": "question", "response": "answer"}


@pytest.fixture(autouse=True)
def _own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return builders.make_dataset(project)


def jsonl(*rows: Mapping[str, object]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def keep(dataset: Dataset, body: bytes, *, name: str = "items.jsonl", **more: Any) -> Upload:
    return uploads.store(dataset=dataset, file=SimpleUploadedFile(name, body), actor="u1", **more)


def plan(dataset: Dataset, body: bytes, *, skip_bad: bool = False) -> Job:
    return uploads.start_items(
        dataset=dataset,
        upload=keep(dataset, body),
        columns=COLUMNS,
        skip_bad=skip_bad,
        actor="u1",
    )


def ran(job: Job) -> Job:
    jobs.run(job.pk)
    job.refresh_from_db()
    return job


def kept_files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "uploads"
    return list(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("items.csv", b"", "The file is empty"),
        ("items.csv", b"\n \n", "The file is empty"),
        ("items.csv", b"id,input,response\n", "header and no rows"),
        ("items.json", b"[]", "no records"),
        ("items.csv", "id,input\n1,caf\xe9 au lait".encode("latin-1"), "UTF-8"),
        ("items.xlsx", b"PK\x03\x04rest of a spreadsheet", "spreadsheet or a zip"),
        ("items.json", b"%PDF-1.7", "PDF"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_and_not_kept(
    dataset: Dataset, tmp_path: Path, name: str, body: bytes, said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        keep(dataset, body, name=name)
    assert not Upload.objects.exists()
    assert kept_files(tmp_path) == []


def test_a_file_over_the_limit_is_refused_with_the_way_out(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 20
    with pytest.raises(Invalid, match=r"at most 20 bytes\. Use `manage\.py import_items`"):
        keep(dataset, jsonl(*ROWS))
    assert kept_files(tmp_path) == []


def test_the_name_of_a_file_never_leads_out_of_the_folder(dataset: Dataset, tmp_path: Path) -> None:
    upload = keep(dataset, jsonl(*ROWS), name="../../evil.jsonl")
    assert upload.name == "evil.jsonl"
    assert [file.name for file in kept_files(tmp_path)] == [upload.file]


def test_a_long_name_keeps_its_suffix(dataset: Dataset) -> None:
    upload = keep(dataset, jsonl(*ROWS), name="x" * 240 + ".jsonl")
    assert len(upload.name) == 200
    assert upload.name.endswith("x.jsonl")


def test_a_preview_shows_every_column_of_the_first_rows(dataset: Dataset) -> None:
    body = jsonl({"a": 1, "b": True}, {"a": None, "c": {"d": "é"}}) + b"\n{broken"
    preview = uploads.preview(keep(dataset, body))
    assert preview.columns == ("a", "b", "c")
    assert preview.rows == (("1", "true", ""), ("", "", '{"d": "é"}'))
    assert preview.broken[0].startswith("Line 3: ")


def test_a_job_imports_the_items_and_drops_the_file(dataset: Dataset, tmp_path: Path) -> None:
    job = ran(plan(dataset, jsonl(*ROWS)))
    assert job.state == JobState.DONE
    assert (job.result["added"], job.done, job.total) == (7, 7, 7)
    assert Item.objects.filter(whole(), dataset=dataset).count() == 7
    assert kept_files(tmp_path) == []


def test_broken_rows_fail_the_job_by_number_and_keep_the_file(
    dataset: Dataset, tmp_path: Path
) -> None:
    job = ran(plan(dataset, jsonl(*ROWS[:2], {"id": "x", "question": "Why?"})))
    assert job.state == JobState.FAILED
    assert job.result["rows"] == ["Line 3: it has no response: there is nothing to judge."]
    assert not Item.objects.exists()
    assert len(kept_files(tmp_path)) == 1


def test_a_job_that_dies_in_mid_file_leaves_nothing_and_can_run_again(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    job = plan(dataset, jsonl(*ROWS))
    real = uploads._tell

    def dies(job_id: int, rows: int, source: Any, size: int) -> None:
        if rows == 4:
            raise OSError("no space left")
        real(job_id, rows, source, size)

    monkeypatch.setattr(uploads, "_tell", dies)
    ran(job)
    assert job.state == JobState.FAILED
    assert "our side" in job.problem
    assert not Item.objects.exists()
    assert not Content.objects.exists()
    monkeypatch.setattr(uploads, "_tell", real)
    Job.objects.filter(pk=job.pk).update(state=JobState.WAITING, finished_at=None)
    assert ran(job).result["added"] == 7
    assert Item.objects.count() == 7


def test_a_job_that_was_killed_is_done_anew_without_doubles(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed: no clean-up ran, its hidden rows and its lease are still there."""
    monkeypatch.setattr(importing, "CHUNK", 2)
    job = plan(dataset, jsonl(*ROWS))
    jobs.claim(job.pk, owner="dead", now=timezone.now() - timedelta(hours=1))
    half = builders.make_item(dataset, external_id="i0", input="Question 0?")
    builders.hide_in_import(half, tag=job.pk)
    assert ran(job).result["added"] == 7
    assert Item.objects.filter(whole()).count() == Item.objects.count() == 7


def test_the_end_of_the_job_and_its_items_are_one_transaction(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = plan(dataset, jsonl(*ROWS))

    def dies(*args: object, **kwargs: object) -> None:
        raise OSError("the database went away")

    monkeypatch.setattr(jobs, "finish", dies)
    ran(job)
    assert job.state == JobState.FAILED
    assert not Item.objects.exists()


def test_a_finished_job_does_nothing_when_it_is_offered_again(dataset: Dataset) -> None:
    job = ran(plan(dataset, jsonl(*ROWS)))
    finished = job.finished_at
    assert ran(job).finished_at == finished
    assert Item.objects.count() == 7


def test_a_column_that_is_not_there_is_refused_before_the_job(dataset: Dataset) -> None:
    upload = keep(dataset, jsonl(*ROWS))
    with pytest.raises(Invalid, match="no column “reply”") as refusal:
        uploads.start_items(
            dataset=dataset,
            upload=upload,
            columns={**COLUMNS, "response": "reply"},
            skip_bad=False,
            actor="u1",
        )
    assert list(refusal.value.fields) == ["response"]
    assert not Job.objects.exists()


def test_a_job_whose_file_is_gone_says_so(dataset: Dataset) -> None:
    job = plan(dataset, jsonl(*ROWS))
    uploads.discard(Upload.objects.get())
    assert "Choose it again" in ran(job).problem


def test_labels_come_in_by_a_job(dataset: Dataset) -> None:
    for number in range(2):
        builders.make_item(dataset, external_id=f"i{number}")
    body = jsonl(*({"idx": f"i{n}", "ann1": n, "ann2": 1} for n in range(2)))
    job = uploads.start_labels(
        dataset=dataset,
        upload=keep(dataset, body, is_labels=True),
        columns={"item": "idx"},
        values=["0=tie", "1=A"],
        wide=["ann1", "ann2"],
        guideline_name="",
        actor="u1",
    )
    assert ran(job).result["labels"] == 4
    assert Rating.objects.count() == 4
    assert Round.objects.get().name.endswith("items.jsonl")
    # Their human labels are made by a job of their own, which was planned with the rows.
    assert not ReferenceLabel.objects.exists()
    ran(Job.objects.exclude(pk=job.pk).get())
    assert ReferenceLabel.objects.count() == 2


def test_a_job_of_labels_tells_how_far_it_is(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    builders.make_item(dataset, external_id="i1")
    monkeypatch.setattr(label_import, "TOLD_EVERY", 2)
    told: list[tuple[int, int]] = []
    real = uploads._tell

    def tell(job_id: int, rows: int, *more: Any) -> None:
        real(job_id, rows, *more)
        job = Job.objects.get(pk=job_id)
        told.append((job.done, job.total))

    monkeypatch.setattr(uploads, "_tell", tell)
    body = jsonl(*({"item": "i1", "rater": f"r{n}", "label": "yes"} for n in range(5)))
    job = uploads.start_labels(
        dataset=dataset,
        upload=keep(dataset, body, is_labels=True),
        columns={"item": "item", "rater": "rater", "label": "label"},
        values=[],
        wide=[],
        guideline_name="",
        actor="u1",
    )
    ran(job)
    assert [done for done, _ in told] == [2, 4]
    assert (job.done, job.total, job.state) == (5, 5, JobState.DONE)


def test_labels_into_a_sealed_dataset_that_collects_its_own_are_refused(project: Project) -> None:
    sealed = datasets.create(
        project=project, name="sealed", share=0.5, provenance=Provenance.COLLECTED, actor="u1"
    )
    with pytest.raises(Conflict, match="collected here, blind"):
        keep(sealed, b"item,rater,label\ni1,ana,A\n", name="l.csv", is_labels=True)
    assert not Upload.objects.exists()


def test_files_that_nobody_imported_go_after_two_days(dataset: Dataset, tmp_path: Path) -> None:
    old, waited_for, fresh = (keep(dataset, jsonl(*ROWS)) for _ in range(3))
    uploads.start_items(
        dataset=dataset, upload=waited_for, columns=COLUMNS, skip_bad=False, actor="u1"
    )
    three_days_ago = timezone.now() - timedelta(days=3)
    Upload.objects.filter(pk__in=[old.pk, waited_for.pk]).update(created_at=three_days_ago)
    assert uploads.discard_old(timezone.now()) == 1
    assert set(Upload.objects.values_list("pk", flat=True)) == {waited_for.pk, fresh.pk}
    assert len(kept_files(tmp_path)) == 2


def test_how_many_rows_there_will_be_is_reckoned_from_the_bytes(dataset: Dataset) -> None:
    job = plan(dataset, jsonl(*ROWS))
    source = io.BytesIO(b"x" * 100)
    source.seek(25)
    uploads._tell(job.pk, 10, source, 100)
    job.refresh_from_db()
    assert (job.done, job.total) == (10, 40)


@pytest.mark.reference_data
def test_pandalm_comes_in_by_two_jobs_with_the_published_agreement(
    dataset: Dataset, shared_data: Path
) -> None:
    """All 999 items and three raters; alpha as in the statistics reference, section 12."""
    body = (shared_data / "pandalm" / "testset-v1.json").read_bytes()
    items = uploads.start_items(
        dataset=dataset,
        upload=keep(dataset, body, name="testset-v1.json"),
        columns={
            "id": "idx",
            "input": "instruction",
            "context": "input",
            "response_a": "response1",
            "response_b": "response2",
            "system_a": "cmp_key~_~0",
            "system_b": "cmp_key~_~1",
        },
        skip_bad=False,
        actor="u1",
    )
    assert ran(items).result["added"] == 999
    people = uploads.start_labels(
        dataset=dataset,
        upload=keep(dataset, body, name="testset-v1.json", is_labels=True),
        columns={"item": "idx"},
        values=["0=tie", "1=A", "2=B"],
        wide=["annotator1", "annotator2", "annotator3"],
        guideline_name="",
        actor="u1",
    )
    assert ran(people).result["labels"] == 2997
    rows = labels.dataset_labels(
        dataset_id=dataset.pk,
        guideline_id=Guideline.objects.get().pk,
        major=1,
        dimension_key="overall",
    )
    assert summarise(labels.table(rows)).alpha.value == pytest.approx(0.8642206852, abs=1e-10)
