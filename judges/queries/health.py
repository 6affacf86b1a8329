"""What `doctor` counts again: money, calls and verdicts of every run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date
from decimal import Decimal

from django.db import transaction
from django.db.models import Count, DateField, F, Q, Sum
from django.db.models.functions import Coalesce, TruncMonth

from core.registry import Finding
from judges.models import Attempt, Call, Purse, Run
from judges.rules.verdicts import Outcome
from judges.states import AttemptState, CallState, RunState

HALF_A_MILLIONTH = Decimal("0.0000005")
NOTHING = Decimal(0)
EMPTY = (NOTHING, NOTHING)
MONTH = TruncMonth("sent_at", output_field=DateField(), tzinfo=UTC)


def spending_is_the_ledgers() -> Finding:
    """A run has spent what its attempts cost."""
    summed = Run.objects.annotate(booked=Coalesce(Sum("calls__attempts__cost"), Decimal(0))).filter(
        calls_planned__gt=0
    )
    differing = summed.filter(spent__gt=F("booked") + HALF_A_MILLIONTH) | summed.filter(
        spent__lt=F("booked") - HALF_A_MILLIONTH
    )
    count = differing.count()
    return Finding(
        name="What runs spent is the sum of their attempts",
        is_ok=not count,
        sentence=f"{count} runs differ from their ledger." if count else "Every run adds up.",
    )


def purses_are_the_ledgers() -> Finding:
    """What judges and months have spent and reserved is the sum of their attempts."""
    count = sum(1 for _ in _wrong_purses())
    return Finding(
        name="Budgets of judges and months add up to their attempts",
        is_ok=not count,
        sentence=f"{count} budgets differ from the ledger." if count else "Every one adds up.",
    )


def _wrong_purses() -> Iterator[tuple[int, int | date]]:
    """Which differ, asked again with the purse locked: calls may have been booked in between."""
    ledger = _ledger_by_purse()
    kept = {_key(purse): (purse.spent, purse.reserved) for purse in Purse.objects.all()}
    for key in ledger.keys() | kept.keys():
        if _differ(ledger.get(key, EMPTY), kept.get(key, EMPTY)) and _still_differs(key):
            yield key


def _still_differs(key: tuple[int, int | date]) -> bool:
    project_id, part = key
    by_month = isinstance(part, date)
    one = {"month": part} if by_month else {"judge": part}
    with transaction.atomic():
        purse = Purse.objects.select_for_update().filter(project=project_id, **one).first()
        kept = (purse.spent, purse.reserved) if purse else EMPTY
        return _differ(_ledger_by_purse(key).get(key, EMPTY), kept)


def _ledger_by_purse(
    only: tuple[int, int | date] | None = None,
) -> dict[tuple[int, int | date], tuple[Decimal, Decimal]]:
    """Spent and reserved by (project, judge) and by (project, month), from the attempts."""
    attempts = Attempt.objects.annotate(
        project=F("call__run__project"), judge=F("call__run__version__judge"), month=MONTH
    )
    found: dict[tuple[int, int | date], tuple[Decimal, Decimal]] = {}
    for name in ("judge", "month"):
        rows = attempts
        if only is not None:
            if isinstance(only[1], date) != (name == "month"):
                continue
            rows = attempts.filter(**{"project": only[0], name: only[1]})
        summed = rows.values("project", name).annotate(
            booked=Coalesce(Sum("cost"), NOTHING),
            held=Coalesce(Sum("reserved", filter=Q(state=AttemptState.SENT)), NOTHING),
        )
        for row in summed.order_by():
            found[row["project"], row[name]] = (row["booked"], row["held"])
    return found


def _key(purse: Purse) -> tuple[int, int | date]:
    return purse.project_id, purse.month or purse.judge_id or 0


def _differ(one: tuple[Decimal, Decimal], other: tuple[Decimal, Decimal]) -> bool:
    return any(abs(a - b) > HALF_A_MILLIONTH for a, b in zip(one, other, strict=True))


def ended_runs_have_no_open_calls() -> Finding:
    """A run that is done has an outcome for each of its calls."""
    count = Call.objects.filter(run__state=RunState.DONE).exclude(state=CallState.FINISHED).count()
    return Finding(
        name="Every call of a finished run has an outcome",
        is_ok=not count,
        sentence=f"{count} calls have none." if count else "Each has one.",
    )


def ok_calls_have_verdicts() -> Finding:
    """A call that ended well says something."""
    silent = Call.objects.filter(outcome=Outcome.OK).annotate(said=Count("verdicts")).filter(said=0)
    count = silent.count()
    return Finding(
        name="Every call that ended well has a verdict",
        is_ok=not count,
        sentence=f"{count} have none." if count else "Each has one.",
    )
