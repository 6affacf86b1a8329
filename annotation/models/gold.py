"""Gold items: labels that a person fixed beforehand, to see how well raters follow a guideline."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Rater
from annotation.models.content import Item
from annotation.models.guideline import Guideline
from annotation.states import Part

UNSEALED = [(part.value, part.label) for part in Part if part != Part.SEALED]


class GoldItem(models.Model):
    """An item whose labels under one major version of a guideline are fixed beforehand.

    Its item is in no part. `part_before` is where it goes back to when nobody was given it.
    """

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="golds")
    guideline = models.ForeignKey(Guideline, on_delete=models.PROTECT, related_name="golds")
    major = models.PositiveIntegerField()
    # Its place in the ring from which each rater takes at a point of their own.
    shuffle = models.BigIntegerField()
    part_before = models.CharField(max_length=16, choices=UNSEALED)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "guideline", "major"], name="gold_item_once"),
            models.CheckConstraint(
                condition=Q(part_before__in=[Part.DEVELOPMENT.value, Part.NONE.value]),
                name="gold_was_never_sealed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["guideline", "major", "shuffle"],
                name="gold_ring",
                condition=Q(withdrawn_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"gold on item {self.item_id}"


class GoldLabel(models.Model):
    """What a named person says is right on one dimension. A change appends a version."""

    gold = models.ForeignKey(GoldItem, on_delete=models.PROTECT, related_name="labels")
    dimension_key = models.CharField(max_length=60)
    version = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    # Empty: this version takes the label of the dimension back.
    label = models.CharField(max_length=40, blank=True)
    reason = models.TextField()
    actor = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gold", "dimension_key", "version"], name="gold_label_version_once"
            ),
            models.UniqueConstraint(
                fields=["gold", "dimension_key"],
                condition=Q(is_current=True),
                name="gold_label_one_current",
            ),
            models.CheckConstraint(condition=~Q(actor=""), name="gold_label_names_its_person"),
            models.CheckConstraint(condition=~Q(reason=""), name="gold_label_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.dimension_key}: {self.label}"


class Admission(models.Model):
    """A rater who may rate where this qualification is demanded: passed, or let in by a lead."""

    qualification = models.ForeignKey(
        "annotation.Round", on_delete=models.PROTECT, related_name="admissions"
    )
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="admissions")
    # The figure that it rests on, as an estimate; empty when a lead let the rater in.
    figures = models.JSONField(default=dict, blank=True)
    # The lead who let the rater in, and why; both empty for whoever passed.
    actor = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["qualification", "rater"], name="admission_once"),
            models.CheckConstraint(
                condition=Q(actor="") | ~Q(reason=""), name="admission_by_hand_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"rater {self.rater_id} by round {self.qualification_id}"
