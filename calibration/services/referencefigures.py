"""Human labels by each method: small datasets at once, large ones by a job that a look asks for."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from annotation.models import Dataset, Guideline
from calibration.models import ReferenceFigures
from calibration.queries import referencefigures as queries
from calibration.queries import roundfigures
from calibration.queries.referencefigures import Subject
from calibration.services.roundfigures import ASKED_AGAIN
from core import jobs
from core.models import Job

MAKE = "calibration.reference_figures"


def of_subject(
    *, subject: Subject, actor: str, now: datetime
) -> tuple[dict[str, Any], datetime | None] | None:
    """The figures to show and, where a job made them, when; None until the first are there."""
    if not queries.is_large(subject):
        return queries.live(subject), None
    _ask(subject, actor=actor, now=now)
    return queries.kept(subject)


def make_job(job_id: int) -> None:
    """The handler of `calibration.reference_figures`: safe to run twice, the later one stays."""
    job = Job.objects.get(pk=job_id)
    subject = Subject(
        Dataset.objects.get(pk=job.plan["dataset"]),
        Guideline.objects.get(pk=job.plan["guideline"]),
        job.plan["major"],
    )
    at, began = timezone.now(), time.perf_counter()
    content = queries.content_of(subject)
    ReferenceFigures.objects.filter(
        dataset=subject.dataset, guideline=subject.guideline, major=subject.major
    ).update(content=content, made_at=at, seconds=time.perf_counter() - began)
    jobs.finish(job_id, result={}, now=timezone.now())


def _ask(subject: Subject, *, actor: str, now: datetime) -> None:
    """Ask for newer figures, once: the conditional update lets one of many lookers through."""
    row, _ = ReferenceFigures.objects.get_or_create(
        dataset=subject.dataset, guideline=subject.guideline, major=subject.major
    )
    if not _is_old(row, now=now):
        return
    nobody_asked = (
        Q(asked_at__isnull=True) | Q(made_at__gte=F("asked_at")) | Q(asked_at__lt=now - ASKED_AGAIN)
    )
    with transaction.atomic(durable=True):
        if ReferenceFigures.objects.filter(nobody_asked, pk=row.pk).update(asked_at=now):
            jobs.enqueue(
                kind=MAKE,
                actor=actor,
                project_id=subject.dataset.project_id,
                plan={
                    "dataset": subject.dataset.pk,
                    "guideline": subject.guideline.pk,
                    "major": subject.major,
                },
            )


def _is_old(row: ReferenceFigures, *, now: datetime) -> bool:
    """After a minute, or twenty times what making them took."""
    if row.made_at is None:
        return True
    least = timedelta(seconds=row.seconds / roundfigures.SHARE)
    return now - row.made_at > max(roundfigures.LEAST_AGE, least)
