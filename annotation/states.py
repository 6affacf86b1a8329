"""States of the annotation room."""

from __future__ import annotations

from django.db.models import TextChoices


class ItemKind(TextChoices):
    SINGLE = "single"
    PAIR = "pair"
    CONVERSATION = "conversation"


class Part(TextChoices):
    """Where an item stands: sealed labels are read by nobody before an approval."""

    DEVELOPMENT = "development"
    SEALED = "sealed"
    NONE = "none"


class DatasetKind(TextChoices):
    NORMAL = "normal"
    TRAFFIC = "traffic"


class GuidelineForm(TextChoices):
    POINTWISE = "pointwise"
    PAIRWISE = "pairwise"


class VersionState(TextChoices):
    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"


class DimensionKind(TextChoices):
    SCALE = "scale"
    YES_NO = "yes_no"
    CATEGORY = "category"
    PAIRWISE = "pairwise"
    PAIRWISE_GRADED = "pairwise_graded"


class Level(TextChoices):
    """Level of measurement."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


class RationaleRule(TextChoices):
    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class RoundKind(TextChoices):
    STANDARD = "standard"
    QUALIFICATION = "qualification"
    SESSION = "session"
    RERATING = "rerating"
    DRIFT = "drift"
    IMPORTED = "imported"


class RoundState(TextChoices):
    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class AssignmentState(TextChoices):
    OPEN = "open"
    LEASED = "leased"
    SUBMITTED = "submitted"
    SKIPPED = "skipped"
    WITHDRAWN = "withdrawn"


LIVE_ASSIGNMENTS = (
    AssignmentState.OPEN,
    AssignmentState.LEASED,
    AssignmentState.SUBMITTED,
)
"""These hold a slot; a skipped or withdrawn row is history and its slot has a new row."""


class FlagOutcome(TextChoices):
    """What a lead made of an item that was reported."""

    NOTHING_WRONG = "nothing_wrong"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"


class Method(TextChoices):
    """How a reference label came about."""

    PLURALITY = "plurality"
    MEDIAN = "median"
    DAWID_SKENE = "dawid_skene"
    ADJUDICATED = "adjudicated"
    CORRECTED = "corrected"


class ReferenceState(TextChoices):
    DECIDED = "decided"
    CONTESTED = "contested"
    NOT_APPLICABLE = "not_applicable"
    WITHDRAWN = "withdrawn"
    """The ratings that it was made from were withdrawn, and no other label took its place."""


class Provenance(TextChoices):
    """Where a sealed set's labels come from."""

    COLLECTED = "collected"
    DECLARED = "declared"
    SIMULATED = "simulated"
