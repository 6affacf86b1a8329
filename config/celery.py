"""The Celery app: it carries wake-ups only, the rows in the database are the queue."""

from __future__ import annotations

import os
import threading

from celery import Celery
from celery.beat import Scheduler, Service
from celery.signals import worker_ready, worker_shutting_down

from core import filequeue, stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Django's checks load every page and the whole API: 30 MB that a worker never uses. `migrate` makes
# them, and runs before it.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

filequeue.register()
app = Celery("plumbline")
# What may differ between two installations is in Django's settings (CELERY_*); this is the design.
app.conf.update(
    accept_content=["json"],
    # One entry every two seconds: there is nothing to remember between two starts.
    beat_scheduler="celery.beat:Scheduler",
    task_default_queue="plumbline",
    # A lost hint costs two seconds; a request that waits for a dead broker costs a person's time.
    task_publish_retry=False,
    task_serializer="json",
    timezone="UTC",
    worker_redirect_stdouts=False,
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def tick_along(**_details: object) -> None:
    """Run beat inside this worker when `up` asks for it.

    A thread, not Celery's own `-B`: that forks a process which outlives a killed worker.
    """
    if os.environ.get("PLUMBLINE_TICK") == "1":
        clock = Service(app, max_interval=1, scheduler_cls=Scheduler)
        threading.Thread(target=clock.start, name="beat", daemon=True).start()


@worker_shutting_down.connect
def tell_the_engine(**_details: object) -> None:
    """Celery's warm shutdown waits for tasks; a run has to give up its lease instead of ending."""
    stopping.request()
