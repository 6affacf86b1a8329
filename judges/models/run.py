"""Runs, their calls, the ledger of attempts, verdicts, and the label that measurement reads."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import Project
from annotation.models import Dataset, Item
from core.models import TimeStamped
from judges.models.config import JudgeVersion
from judges.states import AttemptState, CallState, PieceState, RunMode, RunPurpose, RunState


class Run(TimeStamped):
    """A frozen plan: one judge version over items. The row carries the lease of its worker."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="runs")
    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="runs")
    dataset = models.ForeignKey(
        Dataset, on_delete=models.PROTECT, null=True, blank=True, related_name="runs"
    )
    purpose = models.CharField(max_length=16, choices=RunPurpose, default=RunPurpose.ORDINARY)
    mode = models.CharField(
        max_length=8, choices=RunMode, default=RunMode.DIRECT, db_default="direct"
    )
    state = models.CharField(max_length=16, choices=RunState, default=RunState.PLANNED)
    actor = models.CharField(max_length=64)
    owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    # A planned run that rests until then: its calls wait at a provider, or for their turn.
    wake_at = models.DateTimeField(null=True, blank=True)
    concurrency = models.PositiveIntegerField(default=16)
    pause_reason = models.CharField(max_length=400, blank=True)
    items_planned = models.PositiveIntegerField(default=0)
    calls_planned = models.PositiveIntegerField(default=0)
    budget = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    # Kept by the updates that book an attempt: spent + reserved never exceeds the budget.
    spent = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    reserved = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # After the end: labels combined, watchers told. Idempotent, with its own stamp.
    combined_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="run_state_known"),
            models.CheckConstraint(condition=Q(mode__in=RunMode.values), name="run_mode_known"),
            models.CheckConstraint(
                condition=Q(purpose__in=RunPurpose.values), name="run_purpose_known"
            ),
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(budget__gte=F("spent") + F("reserved")),
                name="run_stays_within_budget",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False)
                | (~Q(state="running") & Q(lease_until__isnull=True)),
                name="run_lease_exactly_when_running",
            ),
            models.UniqueConstraint(
                fields=["actor"],
                condition=Q(purpose="playground", state="running"),
                name="run_playground_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "lease_until"],
                name="run_open",
                condition=Q(state__in=["planned", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.state})"


class Call(models.Model):
    """One planned request. `order` is AB or BA for pairs, empty otherwise."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="calls")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="calls")
    order = models.CharField(max_length=2, blank=True)
    sample = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=16, choices=CallState, default=CallState.WAITING)
    outcome = models.CharField(max_length=16, blank=True)
    problem = models.CharField(max_length=400, blank=True)
    is_cached = models.BooleanField(default=False)
    owner = models.CharField(max_length=64, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "item", "order", "sample"], name="call_planned_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=CallState.values), name="call_state_known"
            ),
            models.CheckConstraint(
                condition=Q(order__in=["", "AB", "BA"]), name="call_order_known"
            ),
            models.CheckConstraint(
                condition=Q(state="finished", finished_at__isnull=False) & ~Q(outcome="")
                | ~Q(state="finished") & Q(finished_at__isnull=True),
                name="call_outcome_exactly_when_finished",
            ),
        ]
        indexes = [
            models.Index(fields=["run", "state", "not_before"], name="call_next"),
        ]

    def __str__(self) -> str:
        return f"call {self.pk} ({self.state})"


class Piece(models.Model):
    """Calls of a run that go to the provider together, as one of its batches.

    Written with its attempts before anything leaves. Whoever sets `look_at` ahead looks after it
    until then: for runs that are paused or cancelled too, what was sent is paid for.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="pieces")
    number = models.PositiveIntegerField()
    # Begins the id of each of its requests: so it is known again at the provider.
    token = models.CharField(max_length=16, unique=True)
    provider_id = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=16, choices=PieceState, default=PieceState.WRITTEN)
    requests = models.PositiveIntegerField()
    fetches = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=400, blank=True)
    written_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    # None once nothing has to be looked for any more.
    look_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="piece_numbered_once"),
            models.CheckConstraint(
                condition=Q(state__in=["written", "submitted", "ended"], look_at__isnull=False)
                | Q(state__in=["fetched", "refused", "lost"], look_at__isnull=True),
                name="piece_looked_after_exactly_while_open",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["written", "refused", "lost"]) | ~Q(provider_id=""),
                name="piece_known_at_the_provider_once_submitted",
            ),
            models.CheckConstraint(
                condition=Q(state__in=PieceState.values), name="piece_state_known"
            ),
        ]
        indexes = [
            models.Index(fields=["look_at"], name="piece_due", condition=Q(look_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"piece {self.number} of run {self.run_id} ({self.state})"


class Attempt(models.Model):
    """One try that may cost money: written before the request leaves, finalised once.

    The prompt is not stored: version, item, order and sample render it again, and
    `prompt_digest` proves that it is the same.
    """

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="attempts")
    piece = models.ForeignKey(
        Piece, on_delete=models.PROTECT, null=True, blank=True, related_name="attempts"
    )
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=16, choices=AttemptState, default=AttemptState.SENT)
    owner = models.CharField(max_length=64)
    cache_key = models.CharField(max_length=64)
    prompt_digest = models.CharField(max_length=64)
    is_cache_source = models.BooleanField(default=False)
    outcome = models.CharField(max_length=16, blank=True)
    problem = models.CharField(max_length=400, blank=True)
    answer = models.TextField(blank=True)
    stop_reason = models.CharField(max_length=40, blank=True)
    request_id = models.CharField(max_length=120, blank=True)
    model_answered = models.CharField(max_length=120, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    cache_read_tokens = models.PositiveIntegerField(default=0)
    cache_write_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    reserved = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    cost = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    price_source = models.CharField(max_length=120, blank=True)
    price_as_of = models.CharField(max_length=40, blank=True)
    latency_ms = models.FloatField(null=True, blank=True)
    sent_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call", "number"], name="attempt_once"),
            models.CheckConstraint(
                condition=Q(state__in=AttemptState.values), name="attempt_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="final", finished_at__isnull=False) & ~Q(outcome="")
                | Q(state="sent", finished_at__isnull=True, outcome=""),
                name="attempt_outcome_exactly_when_final",
            ),
        ]
        indexes = [
            models.Index(
                fields=["cache_key"], name="attempt_cache", condition=Q(is_cache_source=True)
            ),
            models.Index(fields=["owner"], name="attempt_in_flight", condition=Q(state="sent")),
            models.Index(fields=["sent_at"], name="attempt_by_time"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of call {self.call_id}"


class Verdict(models.Model):
    """What one call said on one dimension, in the item's own labelling."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="verdicts")
    dimension_key = models.CharField(max_length=60)
    label = models.CharField(max_length=40)
    confidence = models.FloatField(null=True, blank=True)
    rationale = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call", "dimension_key"], name="verdict_once"),
            models.CheckConstraint(condition=~Q(label=""), name="verdict_has_a_label"),
        ]

    def __str__(self) -> str:
        return f"{self.dimension_key}: {self.label}"


class JudgeLabel(models.Model):
    """The one thing that measurement reads: orders and samples combined. No label = its outcome."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="labels")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="judge_labels")
    dimension_key = models.CharField(max_length=60)
    label = models.CharField(max_length=40, blank=True)
    outcome = models.CharField(max_length=16)
    # False: the two orders disagreed, so the label is a tie that is none of the judge's.
    is_consistent = models.BooleanField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "item", "dimension_key"], name="judge_label_once"
            ),
            models.CheckConstraint(
                condition=(Q(outcome="ok") & ~Q(label="")) | (~Q(outcome="ok") & Q(label="")),
                name="judge_label_exactly_when_ok",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dimension_key}: {self.label or self.outcome}"
