"""Budgets beside the run's own: reserved and booked with it, set by people.

A purse is locked after the run's row, the judge's first and months in their order, so that no two
transactions wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Project
from core import audit
from core.errors import Invalid, OverBudget
from judges import queries
from judges.models import Judge, Purse
from judges.rules import budgets
from judges.rules.budgets import SPARE, Pot, PotKind

NOTHING = Decimal(0)


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
    rows = Purse.objects.select_for_update().filter(judge=judge_id)
    return rows.first() or _made(rows, Purse(project_id=project_id, judge_id=judge_id))


def _months(project_id: int, month: date) -> Purse:
    rows = Purse.objects.select_for_update().filter(project=project_id, month=month)
    found = rows.first()
    if found is not None:
        return found
    limit = queries.carried_limit(project_id, month)
    return _made(rows, Purse(project_id=project_id, month=month, limit=limit, set_to=limit))


def _made(rows: QuerySet[Purse], purse: Purse) -> Purse:
    """Somebody else may make it at the same time: then theirs is taken."""
    Purse.objects.bulk_create([purse], ignore_conflicts=True)
    return rows.get()


def reserve(purses: Iterable[Purse], amount: Decimal) -> None:
    """More is reserved in purses that are locked."""
    for purse in purses:
        Purse.objects.filter(pk=purse.pk).update(reserved=purse.reserved + amount)


def book(*, project_id: int, judge_id: int, booked: Mapping[date, Booking]) -> None:
    """True costs take the places of reservations, by the month in which the calls were sent."""
    total = Booking(
        sum((one.released for one in booked.values()), NOTHING),
        sum((one.cost for one in booked.values()), NOTHING),
    )
    if not total.released and not total.cost:
        return
    for purse in opened(project_id=project_id, judge_id=judge_id, months=booked):
        _book(purse, booked[purse.month] if purse.month else total)


def _book(purse: Purse, one: Booking) -> None:
    """Like a run's: a bill above what was reserved is booked as it came, and lifts the limit."""
    spent, reserved = purse.spent + one.cost, purse.reserved - one.released
    changes: dict[str, object] = {"spent": spent, "reserved": reserved}
    is_over = purse.limit is not None and spent + reserved > purse.limit
    if is_over and one.cost > one.released:
        changes["limit"] = spent + reserved + SPARE
        _record(purse, "overcharged", "system", {"budget": str(purse.limit), "spent": str(spent)})
    Purse.objects.filter(pk=purse.pk).update(**changes)


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
