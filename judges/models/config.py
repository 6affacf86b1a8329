"""Judges and their immutable versions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Project
from annotation.models import Guideline, GuidelineVersion
from core.models import TimeStamped
from judges.states import VersionKind


class Judge(TimeStamped):
    """A name in a project; its versions do the work."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="judges")
    guideline = models.ForeignKey(Guideline, on_delete=models.PROTECT, related_name="judges")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="judge_slug_once")]

    def __str__(self) -> str:
        return self.name


class SavedVersions(models.Manager["JudgeVersion"]):
    """Versions that somebody saved. What was only tried in the playground is on no list."""

    def get_queryset(self) -> models.QuerySet[JudgeVersion]:
        return super().get_queryset().filter(number__isnull=False)


class JudgeVersion(TimeStamped):
    """Immutable. `spec` is everything that can change a verdict; `fingerprint` is its SHA-256.

    A draft has no number: an edit that was tried in the playground and not saved. Saving the same
    edit gives that row its number (docs/adr/0018-playground.md).
    """

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="versions")
    guideline_version = models.ForeignKey(
        GuidelineVersion, on_delete=models.PROTECT, related_name="+"
    )
    number = models.PositiveIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=16, choices=VersionKind)
    note = models.CharField(max_length=200, blank=True)
    spec = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    author_actor = models.CharField(max_length=64)
    # Where the capability profile in `spec` comes from, for people to read.
    profile_source = models.CharField(max_length=160, blank=True, default="", db_default="")
    # Answers come from a simulation: every screen says so.
    is_simulated = models.BooleanField(default=False)

    objects = SavedVersions()
    with_drafts = models.Manager["JudgeVersion"]()

    class Meta:
        ordering = ["judge_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["judge", "number"], name="judge_version_once"),
            models.UniqueConstraint(fields=["judge", "fingerprint"], name="judge_fingerprint_once"),
            models.CheckConstraint(
                condition=Q(kind__in=VersionKind.values), name="judge_version_kind_known"
            ),
            models.CheckConstraint(
                condition=~Q(fingerprint="") & ~Q(author_actor=""),
                name="judge_version_is_identified",
            ),
        ]

    def __str__(self) -> str:
        return "draft" if self.is_draft else f"v{self.number}"

    @property
    def is_draft(self) -> bool:
        """Tried in the playground, and not saved."""
        return self.number is None
