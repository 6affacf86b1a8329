"""What this room holds of a person: the name in reports and evidence, words in sessions; and what
it holds of an item: words in sessions and reviews.

Reports and evidence name raters in the test by rater: the name goes, the numbers stay. Of items
they hold no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Rater
from calibration.models import (
    CalibrationReport,
    ClauseNote,
    ReviewAnswer,
    SessionComment,
    Settlement,
)
from core.blanking import GONE, blank
from core.registry import Erasure, ItemTexts, Trace
from judges.models import EvidenceSnapshot

_PIECE = 20


def _count(user_id: int) -> int:
    rows = Rater.objects.filter(user=user_id).values_list("project_id", "name")
    return sum(1 for project_id, name in rows for _ in _naming(project_id, name))


def _erase(erasure: Erasure) -> None:
    for project_id, (old, new) in erasure.renamed.items():
        for row, column in _naming(project_id, old):
            content = getattr(row, column)
            for place in _places(content):
                if place["rater"] == old:
                    place["rater"] = new
            type(row).objects.filter(pk=row.pk).update(**{column: content})


def _naming(
    project_id: int, name: str
) -> Iterator[tuple[CalibrationReport | EvidenceSnapshot, str]]:
    """The project's reports and evidence that name this rater, and the column that does."""
    reports = CalibrationReport.objects.filter(project=project_id).order_by("pk")
    evidence = EvidenceSnapshot.objects.filter(version__judge__project=project_id).order_by("pk")
    for report in reports.iterator(chunk_size=_PIECE):
        if any(place["rater"] == name for place in _places(report.content)):
            yield report, "content"
    for snapshot in evidence.iterator(chunk_size=_PIECE):
        if any(place["rater"] == name for place in _places(snapshot.numbers)):
            yield snapshot, "numbers"


def _places(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each rater's row of the alternative annotator test, in a report or in one dimension of it."""
    for one in (content, *content.get("dimensions", {}).values()):
        yield from (one.get("alt_test") or {}).get("raters", ())


NAMES = Trace(title="reports and pieces of evidence", count=_count, erase=_erase)


def _said(user_id: int) -> QuerySet[SessionComment]:
    return SessionComment.objects.filter(author=user_id).exclude(text=GONE)


def _unsay(erasure: Erasure) -> None:
    """Each comment stays in its place, so that the answers to it can be read."""
    _said(erasure.user_id).update(text=GONE)


TALK = Trace(
    title="comments in calibration sessions",
    count=lambda user_id: _said(user_id).count(),
    erase=_unsay,
    is_text=True,
)


def _unsay_of_items(item_ids: Sequence[int]) -> None:
    """A line of a guideline is nobody's text, and stays to do; what was noted beside it goes."""
    blank(SessionComment.objects.filter(place__item__in=item_ids), "text", to=GONE)
    blank(Settlement.objects.filter(place__item__in=item_ids), "reason", to=GONE)
    blank(ReviewAnswer.objects.filter(place__item__in=item_ids), "reason", to=GONE)
    noted = Q(place__item__in=item_ids) | Q(review_place__item__in=item_ids)
    blank(ClauseNote.objects.filter(noted), "note", to=GONE)


ITEMS = ItemTexts(
    goes=("What was said of it in calibration sessions and reviews, and noted beside a guideline",),
    erase=_unsay_of_items,
    free=lambda items: items,
    why_held=lambda _: "",
    kept=lambda _: (),
)
