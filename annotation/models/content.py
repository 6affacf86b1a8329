"""What is judged: datasets, items, their texts, sealed sets."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from accounts.models import Project
from annotation.states import DatasetKind, ItemKind, Part, Provenance
from core.models import TimeStamped


def new_salt() -> str:
    return secrets.token_hex(16)


class Dataset(TimeStamped):
    """Items of a project that belong together. `share` of its clusters is sealed; 0 is open."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="datasets")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=DatasetKind, default=DatasetKind.NORMAL)
    share = models.FloatField(default=0.0)
    # Where its items and labels were made by a simulation, every screen says so.
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="dataset_name_once"),
            models.CheckConstraint(
                condition=Q(kind__in=DatasetKind.values), name="dataset_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(share__gte=0.0, share__lt=1.0), name="dataset_share_in_range"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        """An open dataset hides nothing and approves nothing."""
        return self.share == 0.0


class SealedSet(TimeStamped):
    """The sealed part of one dataset: how it was drawn and what happened to it."""

    dataset = models.OneToOneField(Dataset, on_delete=models.PROTECT, related_name="sealed_set")
    salt = models.CharField(max_length=32, default=new_salt)
    provenance = models.CharField(max_length=16, choices=Provenance, default=Provenance.COLLECTED)
    declared_by = models.CharField(max_length=64, blank=True)
    is_one_shot = models.BooleanField(default=False)
    frozen_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(provenance__in=Provenance.values), name="sealed_provenance_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(provenance=Provenance.DECLARED) | ~Q(declared_by=""),
                name="sealed_declaration_names_its_person",
            ),
        ]

    def __str__(self) -> str:
        return f"sealed part of {self.dataset_id}"


class Content(models.Model):
    """The texts of one item. Erasing empties the body; items and ledgers keep digests.

    `body`: input, context, reference (text), messages (list of {role, text}),
    responses (list of text, in the item's own order).
    """

    # No index: texts are found by their item, and an index costs an import time.
    project = models.ForeignKey(Project, on_delete=models.PROTECT, db_index=False, related_name="+")
    body = models.JSONField(default=dict)
    erased_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"content {self.pk}"


class PendingImport(models.Model):
    """An import that is not over: while this row is there, nobody sees the items with its tag.

    So a million items become visible, or are given up, by one small change, and whoever waits to
    write does not notice. `owner` is who works on it: a process that was taken for dead and comes
    back finds another name there and gives way.
    """

    # The job of the import, or a number below 0 without one.
    tag = models.BigIntegerField(primary_key=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+")
    owner = models.CharField(max_length=32)
    # Items of the import have higher keys.
    after_item = models.BigIntegerField(default=0)
    touched_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"import {self.tag}"


def whole(path: str = "") -> Q:
    """Items of no import that is still going on. `path` leads to the item (`item__`).

    Rows that hang on an item (ratings, calls) need no such filter: they come after its import.
    """
    return ~Q(**{f"{path}import_job_id__in": PendingImport.objects.values("pk")})


class Item(models.Model):
    """One thing judged. Without content it is known only by labels and never served."""

    # Indexes below and the rule of one id begin with these two: none of their own is needed.
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="items", db_index=False
    )
    dataset = models.ForeignKey(
        Dataset, on_delete=models.PROTECT, related_name="items", db_index=False
    )
    content = models.OneToOneField(
        Content, on_delete=models.PROTECT, null=True, blank=True, related_name="item"
    )
    external_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=ItemKind)
    title = models.CharField(max_length=200, blank=True)
    prompt_key = models.CharField(max_length=200)
    cluster_key = models.CharField(max_length=200)
    content_hash = models.CharField(max_length=64)
    input_digest = models.CharField(max_length=64, blank=True)
    part = models.CharField(max_length=16, choices=Part, default=Part.DEVELOPMENT)
    judged_span = models.CharField(max_length=64, blank=True)
    difficulty = models.CharField(max_length=16, blank=True)
    case = models.CharField(max_length=16, blank=True)
    source = models.CharField(max_length=32, blank=True)
    tags = models.JSONField(default=list, blank=True)
    # Columns that nobody mapped: kept, hidden from raters and judges.
    extra = models.JSONField(default=dict, blank=True)
    # The tag of the import that brought it: `whole` leaves out those that are not over.
    import_job_id = models.BigIntegerField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    # When traffic came last, as long as its texts are kept; nothing else has a term.
    retained_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # Holds for the content hash as well, which takes in the id.
            models.UniqueConstraint(fields=["dataset", "external_id"], name="item_id_once"),
            models.CheckConstraint(
                condition=Q(kind__in=ItemKind.values), name="item_kind_is_known"
            ),
            models.CheckConstraint(condition=Q(part__in=Part.values), name="item_part_is_known"),
        ]
        indexes = [
            models.Index(fields=["dataset", "id"], name="item_of_dataset"),
            models.Index(fields=["project", "cluster_key"], name="item_cluster"),
            models.Index(fields=["project", "input_digest"], name="item_input"),
            # Holds only what has a term: no other item is read to find what is due.
            models.Index(
                fields=["retained_since"],
                name="item_retained",
                condition=Q(retained_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class Response(models.Model):
    """Who made a response, and what it cost. Its text lies in the item's content."""

    item = models.ForeignKey(
        Item, on_delete=models.CASCADE, related_name="responses", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    system = models.CharField(max_length=120, blank=True)
    digest = models.CharField(max_length=64)
    length = models.PositiveIntegerField()
    latency_ms = models.FloatField(null=True, blank=True)
    cost = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["item", "position"], name="response_position_once")
        ]

    def __str__(self) -> str:
        return f"response {self.position} of {self.item_id}"


class Correction(TimeStamped):
    """An item whose text was wrong. What stood before is kept: ratings were given on it.

    Wording: the item has the new text, and the old one lies in `before`. Meaning: `successor`
    is the item with the new text, and this one keeps its own.
    """

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="corrections")
    before = models.ForeignKey(
        Content, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    hash_before = models.CharField(max_length=64)
    successor = models.ForeignKey(
        Item, on_delete=models.PROTECT, null=True, blank=True, related_name="corrects"
    )
    reason = models.CharField(max_length=400)
    actor = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(before__isnull=True, successor__isnull=False)
                | Q(before__isnull=False, successor__isnull=True),
                name="correction_of_wording_or_meaning",
            )
        ]

    def __str__(self) -> str:
        return f"correction of {self.item_id}"


class Upload(TimeStamped):
    """A file that somebody brought in the browser, kept until its import is over."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="uploads")
    name = models.CharField(max_length=200)
    # Below MEDIA_ROOT/uploads; the name is ours, never the person's.
    file = models.CharField(max_length=200)
    size = models.BigIntegerField()
    actor = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.name
