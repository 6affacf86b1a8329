"""An item taken out of a round that goes on, and taken back in.

Its rows stay as history: what was answered counts nowhere while the item is out, and counts again
when it is back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from accounts.models import User
from annotation.models import Assignment, Correction, Draft, Item, Round, RoundItem, Withdrawal
from annotation.services import claim, reference, roundacts, settling
from annotation.states import AssignmentState, FlagOutcome, RoundKind
from core.errors import Conflict, NotHere


@transaction.atomic(durable=True)
def withdraw_item(
    *, round_id: int, item_id: int, reason: str, note: str = "", by: User, now: datetime
) -> Withdrawal:
    """Serve the item no more in this round; whoever has it keeps a draft of what is written.

    What raters reported of it is settled, with the `note` back to them. Raises `Invalid` without
    a reason, `Conflict` when the round is closed or revealed, when the item is out already, or
    when its labels are frozen as evidence.
    """
    said = roundacts.reason_of(reason)
    round_ = roundacts.held(round_id)
    made = out(round_, place_of(round_, item_id), reason=said, actor=by.actor, now=now)
    settling.end_reports(round_, item_id, FlagOutcome.WITHDRAWN, note=note, actor=by.actor, now=now)
    return made


@transaction.atomic(durable=True)
def take_back_item(*, withdrawal_id: int, by: User, now: datetime) -> int:
    """The item is in the round again as it was left; returns how many answers count again."""
    made = Withdrawal.objects.get(pk=withdrawal_id, item__isnull=False)
    round_ = roundacts.held(made.round_id)
    assert made.item_id is not None
    _demand_unfrozen(round_, made.item_id, "This item cannot come back")
    if Correction.objects.filter(item=made.item_id, successor__isnull=False).exists():
        raise Conflict(
            "item_replaced", "A corrected item took this one's place, so it does not come back."
        )
    end_of(made, actor=by.actor, now=now)
    rows = list(
        Assignment.objects.select_for_update(no_key=True)
        .filter(round=round_, item=made.item_id, withdrawal=made)
        .order_by("pk")
    )
    answered = _back(round_, rows)
    taken = Assignment.objects.filter(
        round=round_, item=made.item_id, state=AssignmentState.SUBMITTED, gold__isnull=True
    ).count()
    # A qualification's items have no slots: they are handed out as gold.
    has_slots = round_.kind != RoundKind.QUALIFICATION
    RoundItem.objects.filter(round=round_, item=made.item_id).update(
        withdrawal=None, taken=taken, is_full=taken >= round_.overlap or not has_slots
    )
    reference.renew(item_ids=[made.item_id])
    roundacts.record(
        round_, "round.item_taken_back", by.actor, {"item": made.item_id, "answers": answered}
    )
    return answered


def out(round_: Round, place: RoundItem, *, reason: str, actor: str, now: datetime) -> Withdrawal:
    """Inside a transaction that holds the round: withdraw the item."""
    if place.withdrawal_id is not None:
        raise Conflict("item_withdrawn", "This item was taken out of the round already.")
    _demand_unfrozen(round_, place.item_id, "This item cannot be taken out")
    made = Withdrawal.objects.create(
        round=round_, item_id=place.item_id, reason=reason, actor=actor
    )
    rows = roundacts.live_rows(round_id=round_.pk, item_id=place.item_id)
    _end_leases([row for row in rows if row.state == AssignmentState.LEASED], now)
    Assignment.objects.filter(pk__in=roundacts.ids(rows)).update(
        state=AssignmentState.WITHDRAWN, withdrawal=made, **claim.NOT_KEPT
    )
    RoundItem.objects.filter(pk=place.pk).update(taken=0, is_full=True, withdrawal=made)
    reference.renew(item_ids=[place.item_id])
    answered = sum(row.state == AssignmentState.SUBMITTED for row in rows)
    roundacts.record(
        round_,
        "round.item_withdrawn",
        actor,
        {"item": place.item_id, "reason": reason, "answers": answered},
    )
    return made


def place_of(round_: Round, item_id: int) -> RoundItem:
    """Inside a transaction that holds the round: the item's place in it."""
    place = RoundItem.objects.filter(round=round_, item=item_id).first()
    if place is None:
        raise NotHere("There is no such item in this round.")
    return place


def end_of(made: Withdrawal, *, actor: str, now: datetime) -> None:
    """Inside a transaction: the withdrawal holds no longer, once."""
    changed = Withdrawal.objects.filter(pk=made.pk, undone_at__isnull=True).update(
        undone_at=now, undone_by=actor
    )
    if changed != 1:
        raise Conflict("taken_back", "This was taken back already.")


def _demand_unfrozen(round_: Round, item_id: int, what: str) -> None:
    roundacts.demand_unfrozen(
        dataset_id=round_.dataset_id, items=Item.objects.filter(pk=item_id), what=what
    )


def _end_leases(leased: Iterable[Assignment], now: datetime) -> None:
    """The draft says who had the item: what is sent late is kept."""
    rows = list(leased)
    Assignment.objects.filter(pk__in=roundacts.ids(rows)).update(
        state=AssignmentState.OPEN, rater=None, lease_until=None, leased_at=None, is_swapped=False
    )
    Draft.objects.bulk_create(
        [
            Draft(round_id=r.round_id, item_id=r.item_id, rater_id=r.rater_id, saved_at=now)
            for r in rows
            if r.rater_id is not None
        ],
        ignore_conflicts=True,
    )


def _back(round_: Round, rows: list[Assignment]) -> int:
    """Each row is what it was; an answer of a rater whose answers were withdrawn meanwhile goes
    to that withdrawal, and its slot is open. Returns how many answers count again."""
    out_raters = dict(
        Withdrawal.objects.filter(
            round=round_, rater__isnull=False, undone_at__isnull=True
        ).values_list("rater_id", "pk")
    )
    answered = [row for row in rows if row.submitted_at is not None]
    of_removed = [row for row in answered if row.rater_id in out_raters]
    for row in of_removed:
        assert row.rater_id is not None
        Assignment.objects.filter(pk=row.pk).update(withdrawal=out_raters[row.rater_id])
        if row.gold_id is None:
            Assignment.objects.create(round=round_, item_id=row.item_id, slot=row.slot)
    back = [row.pk for row in answered if row.rater_id not in out_raters]
    Assignment.objects.filter(pk__in=back).update(state=AssignmentState.SUBMITTED, withdrawal=None)
    Assignment.objects.filter(pk__in=[r.pk for r in rows if r.submitted_at is None]).update(
        state=AssignmentState.OPEN, withdrawal=None
    )
    return len(back)
