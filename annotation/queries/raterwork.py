"""What each rater of a round did: counts and times. No label is read here."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models import Count, Max, Q

from accounts.models import Rater
from annotation.models import Assignment, Flag, Round, RoundRater
from annotation.queries.rounds import NO_GOLD, SUBMITTED
from annotation.states import AssignmentState


@dataclass(frozen=True, slots=True)
class Work:
    """One rater's part in a round, gold items aside. `seconds` is the median active time of an
    item rated; `last_at` when a rating last came in or an item was last given out."""

    submitted: int = 0
    skipped: int = 0
    flags: int = 0
    seconds: float | None = None
    last_at: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        at = self.last_at
        return {
            "submitted": self.submitted,
            "skipped": self.skipped,
            "flags": self.flags,
            "seconds": self.seconds,
            "last_at": at.isoformat() if at else None,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Work:
        at = kept["last_at"]
        return cls(**{**kept, "last_at": datetime.fromisoformat(at) if at else None})


@dataclass(frozen=True, slots=True)
class Member:
    """A rater of a round, still in it or removed."""

    rater_id: int
    name: str
    quota: int | None
    is_removed: bool
    is_simulated: bool


def members_of(round_: Round, *, workers: Collection[int]) -> list[Member]:
    """Everybody who rates or rated in a round, by name; `workers` have work in it, such as those
    of imported labels, who were never let in."""
    rows = list(RoundRater.objects.filter(round=round_).select_related("rater"))
    let_in = {row.rater_id for row in rows}
    others = Rater.objects.filter(project=round_.project_id, pk__in=set(workers) - let_in)
    found = [_member(row.rater, row) for row in rows] + [_member(rater) for rater in others]
    return sorted(found, key=lambda member: (member.name.casefold(), member.rater_id))


def _member(rater: Rater, row: RoundRater | None = None) -> Member:
    return Member(
        rater_id=rater.pk,
        name=rater.name,
        quota=row.quota if row else None,
        is_removed=row is not None and row.removed_at is not None,
        is_simulated=rater.is_simulated,
    )


def work_of(round_: Round) -> dict[int, Work]:
    """The work of every rater by id, in three queries; grows with the round."""
    mine = Assignment.objects.filter(NO_GOLD, round=round_, rater__isnull=False)
    counted = mine.values("rater").annotate(
        submitted=Count("pk", filter=SUBMITTED),
        skipped=Count("pk", filter=Q(state=AssignmentState.SKIPPED)),
        submitted_at=Max("submitted_at"),
        leased_at=Max("leased_at"),
    )
    flags: dict[int, int] = dict(
        Flag.objects.filter(round=round_).values_list("rater").annotate(Count("pk"))
    )
    seconds = _seconds(round_)
    return {
        row["rater"]: Work(
            submitted=row["submitted"],
            skipped=row["skipped"],
            flags=flags.get(row["rater"], 0),
            seconds=median(seconds[row["rater"]]) if seconds.get(row["rater"]) else None,
            last_at=max(filter(None, (row["submitted_at"], row["leased_at"])), default=None),
        )
        for row in counted
    }


def _seconds(round_: Round) -> dict[int, array[float]]:
    """Active seconds of each item rated, by rater, where any were measured."""
    found: dict[int, array[float]] = defaultdict(lambda: array("d"))
    measured = Assignment.objects.filter(SUBMITTED, NO_GOLD, round=round_, active_seconds__gt=0)
    for rater_id, seconds in measured.values_list("rater_id", "active_seconds").iterator():
        if rater_id is not None:
            found[rater_id].append(seconds)
    return found
