"""Files that people and machines bring: kept, previewed, then imported by a job."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from annotation.models import Dataset, Upload
from annotation.rules.itemrows import item_rows
from annotation.rules.labeltable import people_rows
from annotation.rules.shapes import AUTO, PLAIN, Aim, Shape, read_as
from annotation.services import importing, itemsift, label_import
from core import audit, jobs, mapping
from core.errors import Conflict, Invalid, TooLarge
from core.models import Job, JobState
from core.tabular import BrokenRow, read_records

PREVIEW_ROWS = 5
CELL_CHARS = 160
NAME_CHARS = 200
DISCARDED_AT_ONCE = 100
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
    shape: Shape | None = None
    seen: Shape | None = None
    becomes: str = ""


def store(
    *, dataset: Dataset, file: UploadedFile[Any], is_labels: bool = False, actor: str
) -> Upload:
    """Keep a file that is for a dataset below the data folder, under a name of ours.

    Raises TooLarge or Invalid, and keeps nothing, for a file that is too large or cannot be read
    at all; Conflict where the dataset takes no more.
    """
    _check_takes(dataset, is_labels=is_labels)
    size = file.size or 0
    check_size(size)
    name = uuid.uuid4().hex
    kept = _folder() / name
    try:
        with kept.open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
        with kept.open("rb") as source:
            read_records(source, name=file.name or "file")
        return Upload.objects.create(
            project_id=dataset.project_id,
            name=_shortened(Path(file.name or "file").name),
            file=name,
            size=size,
            actor=actor,
        )
    except BaseException:
        kept.unlink(missing_ok=True)
        raise


def check_size(size: int) -> None:
    """Raise TooLarge for a file of more bytes than are taken at once."""
    limit = settings.UPLOAD_LIMIT_BYTES
    if size > limit:
        sentence = (
            f"The file has {_megabytes(size)}; browser and API take at most {_megabytes(limit)}. "
            "Use `manage.py import_items` or `import_labels` on the server, which have no limit, "
            "or import the file in parts."
        )
        raise TooLarge("upload_too_large", sentence, {"file": [sentence]})


def why_closed(*, dataset: Dataset, is_labels: bool) -> str:
    """The sentence that says why a dataset takes no more; '' when it does."""
    try:
        _check_takes(dataset, is_labels=is_labels)
    except Conflict as refusal:
        return refusal.sentence
    return ""


def _check_takes(dataset: Dataset, *, is_labels: bool) -> None:
    check = label_import.check_takes_labels if is_labels else itemsift.check_takes_items
    check(dataset)


def limit_in_words() -> str:
    """How much a file may have that is brought at once: `200 MB`."""
    return _megabytes(settings.UPLOAD_LIMIT_BYTES)


def is_kept(job: Job) -> bool:
    """Whether the file of an import is still here, so that it can be tried again."""
    upload = Upload.objects.filter(pk=job.plan["upload"]).first()
    return upload is not None and (_folder() / upload.file).exists()


def opened(upload: Upload) -> BinaryIO:
    """The kept file. Raises Invalid when it was cleared away meanwhile."""
    try:
        return (_folder() / upload.file).open("rb")
    except FileNotFoundError:
        raise Invalid(
            "upload_gone",
            f"The file {upload.name} is no longer kept: it was imported, or more than two days "
            "passed. Choose it again.",
        ) from None


def preview(upload: Upload, *, aim: Aim = "items", shape: str = AUTO) -> Preview:
    """Columns and first rows, as an import for this aim takes them, and which foreign shape was
    seen in them. Raises Invalid for a file that cannot be read, or a shape that it has not."""
    with opened(upload) as source:
        records = read_records(source, name=upload.name)
        reading = read_as(records, aim, wanted=shape, columns={})
        readable: list[Mapping[str, object]] = []
        broken: list[str] = []
        for record in islice(reading.rows, PREVIEW_ROWS):
            if isinstance(record, BrokenRow):
                broken.append(str(record))
            else:
                readable.append(record.values)
        columns = tuple(
            dict.fromkeys((*reading.columns, *(key for row in readable for key in row)))
        )
        return Preview(
            format=records.format,
            columns=columns,
            rows=tuple(tuple(_cell(row.get(column)) for column in columns) for row in readable),
            broken=tuple(broken),
            notices=records.notices,
            shape=reading.shape,
            seen=reading.seen,
            becomes=reading.seen.ways[aim].words if reading.seen else "",
        )


def check_items(
    *, upload: Upload, columns: Mapping[str, str], is_exact: bool = True, shape: str = AUTO
) -> None:
    """Raise Invalid where this mapping names a field or a column that is not there."""
    paths = _paths(columns)
    with opened(upload) as source:
        records = read_records(source, name=upload.name)
        reading = read_as(records, "items", wanted=shape, columns=paths)
        next(item_rows(reading.rows, columns=paths, is_exact=is_exact), None)


def check_labels(
    *,
    upload: Upload,
    columns: Mapping[str, str],
    values: Sequence[str],
    wide: Sequence[str],
    is_exact: bool = True,
    shape: str = AUTO,
) -> None:
    """The same for a mapping of labels, its value codes and wide columns."""
    paths = _paths(columns)
    with opened(upload) as source:
        records = read_records(source, name=upload.name)
        rows = people_rows(
            read_as(records, "labels", wanted=shape, columns=paths).rows,
            columns=paths,
            values=mapping.parse_values(values),
            wide=wide,
            is_exact=is_exact,
        )
        next(rows, None)


def start_items(
    *,
    dataset: Dataset,
    upload: Upload,
    columns: Mapping[str, str],
    skip_bad: bool,
    personal: str = "",
    region: str = "",
    is_exact: bool = True,
    shape: str = AUTO,
    actor: str,
) -> Job:
    """Plan the import of items; a worker does it. With `is_exact` only the columns that are named
    here are read; else other fields are looked for under their own names.

    Raises Invalid for a mapping that does not fit the file.
    """
    itemsift.check_takes_items(dataset)
    importing.look_of(personal, region)
    check_items(upload=upload, columns=columns, is_exact=is_exact, shape=shape)
    return _plan(
        ITEMS,
        dataset,
        upload,
        actor,
        {
            "columns": dict(columns),
            "skip_bad": skip_bad,
            "personal": personal,
            "region": region,
            "is_exact": is_exact,
            "shape": shape,
        },
    )


def start_labels(
    *,
    dataset: Dataset,
    upload: Upload,
    columns: Mapping[str, str],
    values: Sequence[str],
    wide: Sequence[str],
    guideline_name: str,
    is_exact: bool = True,
    shape: str = AUTO,
    actor: str,
) -> Job:
    """Plan the import of existing labels. Raises Invalid for a mapping that does not fit."""
    label_import.check_takes_labels(dataset)
    check_labels(
        upload=upload,
        columns=columns,
        values=values,
        wide=wide,
        is_exact=is_exact,
        shape=shape,
    )
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
            "is_exact": is_exact,
            "shape": shape,
        },
    )


def import_items_job(job_id: int) -> None:
    """The handler of `annotation.import_items`: safe to run twice, known items add nothing."""
    job, dataset, upload = _planned(job_id)
    with opened(upload) as source:
        importing.import_items(
            dataset=dataset,
            source=source,
            name=upload.name,
            columns=_paths(job.plan["columns"]),
            is_exact=job.plan.get("is_exact", True),
            shape=job.plan.get("shape", PLAIN),
            skip_bad=job.plan["skip_bad"],
            personal=importing.look_of(job.plan.get("personal", ""), job.plan.get("region", "")),
            actor=job.actor,
            job_id=job_id,
            progress=lambda rows: _tell(job_id, rows, source, upload.size),
        )
    discard(upload)


def import_labels_job(job_id: int) -> None:
    """The handler of `annotation.import_labels`; its rows and its end are one transaction."""
    job, dataset, upload = _planned(job_id)
    with opened(upload) as source:
        label_import.import_labels(
            dataset=dataset,
            source=source,
            name=upload.name,
            columns=_paths(job.plan["columns"]),
            is_exact=job.plan.get("is_exact", True),
            shape=job.plan.get("shape", PLAIN),
            values=mapping.parse_values(job.plan["values"]),
            wide=job.plan["wide"],
            guideline_name=job.plan["guideline"],
            actor=job.actor,
            now=timezone.now(),
            job_id=job_id,
            progress=lambda rows: _tell(job_id, rows, source, upload.size),
        )
    discard(upload)


def _tell(job_id: int, rows: int, source: BinaryIO, size: int) -> None:
    """How far the job is; how many rows there are is reckoned from the bytes read so far."""
    read = source.tell()
    expected = rows if read >= size else round(rows * size / max(read, 1))
    jobs.progress(job_id, done=rows, total=max(rows, expected))


def discard(upload: Upload) -> None:
    """Drop the kept file; the row stays and says that there was one."""
    (_folder() / upload.file).unlink(missing_ok=True)


def discard_old(now: datetime) -> int:
    """Drop files that nobody imported within two days; those of a waiting job stay."""
    old = Upload.objects.filter(created_at__lt=now - KEEP_FOR)
    dropped = 0
    for upload in old.order_by("pk")[:DISCARDED_AT_ONCE]:
        if not _is_waited_for(upload):
            discard(upload)
            upload.delete()
            dropped += 1
    return dropped


def _is_waited_for(upload: Upload) -> bool:
    return Job.objects.filter(
        project_id=upload.project_id,
        kind__in=(ITEMS, LABELS),
        state__in=(JobState.WAITING, JobState.RUNNING),
        plan__upload=upload.pk,
    ).exists()


@transaction.atomic(durable=True)
def _plan(kind: str, dataset: Dataset, upload: Upload, actor: str, plan: dict[str, object]) -> Job:
    job = jobs.enqueue(
        kind=kind,
        actor=actor,
        project_id=dataset.project_id,
        plan={"dataset": dataset.pk, "upload": upload.pk, "file": upload.name, **plan},
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
    upload = Upload.objects.filter(pk=job.plan["upload"]).first()
    if upload is None:
        raise Invalid(
            "upload_gone", f"The file {job.plan['file']} is no longer kept. Choose it again."
        )
    return job, Dataset.objects.get(pk=job.plan["dataset"]), upload


def _paths(columns: Mapping[str, str]) -> dict[str, mapping.FieldPath]:
    return {name: mapping.FieldPath.parse(path) for name, path in columns.items()}


def _folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cell(value: object) -> str:
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = "" if value is None else str(value)
    return text if len(text) <= CELL_CHARS else f"{text[: CELL_CHARS - 1]}…"


def _shortened(name: str) -> str:
    """A name that fits its column and keeps its suffix, which tells the format."""
    suffix = Path(name).suffix[:20]
    return name if len(name) <= NAME_CHARS else name[: NAME_CHARS - len(suffix)] + suffix


def _megabytes(size: int) -> str:
    """Small limits are met in tests and tight houses: bytes stay bytes below one megabyte."""
    return f"{size / 1024 / 1024:,.0f} MB" if size >= 1024 * 1024 else f"{size:,} bytes"
