"""Who rates in a round and how well: counts of the work beside figures of the labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotation.models import Assignment, Round
from annotation.queries import gold, raterwork
from annotation.queries.raterwork import Member, Work
from annotation.states import AssignmentState
from calibration.queries.roundfigures import Figures
from core import filters
from measurement.estimate import Estimate

BELOW, NOW, REMOVED = "below", "now", "removed"


@dataclass(frozen=True, slots=True)
class RaterLine:
    """One rater. `quality` holds measurement's figures of one dimension in their JSON form, or
    nothing where no label of theirs may be told; `gold` is the share of gold labels met, where the
    round hands gold items out."""

    member: Member
    work: Work
    quality: Mapping[str, Any] | None
    is_rating: bool
    gold: Estimate | None = None

    @property
    def met(self) -> float | None:
        return self.gold.value if self.gold else None

    @property
    def agreement(self) -> float | None:
        return self.quality["agreement"]["value"] if self.quality else None

    @property
    def commonest(self) -> float | None:
        return self.quality["commonest_share"]["value"] if self.quality else None

    @property
    def lean(self) -> float | None:
        """Points above the others; None without a label of theirs, or on labels without order."""
        return self.quality["bias"]["value"] if self.quality else None

    @property
    def is_below(self) -> bool:
        return bool(self.quality and self.quality["is_below_others"])


KEYS: Mapping[str, Callable[[RaterLine], Any]] = {
    "name": lambda line: line.member.name.casefold(),
    "rated": lambda line: line.work.submitted,
    "seconds": lambda line: line.work.seconds,
    "agreement": lambda line: line.agreement,
    "commonest": lambda line: line.commonest,
    "lean": lambda line: line.lean,
    "gold": lambda line: line.met,
    "skipped": lambda line: line.work.skipped,
    "flags": lambda line: line.work.flags,
    "last": lambda line: line.work.last_at,
}
DEFAULT_SORT = "name"


def lines(
    round_: Round, found: Figures, *, dimension: str, may_see_quality: bool, now: datetime
) -> list[RaterLine]:
    """Everybody of the round, by name."""
    one = found.dimension(dimension)
    quality = one.quality if one is not None and may_see_quality else {}
    rating = _rating_now(round_, now)
    members = raterwork.members_of(round_, workers=found.work.keys())
    met = _gold_met(round_, members) if may_see_quality else {}
    return [
        RaterLine(
            member,
            found.work.get(member.rater_id, Work()),
            quality.get(member.rater_id),
            member.rater_id in rating,
            met.get(member.rater_id),
        )
        for member in members
    ]


def narrowed(rows: Sequence[RaterLine], *, text: str, which: str, sort: str) -> list[RaterLine]:
    """Those whose name has the text and that are as asked, in the order asked for."""
    keep: Mapping[str, Callable[[RaterLine], bool]] = {
        BELOW: lambda line: line.is_below,
        NOW: lambda line: line.is_rating,
        REMOVED: lambda line: line.member.is_removed,
    }
    found = [row for row in rows if text.casefold() in row.member.name.casefold()]
    if which in keep:
        found = [row for row in found if keep[which](row)]
    return filters.in_order(found, KEYS, sort)


def _gold_met(round_: Round, members: Sequence[Member]) -> dict[int, Estimate]:
    if round_.gold_every is None:
        return {}
    return gold.accuracy(round_=round_, rater_ids=[member.rater_id for member in members])


def _rating_now(round_: Round, now: datetime) -> set[int | None]:
    leased = Assignment.objects.filter(
        round=round_, state=AssignmentState.LEASED, lease_until__gt=now
    )
    return set(leased.values_list("rater_id", flat=True))
