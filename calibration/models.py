"""Reports: frozen once made."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Project
from annotation.models import Dataset, Round
from core.models import TimeStamped
from judges.models import ApprovalRequest, Run


class CalibrationReport(TimeStamped):
    """What the report page shows, frozen.

    `content`: {"dimensions": {key: the `align` object}, "context": …}. For a sealed set it
    belongs to an approval request; for an open dataset or the development part to a run.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="reports")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="reports")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="reports")
    request = models.OneToOneField(
        ApprovalRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="report"
    )
    content = models.JSONField(default=dict)
    labels_digest = models.CharField(max_length=64)
    seed = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "labels_digest"],
                condition=Q(request__isnull=True),
                name="report_once_for_the_same_labels",
            )
        ]

    def __str__(self) -> str:
        return f"report {self.pk}"


class RoundFigures(models.Model):
    """What a job made of a large round, by rater and by item: derived, replaced by the next one.

    `content` is that of calibration.queries.roundfigures; `seconds` how long the making took.
    """

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="figures")
    content = models.JSONField(default=dict)
    asked_at = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(default=0.0)

    def __str__(self) -> str:
        return f"figures of round {self.round_id}"
