"""Files that people bring in the browser: kept, previewed, then imported by a job."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from annotation.models import Dataset, Upload
from annotation.services import importing, label_import
from core import audit, jobs, mapping
from core.errors import Invalid
from core.models import Job
from core.tabular import BrokenRow, read_records

PREVIEW_ROWS = 5
CELL_CHARS = 160
KEEP_FOR = timedelta(days=2)
ITEMS = "annotation.import_items"
LABELS = "annotation.import_labels"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file looks like: its columns and first rows, cut to a readable length."""

    format: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    broken: tuple[str, ...]
    notices: tuple[str, ...]


def store(*, project: Project, file: UploadedFile[Any], actor: str) -> Upload:
    """Keep an uploaded file below the data folder, under a name of ours."""
    size = file.size or 0
    limit = settings.UPLOAD_LIMIT_BYTES
    if size > limit:
        raise Invalid(
            "upload_too_large",
            f"The file has {_megabytes(size)} MB; the browser takes at most {_megabytes(limit)} "
            "MB. Use `manage.py import_items` on the server, which has no limit.",
            {"file": ["Too large for the browser."]},
        )
    if size == 0:
        raise Invalid(
            "empty_file",
            "The file is empty. Choose a file that holds rows.",
            {"file": ["The file is empty."]},
        )
    folder = _folder()
    name = uuid.uuid4().hex
    with (folder / name).open("wb") as kept:
        for chunk in file.chunks():
            kept.write(chunk)
    return Upload.objects.create(
        project=project,
        name=Path(file.name or "file").name[:200],
        file=name,
        size=size,
        actor=actor,
    )


def opened(upload: Upload) -> BinaryIO:
    """The kept file. Raises Invalid when it was cleared away meanwhile."""
    try:
        return (_folder() / upload.file).open("rb")
    except FileNotFoundError:
        raise Invalid(
            "upload_gone", "The uploaded file is no longer kept. Choose it again."
        ) from None


def preview(upload: Upload) -> Preview:
    """Columns and first rows. Raises Invalid for a file that cannot be read."""
    with opened(upload) as source:
        records = read_records(source, name=upload.name)
        rows, broken = [], []
        for record in islice(records, PREVIEW_ROWS):
            if isinstance(record, BrokenRow):
                broken.append(str(record))
            else:
                rows.append(tuple(_cell(record.values.get(column)) for column in records.columns))
        return Preview(
            format=records.format,
            columns=records.columns,
            rows=tuple(rows),
            broken=tuple(broken),
            notices=records.notices,
        )


@transaction.atomic(durable=True)
def start_items(
    *,
    dataset: Dataset,
    upload: Upload,
    columns: Mapping[str, str],
    skip_bad: bool,
    actor: str,
) -> Job:
    """Plan the import of items; a worker does it. A mapping that cannot be read is refused."""
    mapping.parse_map(f"{name}={path}" for name, path in columns.items())
    return _plan(
        ITEMS,
        dataset,
        upload,
        actor,
        {"columns": dict(columns), "skip_bad": skip_bad},
    )


@transaction.atomic(durable=True)
def start_labels(
    *,
    dataset: Dataset,
    upload: Upload,
    columns: Mapping[str, str],
    values: Sequence[str],
    wide: Sequence[str],
    guideline_name: str,
    actor: str,
) -> Job:
    """Plan the import of existing labels."""
    mapping.parse_map(f"{name}={path}" for name, path in columns.items())
    mapping.parse_values(values)
    return _plan(
        LABELS,
        dataset,
        upload,
        actor,
        {
            "columns": dict(columns),
            "values": list(values),
            "wide": list(wide),
            "guideline": guideline_name,
        },
    )


def import_items_job(job_id: int) -> None:
    """The handler of `annotation.import_items`: safe to run twice, known items add nothing."""
    job, dataset, upload = _planned(job_id)
    with opened(upload) as source:
        done = importing.import_items(
            dataset=dataset,
            source=source,
            name=upload.name,
            columns=_columns(job),
            skip_bad=job.plan["skip_bad"],
            actor=job.actor,
            job_id=job_id,
            progress=lambda count: jobs.progress(job_id, done=count),
        )
    jobs.progress(job_id, done=done.added + done.known)
    jobs.finish(job_id, result=done.as_dict(), now=timezone.now())
    discard(upload)


def import_labels_job(job_id: int) -> None:
    """The handler of `annotation.import_labels`; its rows and its end are one transaction."""
    job, dataset, upload = _planned(job_id)
    with opened(upload) as source:
        label_import.import_labels(
            dataset=dataset,
            source=source,
            name=upload.name,
            columns=_columns(job),
            values=mapping.parse_values(job.plan["values"]),
            wide=job.plan["wide"],
            guideline_name=job.plan["guideline"],
            actor=job.actor,
            now=timezone.now(),
            job_id=job_id,
        )
    discard(upload)


def discard(upload: Upload) -> None:
    """Drop the kept file; the row stays and says that there was one."""
    (_folder() / upload.file).unlink(missing_ok=True)


def discard_old() -> int:
    """Drop files that nobody imported within two days."""
    old = Upload.objects.filter(created_at__lt=timezone.now() - KEEP_FOR)
    return sum(_discarded(upload) for upload in old.iterator())


def _discarded(upload: Upload) -> int:
    discard(upload)
    upload.delete()
    return 1


def _plan(kind: str, dataset: Dataset, upload: Upload, actor: str, plan: dict[str, object]) -> Job:
    job = jobs.enqueue(
        kind=kind,
        actor=actor,
        project_id=dataset.project_id,
        plan={"dataset": dataset.pk, "upload": upload.pk, **plan},
    )
    audit.record(
        actor=actor,
        verb="import.started",
        object_type="dataset",
        object_id=dataset.pk,
        project_id=dataset.project_id,
        data={"file": upload.name, "job": job.pk},
    )
    return job


def _planned(job_id: int) -> tuple[Job, Dataset, Upload]:
    job = Job.objects.get(pk=job_id)
    return (
        job,
        Dataset.objects.get(pk=job.plan["dataset"]),
        Upload.objects.get(pk=job.plan["upload"]),
    )


def _columns(job: Job) -> dict[str, mapping.FieldPath]:
    pairs: Iterable[str] = (f"{name}={path}" for name, path in job.plan["columns"].items())
    return mapping.parse_map(pairs)


def _folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= CELL_CHARS else f"{text[: CELL_CHARS - 1]}…"


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:,.0f}"
