"""The ledger: attempts written before a request leaves and finalised once, money booked with them.

Every function is one short transaction that locks the run's row first and the purses of its judge
and month after it, so that money is reckoned one after the other and no two of them wait for each
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from core import audit
from judges import queries
from judges.models import Attempt, Call, Piece, Run, Verdict
from judges.rules import budgets
from judges.rules.budgets import Pot, PotKind
from judges.rules.verdicts import Outcome, Parsed, to_item_labelling
from judges.services import hooks, purses
from judges.services.calls import (
    CENT_OF_A_CENT,
    NO_ANSWER_KEPT,
    Plan,
    Prepared,
    Settlement,
    Unaskable,
    storable,
)
from judges.services.purses import Booking
from judges.states import AttemptState, CallState, RunState

NOBODYS = (RunState.PAUSED, RunState.CANCELLED, RunState.DONE)
"""States of runs that no worker looks back on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An attempt that is in the ledger and has no answer yet."""

    attempt_id: int
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Open):
    """An attempt that is in the ledger: its request may leave."""

    prepared: Prepared


@dataclass(frozen=True, slots=True)
class Taken:
    """What was claimed. `objection` and `over_budget` say why there was not more.

    `is_held`: only reservations that are under way are in the way of the next call.
    """

    sent: Sequence[Sent] = ()
    is_mine: bool = True
    objection: str = ""
    over_budget: str = ""
    is_held: bool = False

    @property
    def is_over_budget(self) -> bool:
        return bool(self.over_budget)


def take(
    plan: Plan,
    prepared: Sequence[Prepared],
    *,
    owner: str,
    now: datetime,
    piece: Piece | None = None,
) -> Taken:
    """Claim calls, write their attempts and reserve their cost: before anything is sent.

    With a `piece` they go to the provider together: it is saved with as many as were claimed, or
    not at all, and holds them instead of the owner until it is fetched.
    """
    with transaction.atomic(savepoint=False):
        run, judge_id = _locked(plan.run_id)
        if run.state != RunState.RUNNING or run.owner != owner:
            return Taken(is_mine=False)
        objection = hooks.objection(run.purpose, run.pk)
        if objection:
            return Taken(objection=objection)
        amounts = [one.reserved.amount for one in prepared]
        opened = (
            purses.opened(
                project_id=run.project_id, judge_id=judge_id, months=[budgets.month_of(now)]
            )
            if any(amounts)
            else []
        )
        fit = budgets.fit([_pot(run), *map(queries.pot_of, opened)], amounts)
        holder = owner if piece is None else piece.token
        mine = _claimed(prepared[: fit.count], holder)
        chosen = [one for one in prepared[: fit.count] if one.call_id in mine]
        if piece is not None and chosen:
            piece.requests = len(chosen)
            piece.save()
        attempts = Attempt.objects.bulk_create(
            Attempt(
                call_id=one.call_id,
                piece=piece,
                number=one.number,
                owner=holder,
                cache_key=one.cache_key,
                prompt_digest=one.request.rendered.digest,
                reserved=one.reserved.amount,
                sent_at=now,
            )
            for one in chosen
        )
        reserved = sum((one.reserved.amount for one in chosen), Decimal(0))
        if reserved:
            Run.objects.filter(pk=run.pk).update(reserved=run.reserved + reserved)
            purses.reserve(opened, reserved)
        over = purses.reached(fit.short, judge_id=judge_id) if fit.short else ""
    sent = [
        Sent(attempt_id=attempt.pk, prepared=one, sent_at=now)
        for attempt, one in zip(attempts, chosen, strict=True)
    ]
    return Taken(sent=sent, over_budget=over, is_held=fit.is_held)


def _locked(run_id: int) -> tuple[Run, int]:
    """The run's row, locked, and whose judge it runs."""
    rows = Run.objects.select_for_update(of=("self",)).annotate(judge_id=F("version__judge"))
    run = rows.get(pk=run_id)
    return run, int(run.judge_id)


def lock(run_id: int) -> None:
    """Hold the run's row, for whoever changes it and something of it in one transaction."""
    Run.objects.select_for_update(of=("self",)).values_list("pk").get(pk=run_id)


def _pot(run: Run) -> Pot:
    return Pot(PotKind.RUN, run.budget, run.spent, run.reserved)


def _claimed(prepared: Sequence[Prepared], owner: str) -> set[int]:
    ids = [one.call_id for one in prepared]
    claimed = Call.objects.filter(pk__in=ids, state=CallState.WAITING).update(
        state=CallState.IN_FLIGHT, owner=owner, tries=F("tries") + 1, not_before=None
    )
    if claimed == len(ids):
        return set(ids)
    held = Call.objects.filter(pk__in=ids, state=CallState.IN_FLIGHT, owner=owner)
    return set(held.values_list("pk", flat=True))


def settle(
    plan: Plan,
    settlements: Sequence[tuple[Open, Settlement]],
    *,
    owner: str,
    now: datetime,
) -> None:
    """Finalise attempts by compare-and-set, end or re-offer their calls, book the true cost.

    An attempt that somebody finalised before (as unknown, after a takeover) stays as it is.
    """
    with transaction.atomic(savepoint=False):
        run, judge_id = _locked(plan.run_id)
        finalised = _finalised(plan, settlements, now)
        ended = [one for _, one in finalised]
        booked: dict[date, Booking] = {}
        for sent, one in finalised:
            _add(booked, sent.sent_at, one.prepared.reserved.amount, one.cost)
        Verdict.objects.bulk_create(_move_calls(run.pk, ended, owner=owner, now=now))
        _book_all(run, judge_id, booked)


def _add(booked: dict[date, Booking], sent_at: datetime, released: Decimal, cost: Decimal) -> None:
    """A release finds the purse of the month in which its attempt was sent."""
    month = budgets.month_of(sent_at)
    booked[month] = booked.get(month, Booking()).and_(released=released, cost=cost)


def _book_all(run: Run, judge_id: int, booked: dict[date, Booking]) -> None:
    """In the run's row and in every purse that it is paid from."""
    released = sum((one.released for one in booked.values()), Decimal(0))
    cost = sum((one.cost for one in booked.values()), Decimal(0))
    book(run, released=released, cost=cost)
    purses.book(project_id=run.project_id, judge_id=judge_id, booked=booked)


def _finalised(
    plan: Plan, settlements: Sequence[tuple[Open, Settlement]], now: datetime
) -> list[tuple[Open, Settlement]]:
    """Those whose attempt was still open and is final now.

    Whoever finalises an attempt holds the run's row, so what is open here is open until the end.
    One prepared statement for all rows: an update of the ORM for each costs as much as the request.
    """
    ids = [sent.attempt_id for sent, _ in settlements]
    still = Attempt.objects.filter(pk__in=ids, state=AttemptState.SENT)
    is_open = set(still.values_list("pk", flat=True))
    mine = [(sent, one) for sent, one in settlements if sent.attempt_id in is_open]
    rows = [_row(plan, sent, one, now) for sent, one in mine]
    with connection.cursor() as cursor:
        cursor.executemany(_finalising(), rows)
    return mine


_FINAL = (
    "state", "outcome", "problem", "answer", "cost", "is_cache_source", "finished_at",
    "stop_reason", "request_id", "model_answered", "input_tokens", "cache_read_tokens",
    "cache_write_tokens", "output_tokens", "price_source", "price_as_of", "latency_ms",
)  # fmt: skip


_FIELDS = tuple(field for field in Attempt._meta.concrete_fields if field.name in _FINAL)  # noqa: SLF001


def _finalising() -> str:
    quote = connection.ops.quote_name
    changes = ", ".join(f"{quote(str(field.column))} = %s" for field in _FIELDS)
    table = quote(Attempt._meta.db_table)  # noqa: SLF001
    return f"UPDATE {table} SET {changes} WHERE {quote('id')} = %s"  # noqa: S608


def _row(plan: Plan, sent: Open, one: Settlement, now: datetime) -> list[Any]:
    """The values of the columns of an attempt that is over, as the database takes them."""
    values: dict[str, object] = {
        "state": AttemptState.FINAL.value,
        "outcome": str(one.outcome),
        "problem": one.problem,
        "answer": one.answer,
        "cost": one.cost,
        "is_cache_source": one.outcome == Outcome.OK and plan.purpose not in NO_ANSWER_KEPT,
        "finished_at": now,
        **one.fields,
    }
    row = [
        field.get_db_prep_save(values.get(field.name, field.get_default()), connection)
        for field in _FIELDS
    ]
    return [*row, sent.attempt_id]


def _move_calls(
    run_id: int, ended: Sequence[Settlement], *, owner: str, now: datetime
) -> list[Verdict]:
    """Calls end with their outcomes, or are offered again; what those said that ended well."""
    well = [one for one in ended if one.call_outcome is Outcome.OK]
    ids = [one.prepared.call_id for one in well]
    mine = Call.objects.filter(run=run_id, state=CallState.IN_FLIGHT, owner=owner)
    mine.filter(pk__in=ids).update(
        state=CallState.FINISHED, owner="", outcome=Outcome.OK, problem="", finished_at=now
    )
    for one in ended:
        call = mine.filter(pk=one.prepared.call_id)
        if one.call_outcome is None:
            call.update(
                state=CallState.WAITING, owner="", not_before=one.not_before, problem=one.problem
            )
        elif one.call_outcome is not Outcome.OK:
            call.update(
                state=CallState.FINISHED,
                owner="",
                outcome=one.call_outcome,
                problem=one.problem,
                finished_at=now,
            )
    return [
        verdict
        for one in well
        if one.parsed is not None
        for verdict in verdict_rows(one.prepared.call_id, one.parsed, order=one.prepared.order)
    ]


def verdict_rows(call_id: int, parsed: Parsed, *, order: str) -> list[Verdict]:
    """What a call said, in the item's own labelling."""
    return [
        Verdict(
            call_id=call_id,
            dimension_key=key,
            label=to_item_labelling(label, order),
            rationale=storable(parsed.rationales.get(key, "")),
        )
        for key, label in parsed.labels.items()
    ]


def book(run: Run, *, released: Decimal, cost: Decimal) -> None:
    """The true cost takes the place of the reservation.

    A provider that bills more than the most that was reckoned is booked as it billed: the ledger
    does not lie, so the budget is lifted to what was spent. No further call fits: the run pauses.
    """
    spent, reserved = run.spent + cost, run.reserved - released
    changes: dict[str, object] = {"spent": spent, "reserved": reserved}
    if run.budget is not None and spent + reserved > run.budget and cost > released:
        changes["budget"] = spent + reserved + CENT_OF_A_CENT
        audit.record(
            actor="system",
            verb="run.overcharged",
            object_type="run",
            object_id=run.pk,
            project_id=run.project_id,
            data={"budget": str(run.budget), "spent": str(spent)},
        )
    Run.objects.filter(pk=run.pk).update(**changes)


def end_unaskable(run_id: int, unaskable: Iterable[Unaskable], *, now: datetime) -> None:
    """Calls that cannot be asked end with their reason; nothing was sent."""
    with transaction.atomic():
        for one in unaskable:
            Call.objects.filter(pk=one.call_id, run=run_id, state=CallState.WAITING).update(
                state=CallState.FINISHED,
                outcome=one.outcome,
                problem=one.problem,
                finished_at=now,
            )


def abandon(run_id: int, attempt_ids: Sequence[int], *, problem: str, now: datetime) -> None:
    """Finalise attempts that nobody waits for as unknown, at their reservation, and offer their
    calls again.
    """
    with transaction.atomic():
        run, judge_id = _locked(run_id)
        lost = Attempt.objects.filter(pk__in=attempt_ids, state=AttemptState.SENT)
        rows = list(lost.values_list("pk", "call_id", "reserved", "sent_at"))
        Attempt.objects.filter(pk__in=[row[0] for row in rows]).update(
            state=AttemptState.FINAL,
            outcome=Outcome.UNKNOWN,
            problem=problem,
            cost=F("reserved"),
            price_source="reservation",
            finished_at=now,
        )
        Call.objects.filter(pk__in=[row[1] for row in rows], state=CallState.IN_FLIGHT).update(
            state=CallState.WAITING, owner="", problem=problem
        )
        booked: dict[date, Booking] = {}
        for _, _, reserved, sent_at in rows:
            _add(booked, sent_at, reserved, reserved)
        _book_all(run, judge_id, booked)


def forgotten(now: datetime, *, patience_seconds: float) -> dict[int, list[int]]:
    """Attempts that no answer will come for, of runs that nobody works on: by run, a thousand.

    Their reservations would stay in the purses that other runs are paid from. Those of a batch
    wait for a day; their piece is looked after whatever the run's state is.
    """
    oldest = now - timedelta(seconds=patience_seconds)
    lost = Attempt.objects.filter(
        state=AttemptState.SENT,
        piece__isnull=True,
        sent_at__lte=oldest,
        call__run__state__in=NOBODYS,
    )
    found: dict[int, list[int]] = {}
    for run_id, attempt_id in lost.order_by("pk").values_list("call__run", "pk")[:1000]:
        found.setdefault(run_id, []).append(attempt_id)
    return found


def left_behind(
    run_id: int, *, owner: str, is_takeover: bool, timeout_seconds: float, now: datetime
) -> list[int]:
    """Attempts in flight of other owners that no answer will come for.

    After a takeover their owner is dead. After a pause it may still be waiting for its answers,
    so only attempts older than any answer can be are left behind.
    """
    patience = timedelta(seconds=0 if is_takeover else timeout_seconds + 10)
    others = Attempt.objects.filter(
        call__run=run_id,
        state=AttemptState.SENT,
        piece__isnull=True,
        sent_at__lte=now - patience,
    ).exclude(owner=owner)
    return list(others.values_list("pk", flat=True))
