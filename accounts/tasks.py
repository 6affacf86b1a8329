"""Tasks of this room: three lines each."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.services import notices


@shared_task(name=notices.SEND_TASK)
def mail_notices() -> None:
    notices.send_due(timezone.now())
