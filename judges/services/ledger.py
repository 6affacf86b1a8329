"""The ledger: attempts written before a request leaves and finalised once, money booked with them.

Every function is one short transaction that locks the run's row first and the purses of its judge
and month after it, so that money is reckoned one after the other and no two of them wait for each
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet

from core import audit, bulk
from core.prepared import Change, PreparedUpdate
from core.prepared import Prepared as PreparedQuery
from judges import queries
from judges.models import Attempt, Call, Piece, Purse, Run, Verdict
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
    return exchange(plan, (), prepared, owner=owner, now=now, piece=piece)


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
    exchange(plan, settlements, (), owner=owner, now=now)


def exchange(
    plan: Plan,
    settlements: Sequence[tuple[Open, Settlement]],
    prepared: Sequence[Prepared],
    *,
    owner: str,
    now: datetime,
    piece: Piece | None = None,
) -> Taken:
    """`settle` what came and `take` what goes next: every row is locked and written once."""
    with transaction.atomic(savepoint=False):
        run = _locked(plan.run_id)
        booked = _settled(plan, run, settlements, owner=owner, now=now)
        months = {month for month, one in booked.items() if one.released or one.cost}
        if any(one.reserved.amount for one in prepared):
            months.add(budgets.month_of(now))
        opened = _opened(plan, months)
        _book(run, opened, booked)
        taken = _take(plan, run, opened, prepared, owner=owner, now=now, piece=piece)
        _keep(run, opened)
    return taken


def _opened(plan: Plan, months: Iterable[date]) -> list[Purse]:
    """What the run is paid from beside its own budget, locked; nothing where no money moves."""
    if not months:
        return []
    return purses.opened(project_id=plan.project_id, judge_id=plan.judge_id, months=months)


def _take(
    plan: Plan,
    run: Run,
    opened: Sequence[Purse],
    prepared: Sequence[Prepared],
    *,
    owner: str,
    now: datetime,
    piece: Piece | None,
) -> Taken:
    """Inside a transaction that holds the run and the purses: see `take`."""
    if not prepared:
        return Taken()
    if run.state != RunState.RUNNING or run.owner != owner:
        return Taken(is_mine=False)
    objection = hooks.objection(run.purpose, run.pk)
    if objection:
        return Taken(objection=objection)
    payers = [purse for purse in opened if purse.month in (None, budgets.month_of(now))]
    amounts = [one.reserved.amount for one in prepared]
    fit = budgets.fit([_pot(run), *map(queries.pot_of, payers)], amounts)
    holder = owner if piece is None else piece.token
    mine = _claimed(prepared[: fit.count], holder)
    chosen = [one for one in prepared[: fit.count] if one.call_id in mine]
    if piece is not None and chosen:
        piece.requests = len(chosen)
        piece.save()
    attempts = _sent(chosen, holder=holder, piece=piece, now=now)
    reserved = sum((one.reserved.amount for one in chosen), Decimal(0))
    run.reserved += reserved
    purses.reserve(payers, reserved)
    over = purses.reached(fit.short, judge_id=plan.judge_id) if fit.short else ""
    sent = [
        Sent(attempt_id=attempt, prepared=one, sent_at=now)
        for attempt, one in zip(attempts, chosen, strict=True)
    ]
    return Taken(sent=sent, over_budget=over, is_held=fit.is_held)


_UNSAID = {
    field.name: getattr(field.get_default(), "value", field.get_default())
    for field in Attempt._meta.concrete_fields  # noqa: SLF001  # its public name
    if not field.primary_key and (not field.null or field.name == "piece")
}
_SENT = tuple(_UNSAID)


def _sent(
    chosen: Sequence[Prepared], *, holder: str, piece: Piece | None, now: datetime
) -> Sequence[int]:
    """Attempts whose requests may leave; their keys."""
    rows = [
        {
            "call": one.call_id,
            "piece": None if piece is None else piece.pk,
            "number": one.number,
            "owner": holder,
            "cache_key": one.cache_key,
            "prompt_digest": one.request.rendered.digest,
            "reserved": one.reserved.amount,
            "sent_at": now,
        }
        for one in chosen
    ]
    return bulk.insert_few(
        Attempt, _SENT, [[row.get(name, _UNSAID[name]) for name in _SENT] for row in rows]
    )


def _locked(run_id: int) -> Run:
    """The run's row, locked."""
    run: Run | None = _held_run.one(run_id=run_id)
    if run is None:
        raise Run.DoesNotExist
    return run


def lock(run_id: int) -> None:
    """Hold the run's row, for whoever changes it and something of it in one transaction."""
    Run.objects.select_for_update(of=("self",)).values_list("pk").get(pk=run_id)


def _pot(run: Run) -> Pot:
    return Pot(PotKind.RUN, run.budget, run.spent, run.reserved)


def _claimed(prepared: Sequence[Prepared], owner: str) -> set[int]:
    ids = [one.call_id for one in prepared]
    claimed = _claim.run(ids=ids, owner=owner) if ids else 0
    if claimed == len(ids):
        return set(ids)
    held = Call.objects.filter(pk__in=ids, state=CallState.IN_FLIGHT, owner=owner)
    return set(held.values_list("pk", flat=True))


def _settled(
    plan: Plan,
    run: Run,
    settlements: Sequence[tuple[Open, Settlement]],
    *,
    owner: str,
    now: datetime,
) -> dict[date, Booking]:
    """Inside a transaction that holds the run: see `settle`. What is to be booked, by month."""
    booked: dict[date, Booking] = {}
    if not settlements:
        return booked
    finalised = _finalised(plan, settlements, now)
    for sent, one in finalised:
        _add(booked, sent.sent_at, one.prepared.reserved.amount, one.cost)
    verdicts = _move_calls(run.pk, [one for _, one in finalised], owner=owner, now=now)
    bulk.insert_few(Verdict, _SAID, verdicts)
    return booked


def _add(booked: dict[date, Booking], sent_at: datetime, released: Decimal, cost: Decimal) -> None:
    """A release finds the purse of the month in which its attempt was sent."""
    month = budgets.month_of(sent_at)
    booked[month] = booked.get(month, Booking()).and_(released=released, cost=cost)


def _book(run: Run, opened: Iterable[Purse], booked: Mapping[date, Booking]) -> None:
    """Of the run's row and of every purse that it is paid from: kept by `_keep`."""
    released = sum((one.released for one in booked.values()), Decimal(0))
    cost = sum((one.cost for one in booked.values()), Decimal(0))
    book(run, released=released, cost=cost)
    purses.book(opened, booked)


def _keep(run: Run, opened: Iterable[Purse]) -> None:
    places, decimals = 14, 6
    spent, reserved = (
        connection.ops.adapt_decimalfield_value(one, places, decimals)
        for one in (run.spent, run.reserved)
    )
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [spent, reserved, run.pk])
    purses.keep(opened)


_KEEP = 'UPDATE "judges_run" SET "spent" = %s, "reserved" = %s WHERE "id" = %s'


def _finalised(
    plan: Plan, settlements: Sequence[tuple[Open, Settlement]], now: datetime
) -> list[tuple[Open, Settlement]]:
    """Those whose attempt was still open and is final now.

    Whoever finalises an attempt holds the run's row, so what is open here is open until the end.
    The statement is written once: an update of the ORM for each row costs as much as the request.
    """
    ids = [sent.attempt_id for sent, _ in settlements]
    is_open = {key for (key,) in _still_sent.rows(ids=ids)}
    mine = [(sent, one) for sent, one in settlements if sent.attempt_id in is_open]
    rows = [_row(plan, sent, one, now) for sent, one in mine]
    bulk.run_for_each(_finalising(), rows)
    return mine


_FINAL = (
    "state", "outcome", "problem", "answer", "cost", "is_cache_source", "finished_at",
    "stop_reason", "request_id", "model_answered", "input_tokens", "cache_read_tokens",
    "cache_write_tokens", "output_tokens", "price_source", "price_as_of", "latency_ms",
)  # fmt: skip


_FIELDS = tuple(
    (field.name, str(field.column), field.get_default(), bulk.writer(field))
    for field in Attempt._meta.concrete_fields  # noqa: SLF001  # its public name
    if field.name in _FINAL
)


def _finalising() -> str:
    quote = connection.ops.quote_name
    changes = ", ".join(f"{quote(column)} = %s" for _, column, _, _ in _FIELDS)
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
    row: list[Any] = []
    for name, _, default, write in _FIELDS:
        value = values.get(name, default)
        row.append(value if value is None or write is None else write(value))
    return [*row, sent.attempt_id]


def _move_calls(
    run_id: int, ended: Sequence[Settlement], *, owner: str, now: datetime
) -> list[list[object]]:
    """Calls end with their outcomes, or are offered again; what those said that ended well, as
    rows of `_SAID`."""
    well = [one for one in ended if one.call_outcome is Outcome.OK]
    ids = [one.prepared.call_id for one in well]
    if ids:
        _end_well.run(run_id=run_id, owner=owner, ids=ids, now=now)
    for one in ended:
        if one.call_outcome is Outcome.OK:
            continue
        call = Call.objects.filter(
            run=run_id, state=CallState.IN_FLIGHT, owner=owner, pk=one.prepared.call_id
        )
        if one.call_outcome is None:
            call.update(
                state=CallState.WAITING, owner="", not_before=one.not_before, problem=one.problem
            )
        else:
            call.update(
                state=CallState.FINISHED,
                owner="",
                outcome=one.call_outcome,
                problem=one.problem,
                finished_at=now,
            )
    return [
        [verdict.call_id, verdict.dimension_key, verdict.label, verdict.rationale]
        for one in well
        if one.parsed is not None
        for verdict in verdict_rows(one.prepared.call_id, one.parsed, order=one.prepared.order)
    ]


_SAID = ("call", "dimension_key", "label", "rationale")


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
    run.spent, run.reserved = run.spent + cost, run.reserved - released
    taken = run.spent + run.reserved
    if run.budget is None or taken <= run.budget or cost <= released:
        return
    before, run.budget = run.budget, taken + CENT_OF_A_CENT
    Run.objects.filter(pk=run.pk).update(budget=run.budget)
    audit.record(
        actor="system",
        verb="run.overcharged",
        object_type="run",
        object_id=run.pk,
        project_id=run.project_id,
        data={"budget": str(before), "spent": str(run.spent)},
    )


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
        run = _locked(run_id)
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
        judge_id = Run.objects.values_list("version__judge", flat=True).get(pk=run_id)
        opened = (
            purses.opened(project_id=run.project_id, judge_id=judge_id, months=booked)
            if any(one.released for one in booked.values())
            else []
        )
        _book(run, opened, booked)
        _keep(run, opened)


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


@PreparedQuery
def _held_run(*, run_id: int) -> QuerySet[Run]:
    # What money and claims need: the rest would cost as much again.
    needed = ("project", "purpose", "state", "owner", "budget", "spent", "reserved")
    return Run.objects.select_for_update().filter(pk=run_id).only(*needed)


@PreparedQuery
def _still_sent(*, ids: Sequence[int]) -> QuerySet[Any, Any]:
    return Attempt.objects.filter(pk__in=ids, state=AttemptState.SENT).values_list("pk")


@PreparedUpdate
def _claim(*, ids: Sequence[int], owner: str) -> Change:
    waiting = Call.objects.filter(pk__in=ids, state=CallState.WAITING)
    return waiting, {
        "state": CallState.IN_FLIGHT,
        "owner": owner,
        "tries": F("tries") + 1,
        "not_before": None,
    }


@PreparedUpdate
def _end_well(*, run_id: int, owner: str, ids: Sequence[int], now: datetime) -> Change:
    mine = Call.objects.filter(run=run_id, state=CallState.IN_FLIGHT, owner=owner, pk__in=ids)
    return mine, {
        "state": CallState.FINISHED,
        "owner": "",
        "outcome": Outcome.OK,
        "problem": "",
        "finished_at": now,
    }
