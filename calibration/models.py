"""Reports, frozen once made; figures of large rounds; calibration sessions; reviews."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import Project, Rater
from annotation.models import Dataset, Dimension, Guideline, GuidelineVersion, Item, Round
from calibration.states import ReviewState, SessionState, Stage
from core.models import TimeStamped
from judges.models import ApprovalRequest, Run


class CalibrationReport(TimeStamped):
    """What the report page shows, frozen.

    `content`: {"dimensions": {key: the `align` object}, "cost": …, "probes": {kind: the newest
    result in the bias laboratory, or why there is none}, …}. For a sealed set it belongs to an
    approval request; for an open dataset or the development part to a run.
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


class CalibrationSession(TimeStamped):
    """People rate the same items blind, reveal, talk, mend the guideline and rate fresh ones.

    `state` moves forward by conditional updates only. Each of the two blind ratings is a Round of
    kind `session`; the first one's guideline version is `guideline_version` as long as no minor
    version came.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="sessions")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="sessions")
    guideline_version = models.ForeignKey(
        GuidelineVersion, on_delete=models.PROTECT, related_name="+"
    )
    name = models.CharField(max_length=110)
    state = models.CharField(max_length=16, choices=SessionState, default=SessionState.DRAFT)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # The round whose items were looked for, where raters differed most.
    source = models.ForeignKey(
        Round, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    first_round = models.OneToOneField(
        Round, on_delete=models.PROTECT, null=True, blank=True, related_name="session_as_first"
    )
    second_round = models.OneToOneField(
        Round, on_delete=models.PROTECT, null=True, blank=True, related_name="session_as_second"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    # Labels may have been made by a simulation: every page of it says so.
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="session_name_once"),
            models.CheckConstraint(
                condition=Q(state__in=SessionState.values), name="session_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="draft", first_round__isnull=True)
                | (~Q(state="draft") & Q(first_round__isnull=False)),
                name="session_first_round_unless_draft",
            ),
            models.CheckConstraint(
                condition=Q(state="closed")
                | Q(state="second", second_round__isnull=False)
                | (~Q(state__in=["second", "closed"]) & Q(second_round__isnull=True)),
                name="session_second_round_in_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False)
                | (~Q(state="closed") & Q(closed_at__isnull=True)),
                name="session_stamp_once_closed",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SessionParticipant(models.Model):
    """Who rates in a session, frozen when it goes blind."""

    session = models.ForeignKey(
        CalibrationSession, on_delete=models.CASCADE, related_name="participants"
    )
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="sessions")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "rater"], name="session_participant_once")
        ]

    def __str__(self) -> str:
        return f"rater {self.rater_id} in session {self.session_id}"


class SessionItem(models.Model):
    """An item that a session is about: of the first blind round, or of the second."""

    session = models.ForeignKey(CalibrationSession, on_delete=models.CASCADE, related_name="items")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="session_items")
    stage = models.CharField(max_length=8, choices=Stage, default=Stage.FIRST)
    position = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "item"], name="session_item_once"),
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="session_stage_known"),
        ]
        indexes = [models.Index(fields=["session", "stage", "position"], name="session_item_order")]

    def __str__(self) -> str:
        return f"item {self.item_id} in session {self.session_id}"


class SessionComment(TimeStamped):
    """What somebody says about an item of a session; it stays as it was said."""

    place = models.ForeignKey(SessionItem, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    text = models.TextField()

    def __str__(self) -> str:
        return f"comment {self.pk}"


class SessionMention(models.Model):
    """Somebody named with @ in a comment."""

    comment = models.ForeignKey(SessionComment, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="session_mentions"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["comment", "user"], name="session_mention_once")
        ]

    def __str__(self) -> str:
        return f"user {self.user_id} named in comment {self.comment_id}"


class Settlement(TimeStamped):
    """The label that a session agreed on for one dimension of an item, with the reason.

    Append-only: the highest revision counts. It teaches people and feeds no reference label.
    """

    place = models.ForeignKey(SessionItem, on_delete=models.CASCADE, related_name="settlements")
    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField()
    label = models.CharField(max_length=40)
    reason = models.CharField(max_length=1000)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["place", "dimension", "revision"], name="settlement_revision_once"
            ),
            models.CheckConstraint(condition=~Q(label=""), name="settlement_has_a_label"),
        ]

    def __str__(self) -> str:
        return f"{self.label} on {self.dimension_id}"


class Review(TimeStamped):
    """Who was right? Development items of a run on which judge and people differ on one dimension,
    and as many on which they agree, in one random order.

    `differing` and `agreeing` count what there was to draw from, `before` is their agreement (an
    estimate) as it was then; draw, order and sides come from `seed`.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="reviews")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="reviews")
    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=ReviewState, default=ReviewState.OPEN)
    seed = models.BigIntegerField()
    differing = models.PositiveIntegerField()
    agreeing = models.PositiveIntegerField()
    before = models.JSONField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "dimension"],
                condition=Q(state="open"),
                name="review_open_once_for_run_and_dimension",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ReviewState.values), name="review_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False)
                | Q(state="open", closed_at__isnull=True),
                name="review_stamp_once_closed",
            ),
            models.CheckConstraint(condition=Q(differing__gt=0), name="review_has_a_difference"),
        ]

    def __str__(self) -> str:
        return f"review {self.pk}"


class ReviewItem(models.Model):
    """An item of a review with the two labels as they were when it was drawn.

    Two labels are shown without saying whose they are. Where judge and people agree the other one
    is the `foil`, which nobody gave: so the form is the same, and whoever answers cannot tell.
    """

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="items")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="review_items")
    position = models.PositiveIntegerField()
    judge_label = models.CharField(max_length=40)
    people_label = models.CharField(max_length=40)
    foil = models.CharField(max_length=40, blank=True, default="", db_default="")
    # Shown first is the judge's label, or with it the people's; swapped, the other one.
    is_swapped = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "item"], name="review_item_once"),
            models.UniqueConstraint(fields=["review", "position"], name="review_position_once"),
            models.CheckConstraint(
                condition=(Q(foil="") & ~Q(judge_label=F("people_label")))
                | (~Q(foil="") & Q(judge_label=F("people_label")) & ~Q(foil=F("judge_label"))),
                name="review_foil_exactly_where_they_agree",
            ),
            models.CheckConstraint(
                condition=~Q(judge_label="") & ~Q(people_label=""), name="review_item_has_labels"
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.item_id} in review {self.review_id}"

    @property
    def is_difference(self) -> bool:
        return not self.foil

    @property
    def shown(self) -> tuple[str, str]:
        """The two labels in the order in which they are shown."""
        other = self.foil or self.people_label
        return (other, self.judge_label) if self.is_swapped else (self.judge_label, other)


class ReviewAnswer(TimeStamped):
    """Which label somebody found right on an item of a review, and why.

    Append-only: a reviewer's highest revision counts. An empty label says that the guideline does
    not settle it.
    """

    place = models.ForeignKey(ReviewItem, on_delete=models.CASCADE, related_name="answers")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    revision = models.PositiveIntegerField()
    label = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=400)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["place", "reviewer", "revision"], name="review_answer_revision_once"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="review_answer_has_a_reason"),
            models.CheckConstraint(
                condition=Q(revision__gt=0), name="review_answer_revision_from_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label or 'unclear'} on {self.place_id}"


class ClauseNote(TimeStamped):
    """A line of a guideline version that a session or a review found wanting: to do for the next
    version."""

    guideline_version = models.ForeignKey(
        GuidelineVersion, on_delete=models.PROTECT, related_name="clause_notes"
    )
    place = models.ForeignKey(
        SessionItem, on_delete=models.CASCADE, null=True, blank=True, related_name="clause_notes"
    )
    review_place = models.ForeignKey(
        ReviewItem, on_delete=models.CASCADE, null=True, blank=True, related_name="clause_notes"
    )
    # The line as it stood, and where: versions are immutable, so both stay true.
    line = models.PositiveIntegerField()
    clause = models.TextField()
    note = models.CharField(max_length=1000)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(place__isnull=False, review_place__isnull=True)
                | Q(place__isnull=True, review_place__isnull=False),
                name="clause_note_has_one_place",
            )
        ]

    def __str__(self) -> str:
        return f"line {self.line} of guideline version {self.guideline_version_id}"


class ReferenceFigures(models.Model):
    """Human labels of a dataset by each method, and Dawid-Skene's model: derived, replaced by the
    next job.

    `content` is that of calibration.queries.referencefigures, of unsealed items only.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+")
    guideline = models.ForeignKey(Guideline, on_delete=models.CASCADE, related_name="+")
    major = models.PositiveIntegerField()
    content = models.JSONField(default=dict)
    asked_at = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(default=0.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "guideline", "major"], name="reference_figures_once"
            )
        ]

    def __str__(self) -> str:
        return f"reference figures of dataset {self.dataset_id}"
