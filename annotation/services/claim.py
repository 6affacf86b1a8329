"""The next slot for a rater: leased, renewed, released, taken back when the lease runs out.

The row is the lock: every change is a conditional UPDATE and its row count is the answer. In each
transaction the rater's place in the round comes first (for a sealed item their place in the project
before it), then the assignment, then its round item,
so that no two can wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import BooleanField, Case, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL

from annotation.models import Assignment, Draft, GoldItem, Item, Round, RoundItem, RoundRater
from annotation.queries.workbench import is_swapped
from annotation.services import admissions, goldturns, reference
from annotation.services.candidates import best_items, kept_items, may_have_sealed
from annotation.states import AssignmentState, Part, RoundKind, RoundState
from core.errors import Conflict
from core.prepared import Change, Prepared, PreparedUpdate

ATTEMPTS = 12
TRIED_AT_ONCE = 4
EXPIRED_AT_A_CLAIM = 3
EXPIRED_AT_ONCE = 200
NOT_KEPT: dict[str, None] = {"kept_for": None, "kept_until": None}


class Reason(StrEnum):
    """Why there is no next slot."""

    NOTHING_LEFT = "nothing_left"
    QUOTA_REACHED = "quota_reached"
    NOT_OPEN = "not_open"
    PAUSED = "paused"
    CLOSED = "closed"
    NOT_A_RATER = "not_a_rater"
    NOT_QUALIFIED = "not_qualified"
    QUALIFIED = "qualified"


@dataclass(frozen=True, slots=True)
class _Offers:
    """What could come next: items that are kept for the rater, else others, and the gold item that
    is due instead of them."""

    items: list[int]
    gold: GoldItem | None
    are_kept: bool = False


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

    A few steps of a bounded number of rows, whatever the size of the round. Raises `Conflict`
    only when other raters were faster `ATTEMPTS` times.
    """
    tried: set[int] = set()
    for _ in range(ATTEMPTS):
        member = _member(round_id, rater_id)
        if member is None:
            return Claim(None, Reason.NOT_A_RATER)
        round_ = member.round
        held = _held(round_, rater_id, now)
        if held is not None:
            return Claim(held)
        refusal = _refusal(member)
        if refusal is not None:
            return Claim(None, refusal)
        offers = _offers(member, tried)
        if not offers.items and offers.gold is None and not tried:
            return Claim(None, Reason.NOTHING_LEFT)
        taken = _take(round_, rater_id, offers, now)
        if taken is not None:
            return Claim(taken)
        tried = tried | set(offers.items) if offers.items else set()
    raise Conflict("busy", "Others were faster just now. Ask for the next item again.")


@transaction.atomic(durable=True)
def renew(*, assignment_id: int, rater_id: int, now: datetime) -> None:
    """Hold the slot for another lease time: the rater is at work on it."""
    if not hold(assignment_id=assignment_id, rater_id=rater_id, now=now):
        raise lease_lost()


def release(*, assignment_id: int, rater_id: int, now: datetime) -> None:
    """Give the slot back unrated; the rater may get it again. Not held is as good as released."""
    with transaction.atomic(durable=True):
        row = Assignment.objects.filter(
            pk=assignment_id, rater=rater_id, state=AssignmentState.LEASED
        ).first()
        if row is not None:
            empty(row, now=now)
    if row is not None:
        after_emptying(row)


def after_emptying(row: Assignment) -> None:
    """Outside of any transaction: a lease that outlived its round was the last one waited for."""
    round_ = Round.objects.only("kind", "state").get(pk=row.round_id)
    if round_.state == RoundState.CLOSED:
        row.round = round_
        reference.refresh_once_full(row)


def expire(now: datetime) -> int:
    """Take back every slot whose lease ran out, or that was kept long enough for somebody; returns
    how many. Runs as a reconciler."""
    lapsed = Assignment.objects.filter(state=AssignmentState.LEASED, lease_until__lte=now)
    emptied = sum(_expire_one(row, now) for row in lapsed.order_by("lease_until")[:EXPIRED_AT_ONCE])
    kept = Assignment.objects.filter(kept_for__isnull=False, kept_until__lte=now)
    return emptied + sum(_expire_kept(row) for row in kept.order_by("pk")[:EXPIRED_AT_ONCE])


def hold(*, assignment_id: int, rater_id: int, now: datetime) -> bool:
    """Inside a transaction: renew the lease and say whether it was still the rater's."""
    until = now + lease_time()
    return _renew_lease.run(assignment_id=assignment_id, rater_id=rater_id, until=until) == 1


def lease_lost() -> Conflict:
    return Conflict(
        "lease_lost",
        "This item went back to the queue and somebody else has it now. Your draft is kept.",
    )


def add_taken(row: Assignment) -> None:
    """Inside a transaction: one more of the item's slots is leased, submitted or kept for a rater.

    `row` comes with its round. A gold row takes no slot.
    """
    if row.gold_id is None:
        _one_more_taken.run(round_id=row.round_id, item_id=row.item_id, last=row.round.overlap - 1)


def drop_taken(row: Assignment) -> None:
    """Inside a transaction: the row's slot, if it has one, is free again."""
    if row.gold_id is None:
        RoundItem.objects.filter(round=row.round_id, item=row.item_id).update(
            taken=Case(When(taken__gt=0, then=F("taken") - 1), default=Value(0)), is_full=False
        )


def _member(round_id: int, rater_id: int) -> RoundRater | None:
    """The rater's place in the round, with the round."""
    member: RoundRater | None = _member_row.one(round_id=round_id, rater_id=rater_id)
    return member


def _held(round_: Round, rater_id: int, now: datetime) -> int | None:
    """The rater's lease in this round. In a paused or closed round it may be finished, while it
    lasts; in an open one it is renewed, even a lapsed one that nobody took back yet.

    On the way a few lapsed leases of others are taken back.
    """
    mine: Assignment | None = None
    row: Assignment
    for row in _mine_or_lapsed.rows(round_id=round_.pk, rater_id=rater_id, now=now):
        if row.rater_id == rater_id:
            mine = row
        elif mine is None:
            _expire_one(row, now)
    if mine is None or mine.lease_until is None or round_.revealed_at is not None:
        return None
    if round_.state != RoundState.OPEN:
        return mine.pk if mine.lease_until > now else None
    with transaction.atomic(durable=True):
        is_held = hold(assignment_id=mine.pk, rater_id=rater_id, now=now)
    return mine.pk if is_held else None


def _refusal(member: RoundRater) -> Reason | None:
    """Why nothing is handed out to the rater now."""
    round_ = member.round
    if round_.state != RoundState.OPEN or round_.revealed_at is not None:
        return {RoundState.DRAFT: Reason.NOT_OPEN, RoundState.PAUSED: Reason.PAUSED}.get(
            RoundState(round_.state), Reason.CLOSED
        )
    if member.quota is not None and member.answered >= member.quota:
        return Reason.QUOTA_REACHED
    return _unqualified(round_, member.rater_id)


def _unqualified(round_: Round, rater_id: int) -> Reason | None:
    """A qualification goes on until it is passed; what demands one begins then."""
    if round_.kind == RoundKind.QUALIFICATION:
        is_through = admissions.admitted(qualification_id=round_.pk, rater_id=rater_id)
        return Reason.QUALIFIED if is_through else None
    demanded = round_.qualification_id
    if demanded is None or admissions.admitted(qualification_id=demanded, rater_id=rater_id):
        return None
    return Reason.NOT_QUALIFIED


def _offers(member: RoundRater, tried: Collection[int]) -> _Offers:
    round_ = member.round
    if round_.kind == RoundKind.QUALIFICATION:
        return _Offers([], goldturns.due(round_, member))
    kept = kept_items(member, tried)
    if kept:
        return _Offers(kept, None, are_kept=True)
    candidates = best_items(member, tried)[:TRIED_AT_ONCE]
    return _Offers(candidates, goldturns.due(round_, member) if candidates or tried else None)


def _take(round_: Round, rater_id: int, offers: _Offers, now: datetime) -> int | None:
    """Lease the gold item that is due, else a slot of one of the first candidates; None when
    others were faster."""
    tries: list[int | GoldItem] = [offers.gold] if offers.gold is not None else [*offers.items]
    for one in tries:
        try:
            with transaction.atomic(durable=True):
                taken = _lease(round_, rater_id, one, now, is_kept=offers.are_kept)
        except IntegrityError:
            # This rater has a row for the item, or a lease, since we looked: look again.
            return None
        if taken is not None:
            return taken
    return None


def _lease(
    round_: Round, rater_id: int, one: int | GoldItem, now: datetime, *, is_kept: bool
) -> int | None:
    """A slot of an item, or a row of a gold item, for this rater."""
    item_id = one.item_id if isinstance(one, GoldItem) else one
    if _is_sealed(round_, item_id) and not may_have_sealed(
        project_id=round_.project_id, rater_id=rater_id
    ):
        return None
    if not still_rates(round_id=round_.pk, rater_id=rater_id, is_within_quota=True):
        return None
    slot: int | None
    if isinstance(one, GoldItem):
        slot = goldturns.open_row(round_id=round_.pk, gold=one)
    elif is_kept:
        slot = kept_slot(round_id=round_.pk, item_id=item_id, rater_id=rater_id)
    else:
        slot = free_slot(round_id=round_.pk, item_id=item_id)
    if slot is None:
        return None
    changed = _lease_slot.run(
        slot=slot,
        rater_id=rater_id,
        now=now,
        until=now + lease_time(),
        version_id=round_.guideline_version_id,
        is_swapped=is_swapped(round_, rater_id=rater_id, item_id=item_id),
    )
    if changed != 1:
        return None
    gold_id = one.pk if isinstance(one, GoldItem) else None
    if not is_kept:
        add_taken(Assignment(round=round_, item_id=item_id, gold_id=gold_id))
    return slot


def _is_sealed(round_: Round, item_id: int) -> bool:
    return not round_.dataset.is_open and _sealed_item.one(item_id=item_id) is not None


def still_rates(*, round_id: int, rater_id: int, is_within_quota: bool = False) -> bool:
    """Inside a transaction: whether the rater is in the round, and stays in it until the end;
    with `is_within_quota` also, whether the quota has room for one more."""
    place = {"round_id": round_id, "rater_id": rater_id, "is_within_quota": is_within_quota}
    return _member_held.one(**place) is not None


def free_slot(*, round_id: int, item_id: int) -> int | None:
    """Inside a transaction: an open slot of the item that nobody is just taking, and that is kept
    for nobody."""
    found = _open_slot.one(round_id=round_id, item_id=item_id)
    return None if found is None else int(found[0])


def kept_slot(*, round_id: int, item_id: int, rater_id: int) -> int | None:
    """Inside a transaction: the slot of the item that is kept for this rater. It is counted as
    taken already."""
    found = _kept_slot.one(round_id=round_id, item_id=item_id, rater_id=rater_id)
    return None if found is None else int(found[0])


def keep(*, slot: int, rater_id: int, until: datetime) -> bool:
    """Inside a transaction: keep a free slot for this rater, and say whether it was still free.
    The caller counts it as taken."""
    free = Assignment.objects.filter(pk=slot, state=AssignmentState.OPEN, kept_for__isnull=True)
    return free.update(kept_for=rater_id, kept_until=until) == 1


def let_go(row: Assignment) -> bool:
    """Inside a transaction: a kept slot is free for everybody; False when it is kept no more."""
    kept = Assignment.objects.filter(
        pk=row.pk,
        kept_for=row.kept_for_id,
        kept_until=row.kept_until,
        kept_for__isnull=False,
    )
    if kept.update(**NOT_KEPT) != 1:
        return False
    drop_taken(row)
    return True


def _expire_one(row: Assignment, now: datetime) -> bool:
    # One transaction each: two sweeps that hold several rows would wait for each other.
    with transaction.atomic(durable=True):
        is_emptied = empty(row, now=now, lapsed_at=now)
    if is_emptied:
        after_emptying(row)
    return is_emptied


def _expire_kept(row: Assignment) -> bool:
    with transaction.atomic(durable=True):
        return let_go(row)


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


@Prepared
def _member_row(*, round_id: int, rater_id: int) -> QuerySet[RoundRater]:
    members = RoundRater.objects.select_related(
        "round__guideline_version__guideline", "round__dataset"
    )
    return members.filter(round=round_id, rater=rater_id, removed_at__isnull=True)


@Prepared
def _mine_or_lapsed(*, round_id: int, rater_id: int, now: datetime) -> QuerySet[Assignment]:
    """The rater's own lease first."""
    is_mine = Case(When(rater=rater_id, then=Value(0)), default=Value(1))
    leased = Assignment.objects.filter(round=round_id, state=AssignmentState.LEASED)
    rows = leased.filter(Q(rater=rater_id) | Q(lease_until__lte=now))
    return rows.order_by(is_mine, "lease_until")[: 1 + EXPIRED_AT_A_CLAIM]


@Prepared
def _member_held(*, round_id: int, rater_id: int, is_within_quota: bool) -> QuerySet[Any, Any]:
    members = RoundRater.objects.filter(round=round_id, rater=rater_id, removed_at__isnull=True)
    if is_within_quota:
        members = members.filter(Q(quota__isnull=True) | Q(answered__lt=F("quota")))
    return members.select_for_update(no_key=True).values_list("pk")


@Prepared
def _sealed_item(*, item_id: int) -> QuerySet[Any, Any]:
    return Item.objects.filter(pk=item_id, part=Part.SEALED).values_list("pk")


# The condition of `assignment_slot_once` as it is written there. SQLite reads slots in that index
# only where the statement holds these very words: from `state = ?` it concludes nothing, and would
# look through every row of the item, each on a page of its own.
_IS_LIVE = RawSQL(
    """"annotation_assignment"."state" IN ('open', 'leased', 'submitted')""",
    (),
    output_field=BooleanField(),
)


@Prepared
def _open_slot(*, round_id: int, item_id: int) -> QuerySet[Any, Any]:
    slots = Assignment.objects.select_for_update(skip_locked=True).filter(
        _IS_LIVE,
        round=round_id,
        item=item_id,
        state=AssignmentState.OPEN,
        gold__isnull=True,
        kept_for__isnull=True,
    )
    return slots.order_by("slot").values_list("pk")[:1]


@Prepared
def _kept_slot(*, round_id: int, item_id: int, rater_id: int) -> QuerySet[Any, Any]:
    slots = Assignment.objects.select_for_update(skip_locked=True)
    return slots.filter(round=round_id, item=item_id, kept_for=rater_id).values_list("pk")[:1]


@PreparedUpdate
def _lease_slot(
    *, slot: int, rater_id: int, version_id: int, is_swapped: bool, now: datetime, until: datetime
) -> Change:
    """Paused, closed or bound to a qualification since we looked: the same statement sees it."""
    free = Assignment.objects.filter(
        Q(kept_for__isnull=True) | Q(kept_for=rater_id),
        admissions.may_rate(rater_id),
        pk=slot,
        state=AssignmentState.OPEN,
        round__state=RoundState.OPEN,
    )
    return free, {
        **NOT_KEPT,
        "state": AssignmentState.LEASED,
        "rater": rater_id,
        "leased_at": now,
        "lease_until": until,
        "guideline_version": version_id,
        "is_swapped": is_swapped,
    }


@PreparedUpdate
def _renew_lease(*, assignment_id: int, rater_id: int, until: datetime) -> Change:
    held = Assignment.objects.filter(pk=assignment_id, rater=rater_id, state=AssignmentState.LEASED)
    return held, {"lease_until": until}


@PreparedUpdate
def _one_more_taken(*, round_id: int, item_id: int, last: int) -> Change:
    """`last`: so many are taken when only the last slot of the overlap is left."""
    is_full = ExpressionWrapper(Q(taken__gte=last), output_field=BooleanField())
    place = RoundItem.objects.filter(round=round_id, item=item_id)
    return place, {"taken": F("taken") + 1, "is_full": is_full}
