"""What a rater wrote in words, for the erasure of a person. No figure is made from any of it."""

from __future__ import annotations

from django.db.models import QuerySet

from annotation.models import Assignment, Draft, Flag, Rating
from annotation.queries.reports import FLAGGED
from core.blanking import GONE
from core.registry import Erasure, Trace


def _rationales(user_id: int) -> QuerySet[Rating]:
    return Rating.objects.filter(assignment__rater__user=user_id).exclude(rationale="")


def _drafts(user_id: int) -> QuerySet[Draft]:
    return Draft.objects.filter(rater__user=user_id).exclude(rationale="")


def _flags(user_id: int) -> QuerySet[Flag]:
    return Flag.objects.filter(rater__user=user_id).exclude(reason=GONE)


def _skips(user_id: int) -> QuerySet[Assignment]:
    skipped = Assignment.objects.filter(rater__user=user_id)
    return skipped.exclude(skip_reason="").exclude(skip_reason__contains=GONE)


def _count(user_id: int) -> int:
    every = (_rationales(user_id), _drafts(user_id), _flags(user_id), _skips(user_id))
    return sum(rows.count() for rows in every)


def _erase(erasure: Erasure) -> None:
    user_id = erasure.user_id
    _rationales(user_id).update(rationale="")
    _drafts(user_id).update(rationale="")
    _flags(user_id).update(reason=GONE)
    # What was flagged is told from what was skipped by how its reason begins.
    _skips(user_id).filter(skip_reason__startswith=FLAGGED).update(skip_reason=f"{FLAGGED}{GONE}")
    _skips(user_id).exclude(skip_reason__startswith=FLAGGED).update(skip_reason=GONE)


TEXTS = Trace(
    title="rationales, drafts, reports and reasons for skipping",
    count=_count,
    erase=_erase,
    is_text=True,
)
