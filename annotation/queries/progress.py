"""How far a rater is: own counts only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.models import Assignment, Round, RoundItem, RoundRater
from annotation.states import AssignmentState, RoundState

SHOWN = (RoundState.OPEN, RoundState.PAUSED, RoundState.CLOSED)


@dataclass(frozen=True, slots=True)
class OwnRound:
    """A round as one of its raters sees it: `done` submitted, `left` that could still come."""

    round: Round
    done: int
    left: int

    @property
    def total(self) -> int:
        return self.done + self.left

    @property
    def place(self) -> int:
        """The number of the item at hand."""
        return min(self.done + 1, self.total)

    @property
    def is_open(self) -> bool:
        return self.round.state == RoundState.OPEN

    @property
    def is_paused(self) -> bool:
        return self.round.state == RoundState.PAUSED

    @property
    def may_continue(self) -> bool:
        return self.is_open and self.left > 0


def own_rounds(*, user_id: int) -> list[OwnRound]:
    """The rounds of a person in all their projects, open ones first, in one query."""
    members = _counted(
        RoundRater.objects.filter(
            rater__user=user_id,
            removed_at__isnull=True,
            round__state__in=SHOWN,
            round__project__memberships__user=user_id,
            round__project__memberships__is_rater=True,
        ).select_related("round__project", "round__guideline_version__guideline")
    )
    order = {state: place for place, state in enumerate(SHOWN)}
    return sorted(
        (_own(member) for member in members),
        key=lambda one: (order[RoundState(one.round.state)], not one.may_continue, -one.round.pk),
    )


def own_round(*, round_: Round, rater_id: int) -> OwnRound:
    """One round of a rater, in one query."""
    member = _counted(RoundRater.objects.filter(round=round_, rater=rater_id)).first()
    if member is None:
        return OwnRound(round_, 0, 0)
    member.round = round_
    return _own(member)


def _counted(members: QuerySet[RoundRater]) -> QuerySet[RoundRater]:
    mine = Assignment.objects.filter(round=OuterRef("round"), rater=OuterRef("rater"))
    free = RoundItem.objects.filter(round=OuterRef("round"), is_full=False)
    return members.annotate(
        submitted=_count(mine.filter(state=AssignmentState.SUBMITTED)),
        leased=_count(mine.filter(state=AssignmentState.LEASED)),
        free=_count(free),
        # Of the free items those that this rater was given already.
        seen=_count(
            mine.filter(
                item__round_items__round=OuterRef("round"), item__round_items__is_full=False
            )
        ),
    )


def _count(rows: QuerySet[Assignment] | QuerySet[RoundItem]) -> Coalesce:
    counted = rows.order_by().values("round").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _own(member: RoundRater) -> OwnRound:
    counts: dict[str, int] = vars(member)
    done = counts["submitted"]
    left = max(0, counts["free"] - counts["seen"]) + counts["leased"]
    if member.quota is not None:
        left = max(0, min(left, member.quota - done))
    return OwnRound(member.round, done, left)
