"""Who passed a qualification, and how everybody stands in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Rater
from accounts.queries import actor_names
from annotation.models import Admission, Assignment, Round, RoundRater
from annotation.queries import gold, goldring
from annotation.states import AssignmentState, RoundState
from measurement.estimate import Estimate

PAGE_LINES = 50
OWN_SHOWN = 50
MAY, NOT_YET = "may", "not_yet"
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Score:
    """How a rater stands in a qualification: `items` with a gold label that were answered, and
    the `share` of gold labels met."""

    items: int
    share: Estimate

    def reaches(self, round_: Round) -> bool:
        """Whether it is enough for the round's pass mark."""
        if self.share.value is None or round_.pass_share is None or round_.pass_items is None:
            return False
        return self.items >= round_.pass_items and self.share.value >= round_.pass_share - ROUNDING


@dataclass(frozen=True, slots=True)
class Line:
    """One rater of a qualification. `admission` is the row that lets them rate; `figures` the
    score that it rests on, if any; `score` what the answers come to now."""

    rater: Rater
    is_member: bool
    admission: Admission | None
    figures: Estimate | None
    score: Score | None
    has_more: bool
    by: str

    @property
    def is_by_hand(self) -> bool:
        return self.admission is not None and bool(self.admission.actor)

    @property
    def is_below(self) -> bool:
        """Every item is answered or passed by, and it was not enough."""
        return self.admission is None and not self.has_more


@dataclass(frozen=True, slots=True)
class OwnQualification:
    """A qualification in the list of one of its raters. `figures` are those that passing rests
    on; how far somebody came who did not pass is told on the qualification's own page."""

    round: Round
    is_member: bool
    is_admitted: bool
    is_by_hand: bool
    figures: Estimate | None


@dataclass(frozen=True, slots=True)
class OwnState:
    """A rater's own state in a qualification. `score` is told once it is over: before, it would
    say of each answer whether it was the gold one."""

    round: Round
    is_admitted: bool
    is_by_hand: bool
    is_member: bool
    score: Score | None

    @property
    def is_open(self) -> bool:
        return self.round.state == RoundState.OPEN

    @property
    def may_begin(self) -> bool:
        """Whether the rater gets items there."""
        return self.is_open and self.is_member and not self.is_admitted and not self.fell_short

    @property
    def fell_short(self) -> bool:
        return not self.is_admitted and self.score is not None


def is_admitted(*, qualification_id: int, rater_id: int) -> bool:
    return Admission.objects.filter(qualification=qualification_id, rater=rater_id).exists()


def scores(*, round_: Round, rater_ids: Collection[int]) -> dict[int, Score]:
    """How each of these raters stands in the round, in two queries."""
    same = gold.matching(round_.guideline_version)
    rows = gold.met_by_rater(Q(assignment__round=round_, assignment__rater__in=rater_ids))
    return {
        rater: Score(len({row.item for row in rows[rater]}), gold.share_met(rows[rater], same))
        for rater in rater_ids
    }


def offered(*, project_id: int) -> QuerySet[Round]:
    """The qualifications of a project whose guideline's major is in force, the newest first."""
    found = Round.objects.filter(
        project=project_id, pass_share__isnull=False, guideline_version__state="published"
    )
    return found.select_related("guideline_version__guideline").order_by("-pk")


def raters_of(*, round_: Round, number: object, text: str = "", state: str = "") -> Page[Rater]:
    """Everybody who is in the qualification or was let in, by name, a page at a time: with the
    text in their name; `MAY` rate by it, or do `NOT_YET`."""
    members = RoundRater.objects.filter(round=round_, rater=OuterRef("pk"), removed_at__isnull=True)
    passed = Admission.objects.filter(qualification=round_, rater=OuterRef("pk"))
    raters = Rater.objects.filter(Exists(members) | Exists(passed), project=round_.project_id)
    raters = raters.filter(name__icontains=text) if text else raters
    wanted = {MAY: Exists(passed), NOT_YET: ~Exists(passed)}.get(state)
    raters = raters if wanted is None else raters.filter(wanted)
    return Paginator(raters.order_by("name", "pk"), PAGE_LINES).get_page(number)  # type: ignore[arg-type]


def counts(round_: Round) -> tuple[int, int]:
    """(who may rate by this qualification, who is in it)."""
    members = RoundRater.objects.filter(round=round_, removed_at__isnull=True)
    return Admission.objects.filter(qualification=round_).count(), members.count()


def own_qualifications(rater: Rater) -> list[OwnQualification]:
    """The qualifications that a rater is in or was let in by, the newest first, in two queries."""
    mine = Exists(RoundRater.objects.filter(round=OuterRef("pk"), rater=rater, removed_at=None))
    passed = {one.qualification_id: one for one in Admission.objects.filter(rater=rater)}
    rounds = (
        Round.objects.filter(mine | Q(pk__in=passed), pass_share__isnull=False)
        .exclude(state=RoundState.DRAFT)
        .annotate(is_mine=mine)
    )
    return [
        OwnQualification(
            round_,
            is_member=round_.is_mine,
            is_admitted=round_.pk in passed,
            is_by_hand=round_.pk in passed and bool(passed[round_.pk].actor),
            figures=_kept_figures(passed.get(round_.pk)),
        )
        for round_ in rounds.order_by("-pk")[:OWN_SHOWN]
    ]


def _kept_figures(admission: Admission | None) -> Estimate | None:
    kept = admission.figures.get("share") if admission is not None else None
    return Estimate.from_dict(kept) if kept else None


def own_state(*, round_: Round, rater_id: int) -> OwnState:
    """What a rater is told of the own way through a qualification."""
    admission = Admission.objects.filter(qualification=round_, rater=rater_id).first()
    is_member = RoundRater.objects.filter(
        round=round_, rater=rater_id, removed_at__isnull=True
    ).exists()
    is_over = admission is not None or not _with_more(round_, [rater_id])
    score = scores(round_=round_, rater_ids=[rater_id])[rater_id] if is_over else None
    return OwnState(
        round=round_,
        is_admitted=admission is not None,
        is_by_hand=admission is not None and bool(admission.actor),
        is_member=is_member,
        score=score,
    )


def lines(*, round_: Round, raters: Sequence[Rater], asker_id: int) -> list[Line]:
    """How each of them stands, in a few queries. Who asks reads no own score before it is over."""
    ids = [rater.pk for rater in raters]
    members = set(
        RoundRater.objects.filter(round=round_, rater__in=ids, removed_at__isnull=True).values_list(
            "rater_id", flat=True
        )
    )
    admitted = Admission.objects.filter(qualification=round_, rater__in=ids)
    passed = {one.rater_id: one for one in admitted}
    names = actor_names(one.actor for one in passed.values() if one.actor)
    score = scores(round_=round_, rater_ids=ids)
    more = _with_more(round_, ids)
    return [
        _line(
            rater,
            passed.get(rater.pk),
            None
            if rater.user_id == asker_id and rater.pk in more and rater.pk not in passed
            else score[rater.pk],
            members=members,
            more=more,
            names=names,
        )
        for rater in raters
    ]


def _line(
    rater: Rater,
    admission: Admission | None,
    score: Score | None,
    *,
    members: set[int],
    more: set[int],
    names: dict[str, str],
) -> Line:
    return Line(
        rater=rater,
        is_member=rater.pk in members,
        admission=admission,
        figures=_kept_figures(admission),
        score=score,
        has_more=rater.pk in more,
        by=names.get(admission.actor, "") if admission is not None else "",
    )


def _with_more(round_: Round, rater_ids: Collection[int]) -> set[int]:
    """Those of the raters whom the qualification still has an item for, or who hold one."""
    had: dict[int, int] = defaultdict(int)
    ring = set(goldring.in_qualification(round_).values_list("pk", flat=True))
    rows = Assignment.objects.filter(rater__in=rater_ids, gold__in=ring)
    held = set()
    for rater_id, state in rows.values_list("rater_id", "state"):
        had[rater_id] += 1
        if state == AssignmentState.LEASED:
            held.add(rater_id)
    return {rater for rater in rater_ids if rater in held or had[rater] < len(ring)}
