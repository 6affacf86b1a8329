"""Tasks of the ground floor: three lines each."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core import jobs, registry


@shared_task(name="core.reconcile", expires=5)
def reconcile() -> None:
    now = timezone.now()
    jobs.seen(name="worker", now=now)
    for wake in registry.reconcilers().values():
        wake(now)


@shared_task(name="core.run_job")
def run_job(job_id: int) -> None:
    jobs.run(job_id)
