"""The texts of an item, erased: its digests, labels and every figure stand.

What people and judges said of it in words goes as well, for words quote. Each room blanks its own;
what something rests on for good (versions, the audit trail) is not touched, and is named before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import ApiToken, User
from annotation.models import (
    Assignment,
    Content,
    Correction,
    Draft,
    Flag,
    GoldLabel,
    Item,
    Rating,
    ReferenceLabel,
    Withdrawal,
)
from annotation.queries import texts
from annotation.queries.reports import FLAGGED
from annotation.services import roundacts
from core import audit, registry
from core.blanking import GONE, blank
from core.errors import Conflict
from core.models import IdempotencyKey

GOES = (
    "Its input, context, turns, responses and reference answer; those from before a correction too",
    "Its title, and its columns that nobody mapped",
    "What people wrote of it: rationales, drafts, reports, and reasons of what was done with it",
)


@transaction.atomic(durable=True)
def erase(*, item_id: int, reason: str, by: User, now: datetime) -> None:
    """Erase the texts of one item for good.

    Raises `Invalid` without a reason, `Conflict` when there are none, when it was done before, and
    while somebody rates the item or a judge is asked about it.
    """
    said = roundacts.reason_of(reason)
    # Whoever would plan a call or write a draft on the item waits for the end of this.
    item = Item.objects.select_for_update(of=("self",)).get(pk=item_id)
    refusal = refusal_of(item)
    if refusal is not None:
        raise refusal
    kept = texts.kept(item.pk)
    digests = _digests(item)
    blank_texts([item.pk], now)
    audit.record(
        actor=by.actor,
        verb="item.texts_erased",
        object_type="item",
        object_id=item.pk,
        project_id=item.project_id,
        data={"item": item.external_id, "reason": said, "places_that_keep": len(kept), **digests},
    )


def refusal_of(item: Item) -> Conflict | None:
    """Why the texts of an item cannot be erased."""
    content = item.content
    if content is None:
        return Conflict("no_texts", "This item is known only by its labels: it has no text.")
    if content.erased_at is not None:
        return Conflict(
            "texts_erased",
            f"The texts of this item were erased on {content.erased_at:%d %B %Y} already.",
        )
    sentence = texts.why_held(item.pk)
    return Conflict("item_held", sentence) if sentence else None


def _digests(item: Item) -> dict[str, object]:
    rows = item.responses.order_by("position")
    return {
        "content_hash": item.content_hash,
        "input_digest": item.input_digest,
        "responses": [row.digest for row in rows],
    }


def blank_texts(item_ids: Sequence[int], now: datetime) -> None:
    """Inside a transaction that holds the items: no copy of their texts is left in any room.

    All of them have texts; raises `Conflict` where somebody erased them meanwhile.
    """
    changed = Content.objects.filter(item__in=item_ids, erased_at__isnull=True).update(
        body={}, erased_at=now
    )
    if changed != len(item_ids):
        raise Conflict("texts_erased", "The texts were erased meanwhile.")
    # What stood there before a correction of the wording.
    before = Correction.objects.filter(item__in=item_ids, before__isnull=False).values("before")
    Content.objects.filter(pk__in=before, erased_at__isnull=True).update(body={}, erased_at=now)
    for room in registry.item_texts().values():
        room.erase(item_ids)


def _erase_here(item_ids: Sequence[int]) -> None:
    ids = list(item_ids)
    Item.objects.filter(pk__in=ids).update(title="", extra={}, retained_since=None)
    # The reason of a correction quotes both: what was wrong, and what took its place.
    blank(Correction.objects.filter(Q(item__in=ids) | Q(successor__in=ids)), "reason", to=GONE)
    blank(Rating.objects.filter(assignment__item__in=ids), "rationale")
    blank(Draft.objects.filter(item__in=ids), "rationale")
    blank(Flag.objects.filter(item__in=ids), "reason", to=GONE)
    blank(Flag.objects.filter(item__in=ids), "note", to=GONE)
    _erase_skips(ids)
    blank(Withdrawal.objects.filter(item__in=ids), "reason", to=GONE)
    blank(GoldLabel.objects.filter(gold__item__in=ids), "reason", to=GONE)
    blank(ReferenceLabel.objects.filter(item__in=ids), "reason", to=GONE)
    _forget_answers(ids)


def _erase_skips(ids: list[int]) -> None:
    """What was flagged is told from what was skipped by how its reason begins."""
    rows = Assignment.objects.filter(item__in=ids)
    blank(rows.filter(skip_reason__startswith=FLAGGED), "skip_reason", to=f"{FLAGGED}{GONE}")
    blank(rows.exclude(skip_reason__startswith=FLAGGED), "skip_reason", to=GONE)


def _forget_answers(ids: list[int]) -> None:
    """Answers kept for repeated requests: a rating machine was given the texts with its slot."""
    projects = Item.objects.filter(pk__in=ids).values("project")
    tokens = ApiToken.objects.filter(project__in=projects, rater__isnull=False)
    IdempotencyKey.objects.filter(
        principal__in=[token.actor for token in tokens.only("pk")],
        body__assignment__item__id__in=ids,
    ).delete()


TEXTS = registry.ItemTexts(
    goes=GOES,
    erase=_erase_here,
    free=texts.not_being_rated,
    why_held=texts.why_being_rated,
    kept=texts.guidelines_quoting,
)
