"""What people did, counted for themselves and for whoever pays them. No label is read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Self

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDay, TruncMonth, TruncWeek
from django.utils import timezone

from annotation.models import Assignment, Flag, Rating
from annotation.states import AssignmentState, RoundKind

ROUNDS_SHOWN = 50
RECENT = timedelta(days=7)


class Each(StrEnum):
    """What one line of a report covers."""

    PERIOD = "period"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"


SHOWN = {Each.DAY: 31, Each.WEEK: 26, Each.MONTH: 24}
"""How many of them a rater's page goes back."""

_TRUNC = {Each.MONTH: TruncMonth, Each.WEEK: TruncWeek, Each.DAY: TruncDay}
ACCEPTED = Q(state=AssignmentState.SUBMITTED)
SKIPPED = Q(state=AssignmentState.SKIPPED)


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both included, by the house's clock."""

    first: date
    last: date

    @property
    def begins(self) -> datetime:
        return _midnight(self.first)

    @property
    def ends(self) -> datetime:
        return _midnight(self.last + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Done:
    """Work in counts and seconds.

    `accepted`: answers that stand. `taken_out`: answers that a lead withdrew. `skipped` and
    `flagged` items exclude each other. `seconds` at work are of all four, `accepted_seconds` of
    the answers that stand.
    """

    accepted: int = 0
    taken_out: int = 0
    skipped: int = 0
    flagged: int = 0
    accepted_seconds: float = 0.0
    seconds: float = 0.0

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        return cls(
            accepted=row["accepted"],
            taken_out=row["taken_out"],
            skipped=row["skipped"],
            flagged=row["flagged"],
            accepted_seconds=row["accepted_seconds"] or 0.0,
            seconds=row["all_seconds"] or 0.0,
        )

    @property
    def is_nothing(self) -> bool:
        return not (self.accepted or self.taken_out or self.skipped or self.flagged)

    @property
    def hours(self) -> float:
        return self.seconds / 3600

    @property
    def accepted_hours(self) -> float:
        return self.accepted_seconds / 3600

    @property
    def spent(self) -> str:
        """All the time as one says it: minutes below an hour."""
        minutes = self.seconds / 60
        return f"{minutes:.0f} min" if minutes < 60 else f"{self.hours:,.1f} h"

    @property
    def pace(self) -> float | None:
        """Accepted items in an active hour; None without any time."""
        return self.accepted / self.accepted_hours if self.accepted_seconds else None


@dataclass(frozen=True, slots=True)
class Line:
    """One line: of whom, of which round, or from which day on; whichever the list is by."""

    done: Done
    name: str = ""
    round_id: int | None = None
    since: date | None = None
    is_simulated: bool = False


def by_rater(
    *,
    project_id: int,
    period: Period,
    each: Each,
    round_id: int | None = None,
    text: str = "",
) -> list[Line]:
    """The work of each rater with the text in their name, in a period, whole or piece by piece, in
    one query."""
    rows = _work(Assignment.objects.filter(round__project=project_id, rater__isnull=False)).filter(
        at__gte=period.begins, at__lt=period.ends
    )
    if round_id is not None:
        rows = rows.filter(round=round_id)
    if text:
        rows = rows.filter(rater__name__icontains=text)
    keys = ["rater__name", "rater_id", "rater__is_simulated"]
    if each is not Each.PERIOD:
        rows = rows.annotate(since=_TRUNC[each]("at"))
        keys = ["since", *keys]
    return [
        Line(
            Done.of(row),
            name=row["rater__name"],
            since=row["since"].date() if "since" in row else None,
            is_simulated=row["rater__is_simulated"],
        )
        for row in _counted(rows.order_by(*keys), keys)
    ]


def own_total(*, rater_id: int) -> Done:
    """All that a rater did in the project."""
    rows = _work(Assignment.objects.filter(rater=rater_id))
    found = rows.aggregate(**_FIGURES)
    return Done.of(found)


def own_by_round(*, rater_id: int) -> list[Line]:
    """A rater's work in each round, the newest first."""
    rows = _work(Assignment.objects.filter(rater=rater_id)).order_by("-round_id")
    return [
        Line(Done.of(row), name=row["round__name"], round_id=row["round_id"])
        for row in _counted(rows, ["round__name", "round_id"])[:ROUNDS_SHOWN]
    ]


def own_over_time(*, rater_id: int, each: Each) -> list[Line]:
    """A rater's work by day, week or month, the newest first; days without any are left out."""
    rows = _work(Assignment.objects.filter(rater=rater_id)).filter(at__isnull=False)
    rows = rows.annotate(since=_TRUNC[each]("at")).order_by("-since")
    return [
        Line(Done.of(row), since=row["since"].date())
        for row in _counted(rows, ["since"])[: SHOWN[each]]
    ]


def recent_by_project(*, user_id: int, now: datetime) -> dict[int, Done]:
    """What a person did in the last days, by project, in one query."""
    rows = _work(Assignment.objects.filter(rater__user=user_id)).filter(at__gte=now - RECENT)
    rows = rows.order_by("round__project_id")
    return {row["round__project_id"]: Done.of(row) for row in _counted(rows, ["round__project_id"])}


_FIGURES = {
    "accepted": Count("pk", filter=ACCEPTED),
    "taken_out": Count("pk", filter=Q(state=AssignmentState.WITHDRAWN)),
    "skipped": Count("pk", filter=SKIPPED & Q(is_flagged=False)),
    "flagged": Count("pk", filter=SKIPPED & Q(is_flagged=True)),
    "accepted_seconds": Sum("active_seconds", filter=ACCEPTED),
    "all_seconds": Sum("active_seconds"),
}


def _work(rows: QuerySet[Assignment]) -> QuerySet[Any]:
    """Rows that are somebody's finished work here, with `at`: when it was submitted; of others
    when the item was handed out. What was rated elsewhere and imported is no work here."""
    flags = Flag.objects.filter(
        round=OuterRef("round"), item=OuterRef("item"), rater=OuterRef("rater")
    )
    was_rated = Exists(Rating.objects.filter(assignment=OuterRef("pk")))
    return (
        rows.filter(
            ACCEPTED | SKIPPED | (Q(state=AssignmentState.WITHDRAWN) & Q(was_rated)),
        )
        .exclude(round__kind=RoundKind.IMPORTED)
        # Repeats in an imported table go to a re-rating round: nobody was handed out those items.
        .exclude(round__kind=RoundKind.RERATING, leased_at__isnull=True)
        .annotate(at=Coalesce("submitted_at", "leased_at"), is_flagged=Exists(flags))
    )


def _counted(rows: QuerySet[Any], keys: Sequence[str]) -> QuerySet[Any, Any]:
    found: QuerySet[Any, Any] = rows.values(*keys).annotate(**_FIGURES)
    return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
