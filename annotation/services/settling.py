"""What raters report of an item, settled: flags, and skips by several."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from annotation.models import Assignment, Flag, Round, RoundItem
from annotation.services import roundacts
from annotation.states import AssignmentState, FlagOutcome
from core.errors import Conflict, Invalid

NOTE_CHARS = 400


@transaction.atomic(durable=True)
def settle(*, round_id: int, item_id: int, note: str, by: User, now: datetime) -> int:
    """Nothing is wrong with the item: its flags are settled, with a `note` back to whoever raised
    them, and its skips looked at. Returns how many flags. Raises `Conflict` when all was settled.
    """
    round_ = roundacts.held(round_id)
    ended = end_reports(
        round_, item_id, FlagOutcome.NOTHING_WRONG, note=note, actor=by.actor, now=now
    )
    if ended is None:
        raise Conflict("settled_already", "Somebody settled this already.")
    roundacts.record(round_, "round.report_settled", by.actor, {"item": item_id, "flags": ended})
    return ended


def end_reports(
    round_: Round, item_id: int, outcome: FlagOutcome, *, note: str, actor: str, now: datetime
) -> int | None:
    """Inside a transaction that holds the round: settle what was reported of the item.

    Returns how many flags, None when nothing was open.
    """
    said = _note(note)
    flags = Flag.objects.filter(round=round_, item=item_id, settled_at__isnull=True).update(
        settled_at=now, settled_by=actor, outcome=outcome, note=said
    )
    skips = Assignment.objects.filter(
        round=round_, item=item_id, state=AssignmentState.SKIPPED
    ).count()
    looked_at = RoundItem.objects.filter(
        round=round_, item=item_id, skips_settled__lt=skips
    ).update(skips_settled=skips)
    return flags if flags or looked_at else None


def _note(text: str) -> str:
    said = text.strip()
    if len(said) > NOTE_CHARS:
        sentence = f"A note has at most {NOTE_CHARS} characters; this one has {len(said)}."
        raise Invalid("note_too_long", sentence, {"note": [sentence]})
    return said
