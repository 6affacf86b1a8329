"""From evidence to decision to what is in force: three kinds of rows, never confused."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q, Value

from accounts.models import Project
from annotation.models import Item, SealedSet
from core.models import TimeStamped
from judges.models.config import Judge, JudgeVersion
from judges.models.run import Run
from judges.states import DecisionKind, GateDecision, RequestState


class GatePolicy(models.Model):
    """A project's constants of the gate, as somebody chose them: append-only, the newest holds."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="policies")
    number = models.PositiveIntegerField()
    constants = models.JSONField(default=dict)
    actor = models.CharField(max_length=64)
    reason = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="policy_number_once"),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(actor="") & Q(number__gte=1),
                name="policy_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"policy {self.number}"


class ApprovalRequest(TimeStamped):
    """Somebody asks: may this version answer for these dimensions?"""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="approval_requests")
    version = models.ForeignKey(
        JudgeVersion, on_delete=models.PROTECT, related_name="approval_requests"
    )
    sealed_set = models.ForeignKey(SealedSet, on_delete=models.PROTECT, related_name="requests")
    dimensions = models.JSONField(default=list)
    state = models.CharField(max_length=16, choices=RequestState, default=RequestState.ASKED)
    run = models.OneToOneField(
        Run, on_delete=models.PROTECT, null=True, blank=True, related_name="approval_request"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    actor = models.CharField(max_length=64)
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values), name="approval_request_state_known"
            ),
            models.UniqueConstraint(
                fields=["version", "sealed_set"],
                condition=Q(state__in=["asked", "judging", "measured"]),
                name="approval_request_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"request {self.pk} ({self.state})"


class EvidenceSnapshot(models.Model):
    """Frozen numbers that a decision rests on. Append-only.

    `numbers` is the `align` object of one dimension (see `measurement.alignment`).
    """

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="evidence")
    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="evidence")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="evidence")
    sealed_set = models.ForeignKey(SealedSet, on_delete=models.PROTECT, related_name="evidence")
    dimension_key = models.CharField(max_length=60)
    major = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)
    gate = models.CharField(max_length=16, choices=GateDecision)
    rule = models.JSONField(default=dict)
    # The number of the project's policy that `rule` comes from; 0: the defaults.
    policy_number = models.PositiveIntegerField(default=0, db_default=0)
    numbers = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    labels_digest = models.CharField(max_length=64)
    verdicts_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sealed_set", "dimension_key", "major", "fingerprint"],
                name="evidence_once_for_a_fingerprint",
            ),
            models.CheckConstraint(
                condition=Q(gate__in=GateDecision.values), name="evidence_gate_known"
            ),
            models.CheckConstraint(
                condition=~Q(labels_digest="") & ~Q(verdicts_digest=""),
                name="evidence_names_its_data",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dimension_key}: {self.gate}"


class Look(models.Model):
    """One judge version against the sealed labels of one dimension of one set: counted."""

    sealed_set = models.ForeignKey(SealedSet, on_delete=models.PROTECT, related_name="looks")
    dimension_key = models.CharField(max_length=60)
    number = models.PositiveSmallIntegerField()
    evidence = models.OneToOneField(EvidenceSnapshot, on_delete=models.PROTECT, related_name="look")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sealed_set", "dimension_key", "number"], name="look_number_once"
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1, number__lte=3), name="look_at_most_three"
            ),
        ]

    def __str__(self) -> str:
        return f"look {self.number} on {self.dimension_key}"


class Decision(models.Model):
    """A named person's act on a version (or `system` for drift). Immutable."""

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="decisions")
    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="decisions")
    request = models.ForeignKey(
        ApprovalRequest,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
    )
    kind = models.CharField(max_length=16, choices=DecisionKind)
    # For each dimension what was decided: {"preference": "approve", "safety": "refuse"}.
    dimensions = models.JSONField(default=dict)
    evidence = models.ManyToManyField(EvidenceSnapshot, related_name="decisions", blank=True)
    actor = models.CharField(max_length=64)
    author_actor = models.CharField(max_length=64)
    reason = models.TextField()
    fingerprint = models.CharField(max_length=64)
    valid_until = models.DateTimeField(null=True, blank=True)
    # Number and constants of the project's policy when it was decided.
    policy = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=DecisionKind.values), name="decision_kind_known"
            ),
            models.CheckConstraint(
                condition=~Q(actor=models.F("author_actor")), name="decision_never_by_the_author"
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(actor=""), name="decision_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.version_id}"


class Standing(models.Model):
    """What is in force for a judge: one row, one decision, the dimensions that it covers."""

    judge = models.OneToOneField(Judge, on_delete=models.PROTECT, related_name="standing")
    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="+")
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="+")
    dimensions = models.JSONField(default=list)
    is_suspended = models.BooleanField(default=False)
    since = models.DateTimeField()
    valid_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"standing of {self.judge_id}"


class DriftLabel(models.Model):
    """One fresh human label held against the approved judge's verdict: append-only, in order.

    The state of the drift alarm is recomputed from these rows each time (measurement.drift).
    `approval` is the decision in force; a reinstatement begins a new count.
    """

    approval = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="drift_labels")
    dimension_key = models.CharField(max_length=60)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    agrees = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["approval", "dimension_key", "item"], name="drift_label_item_once"
            ),
            models.UniqueConstraint(
                fields=["approval", "dimension_key", "number"], name="drift_label_number_once"
            ),
        ]

    def __str__(self) -> str:
        return f"drift label {self.number} of {self.dimension_key}"
