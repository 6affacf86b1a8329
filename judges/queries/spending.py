"""The ledger summed: what was spent by day, judge and model, and how attempts ended.

Everything is added up by the database. Nothing is told by item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, DateField, Q, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncMonth

from accounts.models import Project
from judges.models import Attempt, JudgeVersion
from judges.rules import budgets
from judges.rules.verdicts import Outcome
from judges.states import AttemptState

MOST_DAYS_SHOWN = 92
MOST_LINES = 50
OTHERS = "all others"


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, both included. Long ones are told by month."""

    since: date
    until: date

    @property
    def is_by_month(self) -> bool:
        return (self.until - self.since).days >= MOST_DAYS_SHOWN

    @property
    def begins(self) -> datetime:
        return datetime.combine(self.since, time(), UTC)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.until + timedelta(days=1), time(), UTC)

    def parts(self) -> Iterator[date]:
        """Its days, or the first days of its months."""
        day = self.since.replace(day=1) if self.is_by_month else self.since
        while day <= self.until:
            yield day
            day = budgets.next_month(day) if self.is_by_month else day + timedelta(days=1)


@dataclass(slots=True)
class Sums:
    """What attempts add up to; money in US dollars. `held` is reserved by those in flight."""

    spent: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    attempts: int = 0
    unknown: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0

    def add(self, other: Sums) -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass(slots=True)
class SpendingLine:
    """One judge or one model. `is_simulated`: its amounts are made up."""

    name: str
    provider: str = ""
    is_simulated: bool = False
    sums: Sums = field(default_factory=Sums)


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """How often attempts ended so, and what they cost; `held` for those in flight."""

    outcome: str
    attempts: int
    spent: Decimal
    held: Decimal


@dataclass(frozen=True, slots=True)
class Spending:
    """The ledger of a period: totals, by day or month, by judge, by model, by outcome."""

    total: Sums
    by_time: list[tuple[date, Sums]]
    by_judge: list[SpendingLine]
    by_model: list[SpendingLine]
    outcomes: list[OutcomeLine]

    @property
    def is_simulated(self) -> bool:
        """Whether any of it is made up."""
        return any(line.is_simulated for line in self.by_model)


@dataclass(frozen=True, slots=True)
class VersionName:
    """Of a version what the ledger is parted by."""

    pk: int
    judge_id: int
    judge: str
    provider: str
    model: str
    is_simulated: bool


def version_names(project: Project) -> list[VersionName]:
    """The project's versions with judge and model, also those that were only tried in the
    playground; prompts are not read."""
    rows = (
        JudgeVersion.with_drafts.filter(judge__project=project)
        .order_by("pk")
        .values_list(
            "pk", "judge_id", "judge__name", "spec__provider", "spec__model", "is_simulated"
        )
    )
    return [
        VersionName(pk, judge_id, judge, provider or "", model or "", is_simulated)
        for pk, judge_id, judge, provider, model, is_simulated in rows
    ]


def models_of(project: Project) -> list[str]:
    """The models that the project's versions ask, by name."""
    return sorted({one.model for one in version_names(project) if one.model})


def spending(
    project: Project, period: Period, *, judge_id: int | None = None, model: str = ""
) -> Spending:
    """What attempts that were sent in a period cost; of one judge or model, when named."""
    names = [
        one
        for one in version_names(project)
        if (judge_id is None or one.judge_id == judge_id) and (not model or one.model == model)
    ]
    attempts = Attempt.objects.filter(
        call__run__project=project, sent_at__gte=period.begins, sent_at__lt=period.ends
    )
    if judge_id is not None or model:
        attempts = attempts.filter(call__run__version__in=[one.pk for one in names])
    by_version = {
        row.pop("call__run__version"): _sums(row)
        for row in _summed(attempts.values("call__run__version"))
    }
    total = Sums()
    for sums in by_version.values():
        total.add(sums)
    known = [(one, by_version[one.pk]) for one in names if one.pk in by_version]
    return Spending(
        total=total,
        by_time=_by_time(attempts, period),
        by_judge=_lines((one.judge_id, _judge_line(one), sums) for one, sums in known),
        by_model=_lines(((one.provider, one.model), _model_line(one), sums) for one, sums in known),
        outcomes=_outcomes(attempts),
    )


def _summed(rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    summed: QuerySet[Any, Any] = rows.annotate(
        spent=Sum("cost"),
        held=Sum("reserved", filter=Q(state=AttemptState.SENT)),
        attempts=Count("pk"),
        unknown=Count("pk", filter=Q(outcome=Outcome.UNKNOWN)),
        sum_input=Sum("input_tokens"),
        sum_read=Sum("cache_read_tokens"),
        sum_written=Sum("cache_write_tokens"),
        sum_output=Sum("output_tokens"),
    )
    return summed.order_by()


def _sums(row: dict[str, Any]) -> Sums:
    return Sums(
        spent=row["spent"] or Decimal(0),
        held=row["held"] or Decimal(0),
        attempts=row["attempts"],
        unknown=row["unknown"],
        input_tokens=row["sum_input"] or 0,
        cache_read_tokens=row["sum_read"] or 0,
        cache_write_tokens=row["sum_written"] or 0,
        output_tokens=row["sum_output"] or 0,
    )


def _by_time(attempts: QuerySet[Attempt], period: Period) -> list[tuple[date, Sums]]:
    """Each day (UTC) or month of the period, those without an attempt too."""
    part: TruncMonth | TruncDate = (
        TruncMonth("sent_at", output_field=DateField(), tzinfo=UTC)
        if period.is_by_month
        else TruncDate("sent_at", tzinfo=UTC)
    )
    found = {
        row["part"]: _sums(row) for row in _summed(attempts.annotate(part=part).values("part"))
    }
    return [(day, found.get(day, Sums())) for day in period.parts()]


def _judge_line(one: VersionName) -> SpendingLine:
    return SpendingLine(one.judge, is_simulated=one.is_simulated)


def _model_line(one: VersionName) -> SpendingLine:
    return SpendingLine(one.model, one.provider, is_simulated=one.is_simulated)


def _lines(rows: Iterable[tuple[object, SpendingLine, Sums]]) -> list[SpendingLine]:
    """Added up by their key, the dearest first; what is beyond fifty in one line."""
    found: dict[object, SpendingLine] = {}
    for key, line, sums in rows:
        kept = found.setdefault(key, line)
        kept.is_simulated = kept.is_simulated or line.is_simulated
        kept.sums.add(sums)
    ordered = sorted(found.values(), key=lambda line: (-line.sums.spent, line.name))
    rest = ordered[MOST_LINES:]
    if not rest:
        return ordered
    others = SpendingLine(OTHERS, is_simulated=any(line.is_simulated for line in rest))
    for line in rest:
        others.sums.add(line.sums)
    return [*ordered[:MOST_LINES], others]


def _outcomes(attempts: QuerySet[Attempt]) -> list[OutcomeLine]:
    """By outcome, the most frequent first; what is in flight has none yet."""
    rows = attempts.values("outcome").annotate(
        attempts=Count("pk"),
        spent=Sum("cost"),
        held=Sum("reserved", filter=Q(state=AttemptState.SENT)),
    )
    return [
        OutcomeLine(
            row["outcome"] or "in flight",
            row["attempts"],
            row["spent"] or Decimal(0),
            row["held"] or Decimal(0),
        )
        for row in rows.order_by("-attempts", "outcome")
    ]
