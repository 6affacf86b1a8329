"""Rounds, assignments (slot and lease in one row), ratings with their revisions, drafts, flags."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Project, Rater
from annotation.models.content import Dataset, Item, new_salt
from annotation.models.gold import GoldItem
from annotation.models.guideline import Dimension, GuidelineVersion
from annotation.states import (
    LIVE_ASSIGNMENTS,
    AssignmentState,
    FlagOutcome,
    RoundKind,
    RoundState,
)
from core.models import TimeStamped


class Round(TimeStamped):
    """What a lead opens: items, guideline version, overlap, raters. Rated blind."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="rounds")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="rounds")
    guideline_version = models.ForeignKey(
        GuidelineVersion, on_delete=models.PROTECT, related_name="rounds"
    )
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=RoundKind, default=RoundKind.STANDARD)
    state = models.CharField(max_length=16, choices=RoundState, default=RoundState.DRAFT)
    overlap = models.PositiveSmallIntegerField(default=3)
    salt = models.CharField(max_length=32, default=new_salt)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    revealed_at = models.DateTimeField(null=True, blank=True)
    # Raters' feedback: each sees how far their own labels agree. It ends the editing of what
    # it touches, so it is off unless the lead wants it.
    shows_own_agreement = models.BooleanField(default=False, db_default=False)
    # The job that lays its slots; a round whose first slots are being laid cannot open.
    laying_job_id = models.BigIntegerField(null=True, blank=True)
    # After a gold item the rater is told its labels, and can no longer change the answer.
    shows_gold = models.BooleanField(default=False, db_default=False)
    # One in so many items that a rater is given is gold; empty: none.
    gold_every = models.PositiveSmallIntegerField(null=True, blank=True)
    # The qualification that raters have to pass before they are given anything here.
    qualification = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="demanded_by"
    )
    # Of a qualification: the share of gold labels to reach, and the items that it takes at least.
    pass_share = models.FloatField(null=True, blank=True)
    pass_items = models.PositiveSmallIntegerField(null=True, blank=True)
    # Labels may have been made by a simulation: every screen says so.
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="round_name_once"),
            models.CheckConstraint(condition=Q(kind__in=RoundKind.values), name="round_kind_known"),
            models.CheckConstraint(
                condition=Q(state__in=RoundState.values), name="round_state_known"
            ),
            models.CheckConstraint(condition=Q(overlap__gte=1), name="round_overlap_positive"),
            models.CheckConstraint(
                condition=Q(gold_every__isnull=True) | Q(gold_every__gte=2),
                name="round_gold_leaves_room",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind="qualification",
                    pass_share__gt=0.0,
                    pass_share__lte=1.0,
                    pass_items__gte=1,
                    qualification__isnull=True,
                )
                | (~Q(kind="qualification") & Q(pass_share__isnull=True, pass_items__isnull=True)),
                name="round_pass_mark_exactly_when_qualification",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Withdrawal(TimeStamped):
    """What a lead took out of a round, and may take back: an item, or what one rater answered.

    Rows that it withdrew name it, so that taking it back finds exactly those.
    """

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="withdrawals")
    item = models.ForeignKey(
        Item, on_delete=models.PROTECT, null=True, blank=True, related_name="withdrawals"
    )
    rater = models.ForeignKey(
        Rater, on_delete=models.PROTECT, null=True, blank=True, related_name="withdrawals"
    )
    reason = models.CharField(max_length=400)
    actor = models.CharField(max_length=64)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(item__isnull=True, rater__isnull=False)
                | Q(item__isnull=False, rater__isnull=True),
                name="withdrawal_of_item_or_rater",
            ),
            models.UniqueConstraint(
                fields=["round", "item"],
                condition=Q(undone_at__isnull=True, item__isnull=False),
                name="withdrawal_of_item_once",
            ),
            models.UniqueConstraint(
                fields=["round", "rater"],
                condition=Q(undone_at__isnull=True, rater__isnull=False),
                name="withdrawal_of_rater_once",
            ),
        ]

    def __str__(self) -> str:
        return f"withdrawal {self.pk} in round {self.round_id}"


class RoundItem(models.Model):
    """An item in a round. `taken` counts its leased and submitted slots, kept by the same
    transaction that changes the assignment, so that items near completion are served first.

    A withdrawn item is full with nothing taken: it is served to nobody."""

    # The rule of one row for each item begins with it: no index of its own is needed.
    round = models.ForeignKey(
        Round, on_delete=models.CASCADE, db_index=False, related_name="round_items"
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="round_items")
    shuffle = models.BigIntegerField()
    taken = models.PositiveSmallIntegerField(default=0)
    is_full = models.BooleanField(default=False)
    withdrawal = models.ForeignKey(
        Withdrawal,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
    )
    # How many skips a lead has looked at: more of them put the item before the lead again.
    skips_settled = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "item"], name="round_item_once"),
        ]
        indexes = [
            # With the item: whoever asks for the next ones reads nothing but the index.
            models.Index(
                fields=["round", "-taken", "shuffle", "item"],
                name="round_item_next_one",
                condition=Q(is_full=False),
            )
        ]

    def __str__(self) -> str:
        return f"item {self.item_id} in round {self.round_id}"


class RoundRater(models.Model):
    """Who rates in a round, and at most how many items.

    `answered` counts what the rater ever submitted here, gold and what was withdrawn afterwards
    too, `skipped` what was passed by: kept by the transaction that stores it. A claim holds this
    row, compares `answered` with the quota and sees by both where the rater stands, so that it
    counts nothing that was done before. Whoever needs this row locks it before assignments.
    """

    round = models.ForeignKey(
        Round, on_delete=models.CASCADE, db_index=False, related_name="round_raters"
    )
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="round_raters")
    quota = models.PositiveIntegerField(null=True, blank=True)
    answered = models.PositiveIntegerField(default=0, db_default=0)
    skipped = models.PositiveIntegerField(default=0, db_default=0)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "rater"], name="round_rater_once")]

    def __str__(self) -> str:
        return f"rater {self.rater_id} in round {self.round_id}"


class Assignment(models.Model):
    """One rater's slot on one item. The row is the lock: states change by conditional UPDATE.

    A gold row has no slot: it is made for whoever is given the gold item, counts for no overlap,
    and feeds no agreement and no reference label.
    """

    # Keys without an index of their own: one below begins with them. An index over a column that
    # taking a slot fills costs a page of the disk for each slot taken, so those below hold only
    # the rows where it is filled.
    round = models.ForeignKey(
        Round, on_delete=models.PROTECT, db_index=False, related_name="assignments"
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="assignments")
    slot = models.PositiveSmallIntegerField(null=True, blank=True)
    gold = models.ForeignKey(
        GoldItem,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="assignments",
    )
    rater = models.ForeignKey(
        Rater,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="assignments",
    )
    guideline_version = models.ForeignKey(
        GuidelineVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
    )
    state = models.CharField(max_length=16, choices=AssignmentState, default=AssignmentState.OPEN)
    lease_until = models.DateTimeField(null=True, blank=True)
    leased_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    # Whether the responses are shown in swapped order to this rater; recorded when leased.
    is_swapped = models.BooleanField(default=False)
    active_seconds = models.FloatField(default=0.0)
    skip_reason = models.CharField(max_length=200, blank=True)
    # What withdrew the row. One that was submitted before keeps its time.
    withdrawal = models.ForeignKey(
        Withdrawal,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="assignments",
    )
    # An open slot that a lead keeps for one rater, and how long. It counts as taken: nobody else is
    # given it.
    kept_for = models.ForeignKey(
        Rater, on_delete=models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    kept_until = models.DateTimeField(null=True, blank=True)
    # When the rater was told something that rests on this answer: it can no longer be changed.
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gold", "rater"],
                condition=Q(gold__isnull=False, rater__isnull=False),
                name="assignment_gold_once",
            ),
            models.CheckConstraint(
                condition=Q(gold__isnull=True, slot__isnull=False)
                | Q(gold__isnull=False, slot__isnull=True),
                name="assignment_slot_unless_gold",
            ),
            models.UniqueConstraint(
                fields=["round", "item", "slot"],
                condition=Q(state__in=[state.value for state in LIVE_ASSIGNMENTS]),
                name="assignment_slot_once",
            ),
            models.UniqueConstraint(
                fields=["round", "item", "rater"],
                condition=Q(rater__isnull=False),
                name="assignment_rater_once",
            ),
            models.UniqueConstraint(
                fields=["round", "rater"],
                condition=Q(state="leased"),
                name="assignment_one_lease",
            ),
            models.CheckConstraint(
                condition=Q(state__in=AssignmentState.values), name="assignment_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="leased", lease_until__isnull=False, rater__isnull=False)
                | (~Q(state="leased") & Q(lease_until__isnull=True)),
                name="assignment_lease_exactly_when_leased",
            ),
            models.CheckConstraint(
                condition=Q(state="submitted", submitted_at__isnull=False, rater__isnull=False)
                | Q(state="withdrawn")
                | (~Q(state__in=["submitted", "withdrawn"]) & Q(submitted_at__isnull=True)),
                name="assignment_stamp_once_submitted",
            ),
            models.CheckConstraint(
                condition=~Q(state="open") | Q(rater__isnull=True),
                name="assignment_open_has_no_rater",
            ),
            models.CheckConstraint(
                condition=Q(kept_for__isnull=True, kept_until__isnull=True)
                | Q(
                    kept_for__isnull=False,
                    kept_until__isnull=False,
                    state="open",
                    gold__isnull=True,
                ),
                name="assignment_kept_while_open",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_until"], name="assignment_leases", condition=Q(state="leased")
            ),
            models.Index(
                fields=["rater", "state", "-submitted_at"],
                name="assignment_rated_by",
                condition=Q(rater__isnull=False),
            ),
            models.Index(
                fields=["guideline_version"],
                name="assignment_version",
                condition=Q(guideline_version__isnull=False),
            ),
            models.Index(fields=["round", "state"], name="assignment_progress"),
            models.Index(
                fields=["kept_for", "round"],
                name="assignment_kept",
                condition=Q(kept_for__isnull=False),
            ),
            models.Index(
                fields=["round", "gold"],
                name="assignment_gold",
                condition=Q(gold__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"slot {self.slot} of item {self.item_id} ({self.state})"


class Rating(models.Model):
    """One rater's label on one dimension of one item. A change appends a revision.

    Labels of pairs are always in the item's own labelling, whatever order was shown.
    """

    assignment = models.ForeignKey(
        Assignment, on_delete=models.PROTECT, db_index=False, related_name="ratings"
    )
    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="ratings")
    revision = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    label = models.CharField(max_length=40)
    rationale = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "dimension", "revision"], name="rating_revision_once"
            ),
            models.UniqueConstraint(
                fields=["assignment", "dimension"],
                condition=Q(is_current=True),
                name="rating_one_current",
            ),
            models.CheckConstraint(condition=~Q(label=""), name="rating_has_a_label"),
        ]

    def __str__(self) -> str:
        return f"{self.label} on {self.dimension_id}"


class Draft(models.Model):
    """Work that was not submitted yet: kept as one types, gone when it is submitted."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, db_index=False, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    rater = models.ForeignKey(Rater, on_delete=models.CASCADE, related_name="+")
    labels = models.JSONField(default=dict)
    rationale = models.TextField(blank=True)
    active_seconds = models.FloatField(default=0.0)
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "item", "rater"], name="draft_once")
        ]

    def __str__(self) -> str:
        return f"draft on item {self.item_id}"


class Flag(TimeStamped):
    """An item that a rater reports as broken."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="flags")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="flags")
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="flags")
    reason = models.CharField(max_length=400)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=16, choices=FlagOutcome, blank=True, db_default="")
    # A word back to whoever reported it.
    note = models.CharField(max_length=400, blank=True, db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["", *FlagOutcome.values]), name="flag_outcome_known"
            )
        ]

    def __str__(self) -> str:
        return f"flag on item {self.item_id}"
