"""Tasks of the judges room: they wake services."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from judges.services import combining, engine


@shared_task(name="judges.run")
def run(run_id: int) -> None:
    engine.work_off(run_id)


@shared_task(name="judges.combine")
def combine(run_id: int) -> None:
    combining.combine(run_id, now=timezone.now())
