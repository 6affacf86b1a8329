"""The bias laboratory: a probe with its frozen sample, and the runs that it takes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Project
from annotation.models import Dataset
from core.models import TimeStamped
from judges.models.config import JudgeVersion
from judges.models.run import Run
from judges.states import ProbeKind, ProbeState


class Probe(TimeStamped):
    """One version looked at for one bias, on a sample of development items that is drawn once.

    `sample` has for each item its key, the side that is changed and the number of the injection.
    `result` holds for each dimension the figures as estimates, beside the tolerances of the day.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="probes")
    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="probes")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=ProbeKind)
    state = models.CharField(max_length=16, choices=ProbeState, default=ProbeState.RUNNING)
    parameters = models.JSONField(default=dict)
    size = models.PositiveIntegerField()
    seed = models.PositiveIntegerField()
    sample = models.JSONField(default=list)
    # SHA-256 over all that was chosen: the same probe again is the one that is there.
    key = models.CharField(max_length=64)
    result = models.JSONField(null=True, blank=True)
    measured_at = models.DateTimeField(null=True, blank=True)
    # The newest end among the runs that the result rests on: a later one makes it anew.
    runs_ended_at = models.DateTimeField(null=True, blank=True)
    actor = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ProbeKind.values), name="probe_kind_known"),
            models.CheckConstraint(
                condition=Q(state__in=ProbeState.values), name="probe_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="measured", result__isnull=False, measured_at__isnull=False)
                | ~Q(state="measured"),
                name="probe_result_when_measured",
            ),
            models.UniqueConstraint(
                fields=["version", "key"],
                condition=Q(state__in=["running", "measured"]),
                name="probe_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} probe {self.pk} ({self.state})"


class Variant(models.Model):
    """One run of a probe, and what it changes of each item before the judge sees it."""

    probe = models.ForeignKey(Probe, on_delete=models.PROTECT, related_name="variants")
    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="variant")
    name = models.CharField(max_length=20)
    change = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["probe", "name"], name="probe_variant_once")]

    def __str__(self) -> str:
        return f"{self.name} of probe {self.probe_id}"
