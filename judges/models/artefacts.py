"""What a version's fingerprint names by its digest only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Project
from core.models import TimeStamped


class Artefact(TimeStamped):
    """A trained baseline as it is kept: JSON text, found by its SHA-256. Never changed.

    `made_from` says of how many items and labels it was made, for people to read.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="artefacts")
    digest = models.CharField(max_length=64)
    content = models.TextField()
    made_from = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "digest"], name="artefact_once"),
            models.CheckConstraint(condition=~Q(digest=""), name="artefact_is_identified"),
        ]

    def __str__(self) -> str:
        return self.digest[:12]
