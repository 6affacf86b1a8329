"""How far a rater is: own counts only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import (
    Case,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)

from annotation.models import Admission, Assignment, Round, RoundItem, RoundRater
from annotation.queries import goldring
from annotation.states import AssignmentState, RoundKind, RoundState

COUNTED = 500
"""Up to so many free items are counted."""
ROUNDS_SHOWN = 100
SHOWN = (RoundState.OPEN, RoundState.PAUSED, RoundState.CLOSED)


@dataclass(frozen=True, slots=True)
class OwnRound:
    """A round as one of its raters sees it: `done` answered, `left` that could still come.

    `is_long`: more could come than are counted here; `left` and `total` are not the whole then.
    `first`: the qualification to pass before anything is given here. `is_passed`: this is a
    qualification, and the rater may rate by it.
    """

    round: Round
    done: int
    left: int
    is_long: bool = False
    first: Round | None = None
    is_passed: bool = False

    @property
    def total(self) -> int:
        return self.done + self.left

    @property
    def place(self) -> int:
        """The number of the item at hand."""
        return self.done + 1 if self.is_long else min(self.done + 1, self.total)

    @property
    def is_open(self) -> bool:
        return self.round.state == RoundState.OPEN

    @property
    def is_paused(self) -> bool:
        return self.round.state == RoundState.PAUSED

    @property
    def may_continue(self) -> bool:
        may_begin = self.first is None and not self.is_passed
        return self.is_open and may_begin and (self.is_long or self.left > 0)

    @property
    def is_qualification(self) -> bool:
        return self.round.kind == RoundKind.QUALIFICATION

    @property
    def fell_short(self) -> bool:
        """A qualification that has nothing left and was not passed."""
        is_through = self.done > 0 and self.left == 0
        return self.is_qualification and is_through and not self.is_passed


def own_rounds(*, user_id: int) -> list[OwnRound]:
    """The newest rounds of a person in all their projects, open ones first, in one query."""
    members = _counted(
        RoundRater.objects.filter(
            rater__user=user_id,
            removed_at__isnull=True,
            round__state__in=SHOWN,
            round__project__memberships__user=user_id,
            round__project__memberships__is_rater=True,
        ).select_related(
            "round__project", "round__guideline_version__guideline", "round__qualification"
        )
    ).order_by(Case(When(round__state=RoundState.CLOSED, then=1), default=0), "-round")[
        :ROUNDS_SHOWN
    ]
    order = {state: place for place, state in enumerate(SHOWN)}
    return sorted(
        (_own(member) for member in members),
        key=lambda one: (
            order[RoundState(one.round.state)],
            not one.may_continue,
            not one.is_qualification,
            -one.round.pk,
        ),
    )


def own_round(*, round_: Round, rater_id: int) -> OwnRound:
    """One round of a rater, in one query."""
    member = _counted(RoundRater.objects.filter(round=round_, rater=rater_id)).first()
    if member is None:
        return OwnRound(round_, 0, 0)
    member.round = round_
    return _own(member)


class _HowMany(Subquery):
    """How many rows of a subquery, which may be limited, have a value."""

    template = "(SELECT COUNT(counts) FROM (%(subquery)s) looked_at)"
    output_field = IntegerField()


def _counted(members: QuerySet[RoundRater]) -> QuerySet[RoundRater]:
    mine = Assignment.objects.filter(round=OuterRef("round"), rater=OuterRef("rater"))
    had = Assignment.objects.filter(
        round=OuterRef("round"), item=OuterRef("item"), rater=OuterRef(OuterRef("rater"))
    )
    # What is free is looked at up to a limit: a page must not take longer in a larger round.
    free = RoundItem.objects.filter(round=OuterRef("round"), is_full=False).order_by(
        "-taken", "shuffle"
    )
    # One with a slot left besides is among the free ones.
    kept = Assignment.objects.filter(
        Exists(
            RoundItem.objects.filter(round=OuterRef("round"), item=OuterRef("item"), is_full=True)
        ),
        round=OuterRef("round"),
        kept_for=OuterRef("rater"),
    )
    return members.annotate(
        kept=_HowMany(kept.values(counts=F("pk"))),
        leased=_HowMany(mine.filter(state=AssignmentState.LEASED).values(counts=F("pk"))),
        free=_HowMany(free.values(counts=F("pk"))[: COUNTED + 1]),
        fresh=_HowMany(free.values(counts=Case(When(~Exists(had), then=F("pk"))))[:COUNTED]),
        # Looked at in qualifications alone.
        fresh_gold=Case(
            When(round__kind=RoundKind.QUALIFICATION, then=_HowMany(goldring.fresh_for_member())),
            default=0,
        ),
        is_admitted=Exists(
            Admission.objects.filter(
                Q(qualification=OuterRef("round__qualification"))
                | Q(qualification=OuterRef("round")),
                rater=OuterRef("rater"),
            )
        ),
    )


def _own(member: RoundRater) -> OwnRound:
    counts: dict[str, int] = vars(member)
    done = member.answered
    left = counts["fresh"] + counts["fresh_gold"] + counts["leased"] + counts["kept"]
    is_passed = member.round.kind == RoundKind.QUALIFICATION and bool(counts["is_admitted"])
    left = 0 if is_passed else left
    first = None if counts["is_admitted"] else member.round.qualification
    is_long = counts["free"] > COUNTED
    if member.quota is not None and member.quota - done <= left:
        left, is_long = max(0, member.quota - done), False
    return OwnRound(member.round, done, left, is_long, first, is_passed)
