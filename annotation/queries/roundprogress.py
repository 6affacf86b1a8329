"""How far one round is: counts, pace and raters. No label and no verdict is read here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, Sum

from annotation.models import Assignment, Round, RoundRater
from annotation.queries.rounds import LIVE, NO_GOLD, SUBMITTED, is_large
from annotation.rules import pace as pace_rules
from annotation.rules.pace import Pace
from annotation.states import AssignmentState
from core.counting import Counted, counted_soon

LISTED_RATERS = 30
LATEST_RATINGS = 50_000


@dataclass(frozen=True, slots=True)
class RaterRow:
    """What one rater did in a round; `minutes` of active time."""

    rater_id: int
    name: str
    submitted: int
    skipped: int
    is_rating: bool
    minutes: float
    last_at: datetime | None
    quota: int | None
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """A round's state in counts. `items_done` have every rating, `items_begun` some of them;
    `slots` is the ratings wanted, `leased` how many are being made now. `raters` are the first
    of `rater_count`, by name."""

    items: int
    items_done: int
    items_begun: int
    slots: int
    submitted: int
    leased: int
    skipped: int
    flags: int
    pace: Pace
    raters: Sequence[RaterRow]
    rater_count: int

    @property
    def left(self) -> int:
        return self.slots - self.submitted

    @property
    def items_untouched(self) -> int:
        return self.items - self.items_done - self.items_begun

    @property
    def digest(self) -> str:
        """Names what a page shows of it; how the end moves while nobody rates is left out."""
        shown = (self.items, self.items_done, self.items_begun, self.slots, self.submitted)
        others = (self.leased, self.skipped, self.flags, self.rater_count)
        parts = [*shown, *others, self.pace.an_hour.value, *self.raters]
        return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:24]


def progress(round_: Round, *, now: datetime) -> Counted[Progress] | None:
    """Everything that the round's page counts; in a large round, as it was a while ago, and
    None while it is counted for the first time."""
    if not is_large(round_):
        return Counted(_progress(round_, now=now), now)
    return counted_soon(f"round-progress/2/{round_.pk}", lambda: _progress(round_, now=now))


def _progress(round_: Round, *, now: datetime) -> Progress:
    mine = Assignment.objects.filter(NO_GOLD, round=round_)
    totals = mine.aggregate(
        slots=Count("pk", filter=LIVE),
        submitted=Count("pk", filter=SUBMITTED),
        leased=Count("pk", filter=Q(state=AssignmentState.LEASED, lease_until__gt=now)),
        skipped=Count("pk", filter=Q(state=AssignmentState.SKIPPED)),
    )
    rated = (
        mine.filter(SUBMITTED)
        .values("item")
        .annotate(in_so_far=Count("pk"))
        .aggregate(items=Count("item"), done=Count("item", filter=Q(in_so_far__gte=round_.overlap)))
    )
    raters, rater_count = _rater_rows(round_, now=now)
    return Progress(
        items=round_.round_items.filter(withdrawal__isnull=True).count(),
        items_done=rated["done"],
        items_begun=rated["items"] - rated["done"],
        **totals,
        flags=round_.flags.filter(settled_at__isnull=True).count(),
        pace=_pace(round_, totals, now=now),
        raters=raters,
        rater_count=rater_count,
    )


def _pace(round_: Round, totals: Mapping[str, int], *, now: datetime) -> Pace:
    if not totals["submitted"]:
        return pace_rules.pace_of((), left=totals["slots"], now=now, has_begun=False)
    return pace_rules.pace_of(
        _moments(round_, now=now), left=totals["slots"] - totals["submitted"], now=now
    )


def _moments(round_: Round, *, now: datetime) -> Iterator[datetime]:
    """When ratings came in lately, the newest first. By rater, since that index has the time."""
    members = RoundRater.objects.filter(round=round_).values("rater")
    recent = Assignment.objects.filter(
        rater__in=members,
        state=AssignmentState.SUBMITTED,
        submitted_at__gt=now - pace_rules.LOOKED_AT,
        round=round_,
        gold__isnull=True,
    )
    newest = recent.order_by("-submitted_at").values_list("submitted_at", flat=True)
    for moment in newest[:LATEST_RATINGS]:
        if moment is not None:
            yield moment


def _rater_rows(round_: Round, *, now: datetime) -> tuple[list[RaterRow], int]:
    """The first raters of the round by name, and how many there are."""
    members = RoundRater.objects.filter(round=round_, removed_at__isnull=True)
    listed = list(members.select_related("rater").order_by("rater__name")[: LISTED_RATERS + 1])
    count = len(listed) if len(listed) <= LISTED_RATERS else members.count()
    listed = listed[:LISTED_RATERS]
    work = {
        row["rater"]: row
        for row in Assignment.objects.filter(
            round=round_, rater__in=[member.rater_id for member in listed]
        )
        .values("rater")
        .annotate(
            submitted=Count("pk", filter=SUBMITTED),
            skipped=Count("pk", filter=Q(state=AssignmentState.SKIPPED)),
            leased=Count("pk", filter=Q(state=AssignmentState.LEASED, lease_until__gt=now)),
            seconds=Sum("active_seconds"),
            last=Max("submitted_at"),
        )
    }
    return [_rater_row(member, work.get(member.rater_id, {})) for member in listed], count


def _rater_row(member: RoundRater, work: Mapping[str, Any]) -> RaterRow:
    return RaterRow(
        rater_id=member.rater_id,
        name=member.rater.name,
        submitted=work.get("submitted", 0),
        skipped=work.get("skipped", 0),
        is_rating=work.get("leased", 0) > 0,
        minutes=(work.get("seconds") or 0.0) / 60,
        last_at=work.get("last"),
        quota=member.quota,
        is_simulated=member.rater.is_simulated,
    )
