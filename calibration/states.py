"""States of the calibration room."""

from __future__ import annotations

from enum import StrEnum

from django.db.models import TextChoices


class ReportForm(StrEnum):
    """How much of a report a person may read."""

    FULL = "full"
    BRIEF = "brief"
    SHORT = "short"


class SessionState(TextChoices):
    """How far a calibration session is; it never goes back."""

    DRAFT = "draft"
    BLIND = "blind"
    REVEALED = "revealed"
    SECOND = "second"
    CLOSED = "closed"


class Stage(TextChoices):
    """Which of the two blind rounds of a session an item belongs to."""

    FIRST = "first"
    SECOND = "second"


class ReviewState(TextChoices):
    """Whether a review of differences still takes answers; closed, it tells who said what."""

    OPEN = "open"
    CLOSED = "closed"
