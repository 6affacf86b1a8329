"""A rater taken out of a round that goes on, with the answers kept or withdrawn; and back in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from annotation.models import Assignment, Item, Round, RoundItem, RoundRater, Withdrawal
from annotation.services import claim, reference, roundacts
from annotation.services.withdrawing import end_of
from annotation.states import AssignmentState
from core import jobs
from core.errors import Conflict
from core.models import Job

RENEW_JOB = "annotation.renew"
CHUNK = 500


@dataclass(frozen=True, slots=True)
class TakenBack:
    """How many answers count again, and how many do not: others have their slots by now."""

    answers: int
    lost: int


@transaction.atomic(durable=True)
def remove_rater(
    *, round_id: int, rater_id: int, keep_answers: bool, reason: str, by: User, now: datetime
) -> int:
    """Give the rater nothing more in this round; returns how many answers were withdrawn.

    The lease ends, its draft is kept; what was kept for them is open to all. Without
    `keep_answers` every answer of theirs becomes history and its slot opens again; the reference
    labels follow in the background. Raises `Invalid` without a reason, `Conflict` when the round is
    closed or revealed, when the rater is out already, or when one of the answers is frozen as
    evidence.
    """
    said = roundacts.reason_of(reason)
    round_ = roundacts.held(round_id)
    if not keep_answers:
        _demand_unfrozen(round_, rater_id)
    changed = RoundRater.objects.filter(
        round=round_, rater=rater_id, removed_at__isnull=True
    ).update(removed_at=now)
    leased = Assignment.objects.filter(
        round=round_, rater=rater_id, state=AssignmentState.LEASED
    ).first()
    if leased is not None:
        claim.empty(leased, now=now)
    for kept in Assignment.objects.filter(round=round_, kept_for=rater_id).order_by("pk"):
        claim.let_go(kept)
    withdrawn = 0 if keep_answers else _withdraw(round_, rater_id, said, by)
    if not changed and not withdrawn:
        raise Conflict("not_in_round", "This rater is not in the round any more.")
    roundacts.record(
        round_,
        "round.rater_removed",
        by.actor,
        {"rater": rater_id, "reason": said, "answers_withdrawn": withdrawn},
    )
    return withdrawn


@transaction.atomic(durable=True)
def take_back_rater(*, withdrawal_id: int, by: User, now: datetime) -> TakenBack:
    """The rater rates in the round again, and every answer whose slot is still free counts."""
    made = Withdrawal.objects.get(pk=withdrawal_id, rater__isnull=False)
    round_ = roundacts.held(made.round_id)
    assert made.rater_id is not None
    _demand_unfrozen(round_, made.rater_id)
    end_of(made, actor=by.actor, now=now)
    RoundRater.objects.filter(round=round_, rater=made.rater_id).update(removed_at=None)
    answers = Assignment.objects.filter(
        round=round_, rater=made.rater_id, withdrawal=made, submitted_at__isnull=False
    )
    rows = list(answers.order_by("pk"))
    done = [_restore(round_, made, chunk) for chunk in _chunks(rows)]
    back, waiting = sum(one[0] for one in done), sum(one[1] for one in done)
    lost = len(rows) - back - waiting
    _renew_later(round_, [row.item_id for row in rows], by.actor)
    roundacts.record(
        round_,
        "round.rater_taken_back",
        by.actor,
        {"rater": made.rater_id, "answers": back, "waiting": waiting, "lost": lost},
    )
    return TakenBack(back, lost)


def renew_job(job_id: int) -> None:
    """The handler of `annotation.renew`: safe to run twice, unchanged labels stay."""
    job = Job.objects.get(pk=job_id)
    items: list[int] = job.plan["items"]
    changed = 0
    for start in range(0, len(items), CHUNK):
        changed += reference.renew(item_ids=items[start : start + CHUNK])
        jobs.progress(job_id, done=min(start + CHUNK, len(items)))
    jobs.finish(job_id, result={"labels": changed}, now=timezone.now())


def _demand_unfrozen(round_: Round, rater_id: int) -> None:
    answered = Assignment.objects.filter(round=round_, rater=rater_id, submitted_at__isnull=False)
    roundacts.demand_unfrozen(
        dataset_id=round_.dataset_id,
        items=Item.objects.filter(pk__in=answered.values("item")),
        what="These answers have to stay as they are",
    )


def _withdraw(round_: Round, rater_id: int, reason: str, by: User) -> int:
    """The answers become history, each slot gets a new open row."""
    answered = Assignment.objects.filter(
        round=round_, rater=rater_id, state=AssignmentState.SUBMITTED
    )
    rows = list(answered.select_for_update(no_key=True).order_by("pk"))
    if not rows:
        return 0
    made, _ = Withdrawal.objects.get_or_create(
        round=round_,
        rater_id=rater_id,
        undone_at=None,
        defaults={"reason": reason, "actor": by.actor},
    )
    for chunk in _chunks(rows):
        Assignment.objects.filter(pk__in=roundacts.ids(chunk)).update(
            state=AssignmentState.WITHDRAWN, withdrawal=made
        )
    Assignment.objects.bulk_create(
        [
            Assignment(round=round_, item_id=row.item_id, slot=row.slot)
            for row in rows
            if row.gold_id is None
        ],
        batch_size=CHUNK,
    )
    for chunk in _chunks(rows):
        in_slots = [row.item_id for row in chunk if row.gold_id is None]
        RoundItem.objects.filter(round=round_, item__in=in_slots).update(
            taken=F("taken") - 1, is_full=False
        )
    _renew_later(round_, [row.item_id for row in rows], by.actor)
    return len(rows)


def _restore(round_: Round, made: Withdrawal, rows: Sequence[Assignment]) -> tuple[int, int]:
    """Answers take the slots that are still free, and leave history in their place.

    Returns how many count again, and how many wait for their item, which is out of the round. For
    gold items there is always room.
    """
    golds = [row.pk for row in rows if row.gold_id is not None]
    Assignment.objects.filter(pk__in=golds).update(state=AssignmentState.SUBMITTED, withdrawal=None)
    rows = [row for row in rows if row.gold_id is None]
    free = _first_by_item(
        Assignment.objects.select_for_update(no_key=True, skip_locked=True).filter(
            round=round_,
            item__in=[row.item_id for row in rows],
            state=AssignmentState.OPEN,
            gold__isnull=True,
            kept_for__isnull=True,
        )
    )
    back = [row for row in rows if row.item_id in free]
    _trade(made, back, free, state=AssignmentState.SUBMITTED, withdrawals={})
    RoundItem.objects.filter(round=round_, item__in=[row.item_id for row in back]).update(
        taken=F("taken") + 1,
        is_full=ExpressionWrapper(Q(taken__gte=round_.overlap - 1), output_field=BooleanField()),
    )
    return len(golds) + len(back), _wait(
        round_, made, [row for row in rows if row.item_id not in free]
    )


def _wait(round_: Round, made: Withdrawal, rows: Sequence[Assignment]) -> int:
    """Answers on items that are out meanwhile join their item's withdrawal."""
    outside: dict[int, int | None] = dict(
        RoundItem.objects.filter(
            round=round_, item__in=[row.item_id for row in rows], withdrawal__isnull=False
        ).values_list("item_id", "withdrawal_id")
    )
    free = _first_by_item(
        Assignment.objects.filter(
            round=round_,
            item__in=outside,
            rater__isnull=True,
            gold__isnull=True,
            withdrawal__in=outside.values(),
        )
    )
    waiting = [row for row in rows if row.item_id in free]
    _trade(made, waiting, free, state=AssignmentState.WITHDRAWN, withdrawals=outside)
    return len(waiting)


def _first_by_item(rows: QuerySet[Assignment]) -> dict[int, Assignment]:
    """For each item its row with the lowest slot."""
    return {row.item_id: row for row in rows.order_by("-slot")}


def _trade(
    made: Withdrawal,
    rows: Sequence[Assignment],
    free: Mapping[int, Assignment],
    *,
    state: AssignmentState,
    withdrawals: Mapping[int, int | None],
) -> None:
    """The empty row becomes history first: a slot has one living row at any moment."""
    spare = [free[row.item_id].pk for row in rows]
    Assignment.objects.filter(pk__in=spare).update(state=AssignmentState.WITHDRAWN, withdrawal=made)
    for row in rows:
        row.slot = free[row.item_id].slot
        row.state = state
        row.withdrawal_id = withdrawals.get(row.item_id)
    Assignment.objects.bulk_update(rows, ["slot", "state", "withdrawal"], batch_size=CHUNK)


def _renew_later(round_: Round, items: Sequence[int], actor: str) -> None:
    if items:
        jobs.enqueue(
            kind=RENEW_JOB,
            actor=actor,
            project_id=round_.project_id,
            plan={"round": round_.pk, "items": sorted(items)},
            total=len(items),
        )


def _chunks(rows: Sequence[Assignment]) -> Iterator[Sequence[Assignment]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
