"""Tasks of the ground floor: three lines each."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from core import jobs, registry

log = logging.getLogger(__name__)


@shared_task(name="core.reconcile", expires=5)
def reconcile() -> None:
    now = timezone.now()
    jobs.seen(name="worker", now=now)
    for name, wake in registry.reconcilers().items():
        try:
            wake(now)
        except Exception:
            # The others are somebody else's: leases would stay, and runs lie, for a fault of one.
            log.exception("The reconciler %s failed", name)


@shared_task(name="core.run_job")
def run_job(job_id: int) -> None:
    jobs.run(job_id)
