"""The human label of an item: append-only, with the digest of the ratings it was made from.

Beside it: who read ratings of a sealed part in order to decide where they differ.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from annotation.models.content import Item, SealedSet
from annotation.models.guideline import Guideline
from annotation.states import Method, ReferenceState


class ReferenceLabel(models.Model):
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="reference_labels")
    guideline = models.ForeignKey(Guideline, on_delete=models.PROTECT, related_name="+")
    dimension_key = models.CharField(max_length=60)
    major = models.PositiveIntegerField()
    method = models.CharField(max_length=16, choices=Method)
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=16, choices=ReferenceState)
    label = models.CharField(max_length=40, blank=True)
    # The label on the dimension's whole scale, where a person decided; `label` is what is tested.
    point = models.CharField(max_length=40, blank=True, default="", db_default="")
    votes = models.PositiveIntegerField(default=0)
    median = models.FloatField(null=True, blank=True)
    mean = models.FloatField(null=True, blank=True)
    ratings_digest = models.CharField(max_length=64)
    # The adjudicator's pseudonymous id; empty for computed labels.
    actor = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "guideline", "dimension_key", "major", "method", "version"],
                name="reference_version_once",
            ),
            models.CheckConstraint(
                condition=Q(method__in=Method.values), name="reference_method_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ReferenceState.values), name="reference_state_known"
            ),
            models.CheckConstraint(
                condition=(Q(state="decided") & ~Q(label="")) | (~Q(state="decided") & Q(label="")),
                name="reference_label_exactly_when_decided",
            ),
            models.CheckConstraint(
                condition=~Q(method="adjudicated") | ~Q(actor=""),
                name="reference_adjudicated_names_its_person",
            ),
            models.CheckConstraint(
                condition=~Q(method="adjudicated") | ~Q(reason=""),
                name="reference_adjudicated_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(method="corrected") | (~Q(actor="") & ~Q(reason="")),
                name="reference_corrected_has_person_and_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["guideline", "dimension_key", "major", "item"], name="reference_lookup"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dimension_key}: {self.label or self.state}"


class SealedReading(models.Model):
    """Somebody who reads ratings of a sealed part to decide on contested items: for good.

    From then on this person can author no judge version in the project until the set retires.
    """

    sealed_set = models.ForeignKey(SealedSet, on_delete=models.PROTECT, related_name="readings")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sealed_set", "user"], name="sealed_reading_once")
        ]

    def __str__(self) -> str:
        return f"user {self.user_id} reads set {self.sealed_set_id}"
