"""Budgets beside the run's own: reserved and booked with it, set by people.

A purse is locked after the run's row, the judge's first and months in their order, so that no two
transactions wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction

from accounts.models import Project
from core import audit, bulk
from core.errors import Invalid, OverBudget
from judges import queries
from judges.models import Judge, Purse
from judges.rules import budgets
from judges.rules.budgets import SPARE, Pot, PotKind

NOTHING = Decimal(0)
PLACES = 14
OF_JUDGE = (
    'SELECT "id", "limit", "set_to", "spent", "reserved" FROM "judges_purse" WHERE "judge_id" = %s'
)
OF_MONTH = (
    'SELECT "id", "limit", "set_to", "spent", "reserved" FROM "judges_purse" '
    'WHERE "project_id" = %s AND "month" = %s'
)
KEEP = 'UPDATE "judges_purse" SET "spent" = %s, "reserved" = %s WHERE "id" = %s'


@dataclass(frozen=True, slots=True)
class Booking:
    """A reservation that ends, and what takes its place."""

    released: Decimal = NOTHING
    cost: Decimal = NOTHING

    def and_(self, *, released: Decimal, cost: Decimal) -> Booking:
        return Booking(self.released + released, self.cost + cost)


def opened(*, project_id: int, judge_id: int, months: Iterable[date]) -> list[Purse]:
    """The purses of a judge and of months, locked; made when they are not there yet.

    Inside a transaction that holds the run's row. One after the other: whoever locked a month and
    then found that the judge's was missing would wait for others in the wrong order.
    """
    return [
        _judges(project_id, judge_id),
        *(_months(project_id, month) for month in sorted(set(months))),
    ]


def _judges(project_id: int, judge_id: int) -> Purse:
    purse = Purse(project_id=project_id, judge_id=judge_id)
    return _locked(purse) or _made(purse)


def _months(project_id: int, month: date) -> Purse:
    purse = Purse(project_id=project_id, month=month)
    found = _locked(purse)
    if found is not None:
        return found
    purse.limit = purse.set_to = queries.carried_limit(project_id, month)
    return _made(purse)


def _made(purse: Purse) -> Purse:
    """Somebody else may make it at the same time: then theirs is taken."""
    Purse.objects.bulk_create([purse], ignore_conflicts=True)
    found = _locked(purse)
    assert found is not None
    return found


def _locked(wanted: Purse) -> Purse | None:
    """The row of the same judge or month, locked.

    Written out: every group of calls asks for two of them, and to build these queries costs more
    than to ask them.
    """
    params: list[int | str | None] = [wanted.judge_id]
    sql = OF_JUDGE
    if wanted.month is not None:
        day = connection.ops.adapt_datefield_value(wanted.month)
        sql, params = OF_MONTH, [wanted.project_id, day]
    if connection.features.has_select_for_update:
        sql = f"{sql} FOR UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    if row is None:
        return None
    number, limit, set_to, spent, reserved = row
    return Purse(
        pk=number,
        project_id=wanted.project_id,
        judge_id=wanted.judge_id,
        month=wanted.month,
        limit=None if limit is None else _money(limit),
        set_to=None if set_to is None else _money(set_to),
        spent=_money(spent),
        reserved=_money(reserved),
    )


def _money(value: object) -> Decimal:
    """SQLite keeps numbers: their shortest form is the amount that was written."""
    return Decimal(str(value)).quantize(SPARE)


def reserve(purses: Iterable[Purse], amount: Decimal) -> None:
    """More is reserved of purses that are locked: kept by `keep`."""
    for purse in purses:
        purse.reserved += amount


def book(purses: Iterable[Purse], booked: Mapping[date, Booking]) -> None:
    """True costs take the places of reservations in purses that are locked, by the month in which
    the calls were sent: kept by `keep`."""
    total = Booking(
        sum((one.released for one in booked.values()), NOTHING),
        sum((one.cost for one in booked.values()), NOTHING),
    )
    for purse in purses:
        one = booked.get(purse.month) if purse.month else total
        if one is not None:
            _book(purse, one)


def keep(purses: Iterable[Purse]) -> None:
    """What was reserved and booked, into the rows."""
    adapt = connection.ops.adapt_decimalfield_value
    rows = [[adapt(one.spent, PLACES, 6), adapt(one.reserved, PLACES, 6), one.pk] for one in purses]
    bulk.run_for_each(KEEP, rows)


def _book(purse: Purse, one: Booking) -> None:
    """Like a run's: a bill above what was reserved is booked as it came, and lifts the limit."""
    purse.spent, purse.reserved = purse.spent + one.cost, purse.reserved - one.released
    taken = purse.spent + purse.reserved
    if purse.limit is None or taken <= purse.limit or one.cost <= one.released:
        return
    before, purse.limit = purse.limit, taken + SPARE
    Purse.objects.filter(pk=purse.pk).update(limit=purse.limit)
    _record(purse, "overcharged", "system", {"budget": str(before), "spent": str(purse.spent)})


def reached(pot: Pot, *, judge_id: int) -> str:
    """Why a run pauses, with the name of the judge where it is the judge's budget."""
    is_judges = pot.kind is PotKind.JUDGE
    name = Judge.objects.values_list("name", flat=True).get(pk=judge_id) if is_judges else ""
    return budgets.reached(pot, judge=name)


# Set by people ------------------------------------------------------------------------------------


@transaction.atomic
def set_judge_budget(*, judge: Judge, budget: Decimal | None, actor: str) -> None:
    """What the judge may spend in all (None: no limit). Paused runs are not resumed by it."""
    _set(_judges(judge.project_id, judge.pk), budget, actor)


@transaction.atomic
def set_month_budget(
    *, project: Project, budget: Decimal | None, actor: str, now: datetime
) -> None:
    """What the project may spend in this calendar month (UTC) and, until it is set anew, in each
    that follows. None: no limit.
    """
    _set(_months(project.pk, budgets.month_of(now)), budget, actor)


def _set(purse: Purse, budget: Decimal | None, actor: str) -> None:
    if budget is not None and budget <= 0:
        raise Invalid(
            "budget", "A budget is more than nothing.", {"budget": ["More than 0, or empty."]}
        )
    taken = purse.spent + purse.reserved
    if budget is not None and budget <= taken:
        raise OverBudget(
            "budget_below_spending",
            f"{budgets.dollars(taken)} is spent or reserved already; the budget must be higher.",
            {"budget": [f"Higher than {budgets.dollars(taken)}, which is spent or reserved."]},
        )
    Purse.objects.filter(pk=purse.pk).update(limit=budget, set_to=budget)
    _record(purse, "budget_set", actor, {"budget": "" if budget is None else str(budget)})


def _record(purse: Purse, verb: str, actor: str, data: dict[str, object]) -> None:
    kind, number = ("judge", purse.judge_id) if purse.judge_id else ("project", purse.project_id)
    if purse.month:
        data = {**data, "month": purse.month.isoformat()}
    audit.record(
        actor=actor,
        verb=f"{kind}.{verb}",
        object_type=kind,
        object_id=number or "",
        project_id=purse.project_id,
        data=data,
    )
