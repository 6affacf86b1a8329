"""Jobs as rows: enqueue, claim by conditional update, heartbeat, finish. Knows no broker."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone

from core import registry
from core.errors import DomainError
from core.models import Job, JobState, WorkerBeat

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
MOST_TRIES = 5
BATCH = 50


def owner_name() -> str:
    """A name for this claim: host, process and a random part, so that no two claims share one."""
    return f"{socket.gethostname()[:24]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def hint(task: str, *ids: int) -> None:
    """Wake a worker after the commit. A lost hint costs two seconds: `reconcile` finds the row."""
    transaction.on_commit(partial(send_hint, task, *ids))


def send_hint(task: str, *ids: int) -> None:
    try:
        current_app.send_task(task, args=list(ids), ignore_result=True, retry=False)
    except Exception as problem:
        log.warning("No worker was woken for %s %s: %s", task, ids, problem)


def enqueue(
    *, kind: str, actor: str, plan: dict[str, Any], project_id: int | None = None, total: int = 0
) -> Job:
    """Write the job and wake a worker once the surrounding transaction is committed."""
    job = Job.objects.create(kind=kind, actor=actor, plan=plan, project_id=project_id, total=total)
    hint("core.run_job", job.pk)
    return job


def claim(job_id: int, *, owner: str, now: datetime) -> bool:
    """True for exactly one caller: the row is the lock."""
    free = Q(state=JobState.WAITING) | Q(state=JobState.RUNNING, lease_until__lt=now)
    return (
        Job.objects.filter(free, pk=job_id).update(
            state=JobState.RUNNING, owner=owner, lease_until=now + LEASE, tries=F("tries") + 1
        )
        == 1
    )


def heartbeat(job_id: int, *, owner: str, now: datetime) -> bool:
    return (
        Job.objects.filter(pk=job_id, owner=owner, state=JobState.RUNNING).update(
            lease_until=now + LEASE
        )
        == 1
    )


def progress(job_id: int, *, done: int, total: int | None = None) -> None:
    """Tell the page how far the job is."""
    changes: dict[str, int] = {"done": done}
    if total is not None:
        changes["total"] = total
    Job.objects.filter(pk=job_id).update(**changes)


def finish(job_id: int, *, result: dict[str, Any], now: datetime) -> None:
    """The terminal state commits alone."""
    Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(
        state=JobState.DONE, result=result, lease_until=None, finished_at=now
    )


def fail(
    job_id: int,
    *,
    problem: str,
    now: datetime,
    result: dict[str, Any] | None = None,
    owner: str = "",
) -> None:
    """With `owner` only while it holds the job: who was taken for dead ends nobody else's work."""
    running = Job.objects.filter(pk=job_id, state=JobState.RUNNING)
    if owner:
        running = running.filter(owner=owner)
    running.update(
        state=JobState.FAILED,
        problem=problem,
        result=result or {},
        lease_until=None,
        finished_at=now,
    )


def run(job_id: int) -> None:
    """Claim a job, keep its lease while the handler works, and name what went wrong."""
    owner = owner_name()
    if not claim(job_id, owner=owner, now=timezone.now()):
        return
    job = Job.objects.get(pk=job_id)
    if job.tries > MOST_TRIES:
        fail(job_id, problem="It was started five times and never finished.", now=timezone.now())
        return
    stop = threading.Event()
    beat = threading.Thread(target=_keep_lease, args=(job_id, owner, stop), daemon=True)
    beat.start()
    try:
        registry.job_handlers()[job.kind](job_id)
    except DomainError as refusal:
        fail(
            job_id,
            problem=refusal.sentence,
            now=timezone.now(),
            result=dict(refusal.fields),
            owner=owner,
        )
    except (OperationalError, InterfaceError):
        # The database was away or busy. Nothing terminal is written: the lease runs out and the
        # job is started again, five times at most.
        log.exception("Job %s (%s) lost its database", job_id, job.kind)
    except Exception:
        log.exception("Job %s (%s) failed", job_id, job.kind)
        fail(
            job_id,
            problem="Something broke on our side; the log has the details.",
            now=timezone.now(),
            owner=owner,
        )
    finally:
        stop.set()
        beat.join()


def _keep_lease(job_id: int, owner: str, stop: threading.Event) -> None:
    from django.db import connection

    try:
        while not stop.wait(LEASE.total_seconds() / 4):
            if not _beat(job_id, owner):
                return
    finally:
        connection.close()


def _beat(job_id: int, owner: str) -> bool:
    """False when the job is somebody else's; a database that is busy is asked again later."""
    from django.db import connection

    try:
        return heartbeat(job_id, owner=owner, now=timezone.now())
    except (OperationalError, InterfaceError) as problem:
        log.warning("The lease of job %s could not be renewed just now: %s", job_id, problem)
        connection.close()
        return True


def reconcile(now: datetime) -> int:
    """Offer again what nobody holds."""
    lost = Q(state=JobState.WAITING) | Q(state=JobState.RUNNING, lease_until__lt=now)
    waiting = list(Job.objects.filter(lost).order_by("pk").values_list("pk", flat=True)[:BATCH])
    for job_id in waiting:
        send_hint("core.run_job", job_id)
    return len(waiting)


def seen(*, name: str, now: datetime) -> None:
    """A worker is alive."""
    WorkerBeat.objects.update_or_create(name=name, defaults={"at": now})
