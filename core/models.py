"""Rows that every room stands on: the audit trail, jobs, answers kept for repeated requests."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class TimeStamped(models.Model):
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class AuditEvent(models.Model):
    """Who did what, when: append-only. Plain ids, no foreign keys upwards."""

    at = models.DateTimeField(auto_now_add=True)
    project_id = models.BigIntegerField(null=True, blank=True)
    actor = models.CharField(max_length=64)
    verb = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["project_id", "-id"], name="audit_project_latest")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(actor="") & ~Q(verb=""), name="audit_names_actor_and_verb"
            )
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.object_type} {self.object_id}"


class AuditLink(models.Model):
    """One audit row's place in its chain: written afterwards by a job, append-only.

    `chain` is the project's id, 0 for the rows of no project. `digest` is the SHA-256 of the link
    before and of the row (core/chain.py): changing, adding or leaving out a row breaks it.
    """

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="link")
    chain = models.BigIntegerField()
    number = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "number"], name="audit_link_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="audit_link_from_one"),
        ]
        indexes = [models.Index(fields=["-made_at", "-event"], name="audit_link_newest")]

    def __str__(self) -> str:
        return f"link {self.number} of chain {self.chain}"


class JobState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(TimeStamped):
    """Background work as a row: the plan is frozen in `plan`, the outcome lands in `result`."""

    kind = models.CharField(max_length=64)
    project_id = models.BigIntegerField(null=True, blank=True)
    actor = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=JobState, default=JobState.WAITING)
    plan = models.JSONField(default=dict)
    result = models.JSONField(default=dict, blank=True)
    problem = models.TextField(blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    tries = models.IntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=JobState.values), name="job_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=JobState.RUNNING, lease_until__isnull=False)
                | (~Q(state=JobState.RUNNING) & Q(lease_until__isnull=True)),
                name="job_lease_exactly_when_running",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "lease_until"],
                name="job_open",
                condition=Q(state__in=["waiting", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"


class IdempotencyKey(TimeStamped):
    """The answer to a POST that named a key: the same key again gets the same answer."""

    principal = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)
    status = models.IntegerField(null=True, blank=True)
    body = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["principal", "key"], name="idempotency_one_answer")
        ]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"


class WorkerBeat(models.Model):
    """When a worker was last seen; `readyz` reads it."""

    name = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
