"""The Celery app: it carries wake-ups only, the rows in the database are the queue."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_shutting_down

from core import stopping

RECONCILE_SECONDS = 2.0

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("plumbline")
# The broker comes from Django's settings (CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS);
# the rest is one design and no matter of taste, so no setting turns it off.
app.conf.update(
    accept_content=["json"],
    beat_schedule={
        "reconcile": {
            "task": "core.reconcile",
            "schedule": RECONCILE_SECONDS,
            # While no worker listens the offers must not pile up.
            "options": {"expires": RECONCILE_SECONDS * 5},
        }
    },
    broker_connection_retry_on_startup=True,
    enable_utc=True,
    task_acks_late=True,
    task_default_queue="plumbline",
    task_ignore_result=True,
    # A lost hint costs two seconds; a request that waits for a dead broker costs a person's time.
    task_publish_retry=False,
    task_serializer="json",
    timezone="UTC",
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
    worker_redirect_stdouts=False,
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_shutting_down.connect
def tell_the_engine(**_details: object) -> None:
    """Celery's warm shutdown waits for tasks; a run has to give up its lease instead of ending."""
    stopping.request()
