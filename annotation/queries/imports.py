"""Imports of a dataset: done, under way, refused; how fast, and under which guidelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.queries import actor_names
from annotation.models import Dataset, Guideline, Upload
from annotation.rules.personal import KINDS, LISTED_PLACES
from annotation.states import VersionState
from core.models import AuditEvent, Job, JobState

LISTED_IMPORTS = 10
MOST_IMPORTS = 500
"""The page of all imports goes back so far; what is older stands in the audit trail."""
GOING_ON = "going_on"
IMPORT_JOBS = "annotation.import_"
IMPORT_VERBS = ("items.imported", "labels.imported")


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One import: of what, from which file, and what came of it."""

    at: datetime
    is_labels: bool
    file: str
    state: str
    added: int
    known: int
    broken: int
    job_id: int | None
    actor: str
    actor_name: str = ""
    personal: str = ""
    dataset_id: int = 0
    dataset: str = ""

    def fits(self, *, text: str, what: str, state: str) -> bool:
        known = GOING_ON if self.state in (JobState.WAITING, JobState.RUNNING) else self.state
        return (
            text.casefold() in f"{self.file} {self.dataset} {self.actor_name}".casefold()
            and what in ("", "labels" if self.is_labels else "items")
            and state in ("", known)
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """In words: rows a second, and the time that is left."""

    rate: str = ""
    left: str = ""


@dataclass(frozen=True, slots=True)
class PersonalKind:
    """How often one kind of personal data was found."""

    name: str
    found: int


@dataclass(frozen=True, slots=True)
class ShownPersonal:
    """What an import says of personal data: never a value, only where it stood."""

    is_masked: bool
    touched: int
    kinds: Sequence[PersonalKind]
    places: Sequence[tuple[str, str, str]]
    listed: int

    @property
    def is_cut(self) -> bool:
        return self.listed >= LISTED_PLACES


def personal_of(job: Job) -> ShownPersonal | None:
    """None where nobody asked to look."""
    said: Mapping[str, Any] | None = job.result.get("personal")
    if said is None:
        return None
    found = said["found"]
    return ShownPersonal(
        is_masked=said["is_masked"],
        touched=said["touched"],
        kinds=[PersonalKind(KINDS[kind], found[kind]) for kind in KINDS if kind in found],
        places=_by_field(said["places"]),
        listed=len(said["places"]),
    )


def _by_field(places: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    """One line an item and field: what stood there, after one another."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for item, name, kind in places:
        kinds.setdefault((item, name), []).append(KINDS[kind])
    return [(item, name, ", ".join(found)) for (item, name), found in kinds.items()]


def imports_of(dataset: Dataset) -> list[ImportRow]:
    """The last imports into a dataset, newest first."""
    done = _done(dataset.project_id).filter(object_id=str(dataset.pk))
    other = _not_done(dataset.project_id).filter(plan__dataset=dataset.pk)
    return _rows(done, other, most=LISTED_IMPORTS)[:LISTED_IMPORTS]


def imports_in(
    *, project_id: int, text: str = "", what: str = "", state: str = ""
) -> list[ImportRow]:
    """The last imports into any dataset of a project, newest first: by text in the name of the
    file, the dataset or the person; of items or labels; by state."""
    rows = _rows(_done(project_id), _not_done(project_id), most=MOST_IMPORTS)
    names = dict(Dataset.objects.filter(project=project_id).values_list("pk", "name"))
    named = [replace(row, dataset=names.get(row.dataset_id, "")) for row in rows]
    return [row for row in named if row.fits(text=text, what=what, state=state)]


def _done(project_id: int) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(
        project_id=project_id, verb__in=IMPORT_VERBS, object_type="dataset"
    )


def _not_done(project_id: int) -> QuerySet[Job]:
    jobs = Job.objects.filter(project_id=project_id, kind__startswith=IMPORT_JOBS)
    return jobs.exclude(state=JobState.DONE)


def _rows(done: QuerySet[AuditEvent], other: QuerySet[Job], *, most: int) -> list[ImportRow]:
    """The last ones of each kind with the names of people, newest first."""
    rows = [_done_import(event) for event in done.order_by("-pk")[:most]]
    rows += [_open_import(job) for job in other.order_by("-pk")[:most]]
    names = actor_names(row.actor for row in rows)
    named = [replace(row, actor_name=names[row.actor]) for row in rows]
    return sorted(named, key=lambda row: row.at, reverse=True)


def _done_import(event: AuditEvent) -> ImportRow:
    said: Mapping[str, Any] = event.data
    is_labels = event.verb == "labels.imported"
    return ImportRow(
        at=event.at,
        is_labels=is_labels,
        file=str(said.get("file", "")),
        state=JobState.DONE,
        added=int(said.get("labels" if is_labels else "added", 0)),
        known=int(said.get("known", 0)),
        broken=int(said.get("broken", 0)),
        job_id=said.get("job"),
        actor=event.actor,
        personal=_personal_words(said),
        dataset_id=int(event.object_id),
    )


def _personal_words(said: Mapping[str, Any]) -> str:
    """In a few words; nothing where nobody asked to look."""
    if "personal_items" not in said:
        return ""
    items = int(said["personal_items"])
    became = "masked" if said.get("personal_masked") else "found"
    return f"personal data {became} in {items:,} items" if items else "no personal data found"


def _open_import(job: Job) -> ImportRow:
    return ImportRow(
        at=job.created_at,
        is_labels=job.kind.endswith("labels"),
        file=str(job.plan.get("file", "")),
        state=job.state,
        added=0,
        known=0,
        broken=0,
        job_id=job.pk,
        actor=job.actor,
        dataset_id=int(job.plan.get("dataset", 0)),
    )


def last_try(*, upload: Upload) -> Job | None:
    """The last import that was started with this file."""
    return (
        Job.objects.filter(
            project_id=upload.project_id, kind__startswith=IMPORT_JOBS, plan__upload=upload.pk
        )
        .order_by("-pk")
        .first()
    )


def pace_of(job: Job) -> Pace:
    """How fast an import goes and how long it may last yet, from its rows so far."""
    seconds = (timezone.now() - job.created_at).total_seconds()
    if job.state != JobState.RUNNING or not job.done or seconds <= 0:
        return Pace()
    rate = job.done / seconds
    return Pace(rate=f"{rate:,.0f} rows/s", left=_duration((job.total - job.done) / rate))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def published_guidelines(*, project_id: int) -> list[str]:
    """Names of the guidelines that labels can be imported under."""
    published = Guideline.objects.filter(
        project=project_id, versions__state=VersionState.PUBLISHED
    ).order_by("name")
    return list(published.values_list("name", flat=True).distinct())
