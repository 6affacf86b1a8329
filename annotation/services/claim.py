"""The next slot for a rater: leased, renewed, released, taken back when the lease runs out.

The row is the lock: every change is a conditional UPDATE and its row count is the answer. In each
transaction the rater's place in the round comes first, then the assignment, then its round item,
so that no two can wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import BooleanField, Case, ExpressionWrapper, F, Q, QuerySet, Value, When

from accounts.models import Rater
from annotation.models import Assignment, Draft, GoldItem, Round, RoundItem, RoundRater, SealedSet
from annotation.queries.labels import FEEDING
from annotation.queries.workbench import is_swapped
from annotation.rules import display
from annotation.services import goldturns
from annotation.states import AssignmentState, Part, RoundState
from core import registry
from core.errors import Conflict

ATTEMPTS = 12
WINDOW = 64
TRIED_AT_ONCE = 4
EXPIRED_AT_A_CLAIM = 3
EXPIRED_AT_ONCE = 200


class Reason(StrEnum):
    """Why there is no next slot."""

    NOTHING_LEFT = "nothing_left"
    QUOTA_REACHED = "quota_reached"
    NOT_OPEN = "not_open"
    PAUSED = "paused"
    CLOSED = "closed"
    NOT_A_RATER = "not_a_rater"


@dataclass(frozen=True, slots=True)
class Claim:
    """A leased assignment, or the reason why there is none."""

    assignment_id: int | None
    reason: Reason | None = None


def lease_time() -> timedelta:
    """How long a slot is held without a sign of life."""
    return timedelta(minutes=settings.RATING_LEASE_MINUTES)


def next_slot(*, round_id: int, rater_id: int, now: datetime) -> Claim:
    """The rater's lease if there is one (renewed), else a new one, else why not.

    A few steps of at most `WINDOW` rows each, whatever the size of the round. Raises `Conflict`
    only when other raters were faster `ATTEMPTS` times.
    """
    round_ = Round.objects.select_related("guideline_version__guideline", "dataset").get(
        pk=round_id
    )
    tried: set[int] = set()
    for _ in range(ATTEMPTS):
        held = _held(round_, rater_id, now)
        if held is not None:
            return Claim(held)
        member, refusal = _entry(round_, rater_id)
        if member is None or refusal is not None:
            return Claim(None, refusal)
        _expire(now, limit=EXPIRED_AT_A_CLAIM, round_id=round_id)
        candidates = _candidates(round_, rater_id, tried)[:TRIED_AT_ONCE]
        if not candidates and not tried:
            return Claim(None, Reason.NOTHING_LEFT)
        taken = _take(round_, rater_id, candidates, goldturns.due(round_, member), now)
        if taken is not None:
            return Claim(taken)
        tried = tried | set(candidates) if candidates else set()
    raise Conflict("busy", "Others were faster just now. Ask for the next item again.")


@transaction.atomic(durable=True)
def renew(*, assignment_id: int, rater_id: int, now: datetime) -> None:
    """Hold the slot for another lease time: the rater is at work on it."""
    if not hold(assignment_id=assignment_id, rater_id=rater_id, now=now):
        raise lease_lost()


@transaction.atomic(durable=True)
def release(*, assignment_id: int, rater_id: int, now: datetime) -> None:
    """Give the slot back unrated; the rater may get it again. Not held is as good as released."""
    row = Assignment.objects.filter(
        pk=assignment_id, rater=rater_id, state=AssignmentState.LEASED
    ).first()
    if row is not None:
        empty(row, now=now)


def expire(now: datetime) -> int:
    """Take back every slot whose lease ran out; returns how many. Runs as a reconciler."""
    return _expire(now, limit=EXPIRED_AT_ONCE)


def hold(*, assignment_id: int, rater_id: int, now: datetime) -> bool:
    """Inside a transaction: renew the lease and say whether it was still the rater's."""
    changed = Assignment.objects.filter(
        pk=assignment_id, rater=rater_id, state=AssignmentState.LEASED
    ).update(lease_until=now + lease_time())
    return changed == 1


def lease_lost() -> Conflict:
    return Conflict(
        "lease_lost",
        "This item went back to the queue and somebody else has it now. Your draft is kept.",
    )


def add_taken(row: Assignment) -> None:
    """Inside a transaction: one more of the item's slots is leased or submitted.

    `row` comes with its round. A gold row takes no slot.
    """
    if row.gold_id is None:
        RoundItem.objects.filter(round=row.round_id, item=row.item_id).update(
            taken=F("taken") + 1,
            is_full=ExpressionWrapper(
                Q(taken__gte=row.round.overlap - 1), output_field=BooleanField()
            ),
        )


def drop_taken(row: Assignment) -> None:
    """Inside a transaction: the row's slot, if it has one, is free again."""
    if row.gold_id is None:
        RoundItem.objects.filter(round=row.round_id, item=row.item_id).update(
            taken=Case(When(taken__gt=0, then=F("taken") - 1), default=Value(0)), is_full=False
        )


def _held(round_: Round, rater_id: int, now: datetime) -> int | None:
    """The rater's lease in this round. In a paused or closed round it may be finished, while it
    lasts; in an open one it is renewed, even a lapsed one that nobody took back yet."""
    mine = Assignment.objects.filter(
        round=round_, rater=rater_id, state=AssignmentState.LEASED
    ).first()
    if mine is None or mine.lease_until is None or round_.revealed_at is not None:
        return None
    if round_.state != RoundState.OPEN:
        return mine.pk if mine.lease_until > now else None
    with transaction.atomic(durable=True):
        is_held = hold(assignment_id=mine.pk, rater_id=rater_id, now=now)
    return mine.pk if is_held else None


def _entry(round_: Round, rater_id: int) -> tuple[RoundRater | None, Reason | None]:
    """The rater's place in the round, and why nothing is handed out to them."""
    if round_.state != RoundState.OPEN or round_.revealed_at is not None:
        return None, {RoundState.DRAFT: Reason.NOT_OPEN, RoundState.PAUSED: Reason.PAUSED}.get(
            RoundState(round_.state), Reason.CLOSED
        )
    member = RoundRater.objects.filter(
        round=round_, rater=rater_id, removed_at__isnull=True
    ).first()
    if member is None:
        return None, Reason.NOT_A_RATER
    if member.quota is not None and member.answered >= member.quota:
        return member, Reason.QUOTA_REACHED
    return member, None


def _candidates(round_: Round, rater_id: int, tried: Collection[int]) -> list[int]:
    """Items to try, best first: those nearest to completion, in the rater's own order.

    Each level of `taken` is looked at through a window that begins at a point of the rater's
    own, so that neither the round's size nor what the rater did before makes it longer. Only
    when all windows hold nothing new is everything searched.
    """
    last = (
        Assignment.objects.filter(rater=rater_id, state=AssignmentState.SUBMITTED)
        .order_by("-submitted_at")
        .values_list("pk", flat=True)
        .first()
    )
    start = display.starting_point(round_.salt, rater=rater_id, turn=last or 0)
    servable = _servable(round_, rater_id)
    for taken in range(round_.overlap - 1, -1, -1):
        found = _window(servable.filter(taken=taken), start)
        fresh = _not_seen(round_, rater_id, [item for item in found if item not in tried])
        if fresh:
            return _in_own_order(round_, rater_id, fresh)
    return _in_own_order(round_, rater_id, _search(servable, round_, rater_id, tried))


def _window(level: QuerySet[RoundItem], start: int) -> list[int]:
    """Up to WINDOW item ids of one level from `start` on, going on at the beginning."""
    level = level.order_by("shuffle")
    ids = list(level.filter(shuffle__gte=start).values_list("item_id", flat=True)[:WINDOW])
    missing = WINDOW - len(ids)
    if missing:
        ids += level.filter(shuffle__lt=start).values_list("item_id", flat=True)[:missing]
    return ids


def _search(
    servable: QuerySet[RoundItem], round_: Round, rater_id: int, tried: Collection[int]
) -> list[int]:
    """The first items of the whole round that this rater has no row for."""
    mine = Assignment.objects.filter(round=round_, rater=rater_id).values("item_id")
    rest = servable.exclude(item_id__in=mine).exclude(item_id__in=list(tried))
    rows = list(rest.order_by("-taken", "shuffle").values_list("taken", "item_id")[:WINDOW])
    return [item_id for taken, item_id in rows if taken == rows[0][0]]


def _servable(round_: Round, rater_id: int) -> QuerySet[RoundItem]:
    """Items of the round that may be shown to this rater and have a slot left."""
    rows = RoundItem.objects.filter(
        round=round_,
        is_full=False,
        item__is_visible=True,
        item__withdrawn_at__isnull=True,
        item__content__erased_at__isnull=True,
        item__content__isnull=False,
    )
    if round_.dataset.is_open or not (_is_frozen(round_) or _is_barred(round_, rater_id)):
        return rows
    return rows.exclude(item__part=Part.SEALED)


def _is_frozen(round_: Round) -> bool:
    """Whether a look has frozen the sealed labels: no rating of theirs counts any more."""
    frozen = SealedSet.objects.filter(
        dataset=round_.dataset_id, frozen_at__isnull=False, retired_at__isnull=True
    )
    return round_.kind in FEEDING and frozen.exists()


def _is_barred(round_: Round, rater_id: int) -> bool:
    """Whoever authored a judge version here gets no sealed item."""
    user_id = Rater.objects.filter(pk=rater_id).values_list("user_id", flat=True).first()
    return user_id is not None and registry.is_barred_from_sealed(
        project_id=round_.project_id, user_id=user_id
    )


def _not_seen(round_: Round, rater_id: int, item_ids: Sequence[int]) -> list[int]:
    if not item_ids:
        return []
    seen = set(
        Assignment.objects.filter(round=round_, rater=rater_id, item_id__in=item_ids).values_list(
            "item_id", flat=True
        )
    )
    return [item_id for item_id in item_ids if item_id not in seen]


def _in_own_order(round_: Round, rater_id: int, item_ids: Sequence[int]) -> list[int]:
    return sorted(
        item_ids, key=lambda item: display.item_order_key(round_.salt, rater=rater_id, item=item)
    )


def _take(
    round_: Round,
    rater_id: int,
    candidates: Sequence[int],
    gold: GoldItem | None,
    now: datetime,
) -> int | None:
    """Lease the gold item that is due, else a slot of one of the first candidates; None when
    others were faster."""
    tries: list[int | GoldItem] = [gold] if gold is not None else list(candidates)
    for one in tries:
        try:
            with transaction.atomic(durable=True):
                taken = _lease(round_, rater_id, one, now)
        except IntegrityError:
            # This rater has a row for the item, or a lease, since we looked: look again.
            return None
        if taken is not None:
            return taken
    return None


def _lease(round_: Round, rater_id: int, one: int | GoldItem, now: datetime) -> int | None:
    """A slot of an item, or a row of a gold item, for this rater."""
    if not still_rates(round_id=round_.pk, rater_id=rater_id, is_within_quota=True):
        return None
    slot: int | None
    if isinstance(one, GoldItem):
        slot, item_id = goldturns.open_row(round_id=round_.pk, gold=one), one.item_id
    else:
        slot, item_id = free_slot(round_id=round_.pk, item_id=one), one
    if slot is None:
        return None
    # Paused or closed since we looked: the same statement sees it.
    changed = Assignment.objects.filter(
        pk=slot, state=AssignmentState.OPEN, round__state=RoundState.OPEN
    ).update(
        state=AssignmentState.LEASED,
        rater=rater_id,
        leased_at=now,
        lease_until=now + lease_time(),
        guideline_version=round_.guideline_version_id,
        is_swapped=is_swapped(round_, rater_id=rater_id, item_id=item_id),
    )
    if changed != 1:
        return None
    gold_id = one.pk if isinstance(one, GoldItem) else None
    add_taken(Assignment(round=round_, item_id=item_id, gold_id=gold_id))
    return slot


def still_rates(*, round_id: int, rater_id: int, is_within_quota: bool = False) -> bool:
    """Inside a transaction: whether the rater is in the round, and stays in it until the end;
    with `is_within_quota` also, whether the quota has room for one more."""
    members = RoundRater.objects.filter(round=round_id, rater=rater_id, removed_at__isnull=True)
    if is_within_quota:
        members = members.filter(Q(quota__isnull=True) | Q(answered__lt=F("quota")))
    return members.select_for_update(no_key=True).first() is not None


def free_slot(*, round_id: int, item_id: int) -> int | None:
    """Inside a transaction: an open slot of the item that nobody is just taking."""
    return (
        Assignment.objects.select_for_update(skip_locked=True)
        .filter(round=round_id, item=item_id, state=AssignmentState.OPEN, gold__isnull=True)
        .order_by("slot")
        .values_list("pk", flat=True)
        .first()
    )


def _expire(now: datetime, *, limit: int, round_id: int | None = None) -> int:
    lapsed = Assignment.objects.filter(state=AssignmentState.LEASED, lease_until__lte=now)
    if round_id is not None:
        lapsed = lapsed.filter(round=round_id)
    return sum(_expire_one(row, now) for row in lapsed.order_by("lease_until")[:limit])


def _expire_one(row: Assignment, now: datetime) -> bool:
    # One transaction each: two sweeps that hold several rows would wait for each other.
    with transaction.atomic(durable=True):
        return empty(row, now=now, lapsed_at=now)


def empty(row: Assignment, *, now: datetime, lapsed_at: datetime | None = None) -> bool:
    """Inside a transaction: the slot is open again. The version that was rated by stays on the
    row, and a draft says who had it: a late submit needs both."""
    if row.rater_id is None:
        return False
    held = Assignment.objects.filter(pk=row.pk, rater=row.rater_id, state=AssignmentState.LEASED)
    if lapsed_at is not None:
        held = held.filter(lease_until__lte=lapsed_at)
    changed = held.update(
        state=AssignmentState.OPEN, rater=None, lease_until=None, leased_at=None, is_swapped=False
    )
    if changed != 1:
        return False
    drop_taken(row)
    Draft.objects.bulk_create(
        [Draft(round_id=row.round_id, item_id=row.item_id, rater_id=row.rater_id, saved_at=now)],
        ignore_conflicts=True,
    )
    return True
