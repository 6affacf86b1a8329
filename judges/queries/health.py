"""What `doctor` counts again: money, calls and verdicts of every run."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce

from core.registry import Finding
from judges.models import Call, Run
from judges.rules.verdicts import Outcome
from judges.states import CallState, RunState

HALF_A_MILLIONTH = Decimal("0.0000005")


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
