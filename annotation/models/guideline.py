"""Guidelines, their versions, and the dimensions of a rubric."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Project
from annotation.states import (
    DimensionKind,
    GuidelineForm,
    Level,
    RationaleRule,
    VersionState,
)
from core.models import TimeStamped


class Guideline(TimeStamped):
    """What raters go by. Its versions carry the text and the rubric."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="guidelines")
    name = models.CharField(max_length=120)
    form = models.CharField(max_length=16, choices=GuidelineForm)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="guideline_name_once"),
            models.CheckConstraint(
                condition=Q(form__in=GuidelineForm.values), name="guideline_form_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GuidelineVersion(TimeStamped):
    """major.minor: a minor version changes wording, a major one meaning. Published = immutable."""

    guideline = models.ForeignKey(Guideline, on_delete=models.PROTECT, related_name="versions")
    major = models.PositiveIntegerField(default=1)
    minor = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=16, choices=VersionState, default=VersionState.DRAFT)
    text = models.TextField(blank=True)
    # Worked examples: list of {title, is_good, text, why}.
    examples = models.JSONField(default=list, blank=True)
    what_changed = models.TextField(blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["guideline_id", "major", "minor"]
        constraints = [
            models.UniqueConstraint(
                fields=["guideline", "major", "minor"], name="guideline_version_once"
            ),
            models.UniqueConstraint(
                fields=["guideline"],
                condition=Q(state="published"),
                name="guideline_one_published",
            ),
            models.CheckConstraint(
                condition=Q(state__in=VersionState.values), name="guideline_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def number(self) -> str:
        return f"{self.major}.{self.minor}"


class Dimension(models.Model):
    """One criterion with its scale. Same key and same major version = comparable."""

    version = models.ForeignKey(
        GuidelineVersion, on_delete=models.PROTECT, related_name="dimensions"
    )
    position = models.PositiveSmallIntegerField()
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=80)
    question = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=16, choices=DimensionKind)
    level = models.CharField(max_length=16, choices=Level)
    # Ordered list of {"value": "4", "anchor": "Right, with a slip that changes nothing"}.
    points = models.JSONField(default=list)
    cut = models.CharField(max_length=40, blank=True)
    allow_na = models.BooleanField(default=False)
    rationale = models.CharField(
        max_length=16, choices=RationaleRule, default=RationaleRule.OPTIONAL
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="dimension_key_once"),
            models.UniqueConstraint(fields=["version", "position"], name="dimension_place_once"),
            models.CheckConstraint(
                condition=Q(kind__in=DimensionKind.values), name="dimension_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(level__in=Level.values), name="dimension_level_is_known"
            ),
            models.CheckConstraint(
                condition=Q(rationale__in=RationaleRule.values),
                name="dimension_rationale_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def labels(self) -> list[str]:
        return [str(point["value"]) for point in self.points]
