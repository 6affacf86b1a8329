"""The rounds of a project, and what a new one could take. Counts only: no label is read here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from accounts.models import Rater
from annotation.models import (
    Assignment,
    Dataset,
    GuidelineVersion,
    Round,
    RoundItem,
    RoundRater,
    whole,
)
from annotation.states import (
    LIVE_ASSIGNMENTS,
    AssignmentState,
    DatasetKind,
    RoundKind,
    RoundState,
    VersionState,
)
from core import registry
from core.counting import counted, counted_soon

LARGE = 20_000
"""Items from which a round's counts are kept for a while, and its figures made by a job."""
SUBMITTED = Q(state=AssignmentState.SUBMITTED)
LIVE = Q(state__in=LIVE_ASSIGNMENTS)
NO_GOLD = Q(gold__isnull=True)
"""Gold items are beside a round's plan: they fill none of its slots."""


@dataclass(frozen=True, slots=True)
class RoundCard:
    """A round in a list. `slots` = ratings wanted (items x overlap), `submitted` of them in."""

    round: Round
    items: int
    slots: int
    submitted: int
    raters: int

    @property
    def share(self) -> float | None:
        return self.submitted / self.slots if self.slots else None


def found(*, project_id: int, text: str = "", state: str = "", kind: str = "") -> QuerySet[Round]:
    """The project's rounds, newest first: with the text in their name, or in that of their
    dataset or guideline; in a state; of a kind."""
    rounds = Round.objects.filter(project=project_id)
    if text:
        rounds = rounds.filter(
            Q(name__icontains=text)
            | Q(dataset__name__icontains=text)
            | Q(guideline_version__guideline__name__icontains=text)
        )
    if state:
        rounds = rounds.filter(state=state)
    if kind:
        rounds = rounds.filter(kind=kind)
    return rounds.select_related("dataset", "guideline_version__guideline").order_by("-pk")


def is_large(round_: Round) -> bool:
    """Whether it has so many items that counting them takes a while; this costs little."""
    return round_.pk in large_among([round_.pk])


def large_among(ids: Collection[int]) -> set[int]:
    """Those of these rounds that are large, in one query that looks at no more than it must."""
    past = RoundItem.objects.filter(round=OuterRef("pk")).order_by()[LARGE : LARGE + 1]
    return set(Round.objects.filter(Exists(past), pk__in=ids).values_list("pk", flat=True))


def cards(rounds: Iterable[Round]) -> list[RoundCard]:
    """Rounds with how far they are, in five queries; large ones as they were a while ago."""
    listed = list(rounds)
    large = large_among([round_.pk for round_ in listed])
    small = {card.round.pk: card for card in _cards([r for r in listed if r.pk not in large])}
    kept = [_kept_card(round_) for round_ in listed if round_.pk in large]
    found = small | {card.round.pk: card for card in kept}
    return [found[round_.pk] for round_ in listed]


def _kept_card(round_: Round) -> RoundCard:
    card = counted(f"round-card/{round_.pk}", lambda: _cards([round_])[0]).value
    return replace(card, round=round_)


def _cards(listed: Sequence[Round]) -> list[RoundCard]:
    ids = [round_.pk for round_ in listed]
    live = Assignment.objects.filter(LIVE, NO_GOLD, round__in=ids)
    slots = dict(live.values_list("round").annotate(Count("pk")))
    submitted = dict(live.filter(SUBMITTED).values_list("round").annotate(Count("pk")))
    in_rounds = RoundItem.objects.filter(round__in=ids, withdrawal__isnull=True)
    items = dict(in_rounds.values_list("round").annotate(Count("pk")))
    members = RoundRater.objects.filter(round__in=ids, removed_at__isnull=True)
    raters = dict(members.values_list("round").annotate(Count("pk")))
    return [
        RoundCard(
            round_,
            items=items.get(round_.pk, 0),
            slots=slots.get(round_.pk, 0),
            submitted=submitted.get(round_.pk, 0),
            raters=raters.get(round_.pk, 0),
        )
        for round_ in listed
    ]


def candidates(*, project_id: int, outside: Round | None = None) -> QuerySet[Rater]:
    """Members who rate in this project (and may come into the round `outside`), by name."""
    raters = Rater.objects.filter(
        project=project_id,
        user__is_active=True,
        user__memberships__project=project_id,
        user__memberships__is_rater=True,
    )
    if outside is not None:
        inside = RoundRater.objects.filter(round=outside, removed_at__isnull=True)
        raters = raters.exclude(pk__in=inside.values("rater"))
    if outside is not None and outside.kind == RoundKind.DRIFT:
        raters = raters.exclude(user__in=registry.barred_from_drift(outside.pk))
    return raters.order_by("name")


def datasets_with_items(*, project_id: int) -> QuerySet[Dataset]:
    """Datasets that a round could take, newest first, with `item_count` (items with a text)."""
    servable = whole("items__") & Q(items__withdrawn_at__isnull=True, items__content__isnull=False)
    return (
        Dataset.objects.filter(project=project_id, kind=DatasetKind.NORMAL)
        .annotate(item_count=Count("items", filter=servable))
        .filter(item_count__gt=0)
        .order_by("-pk")
    )


def versions_in_force(*, project_id: int) -> QuerySet[GuidelineVersion]:
    """The published version of each guideline, the newest first."""
    return (
        GuidelineVersion.objects.filter(guideline__project=project_id, state=VersionState.PUBLISHED)
        .select_related("guideline")
        .order_by(F("published_at").desc(nulls_last=True), "-pk")
    )


def current(*, project_id: int) -> Round | None:
    """The round that the project is about: the newest one being rated, else the newest. Sessions
    and qualifications are about people, drift rounds about a judge that is approved already."""
    labelling = Round.objects.filter(project=project_id).exclude(
        kind__in=(RoundKind.SESSION, RoundKind.QUALIFICATION, RoundKind.DRIFT)
    )
    return (
        labelling.filter(state__in=(RoundState.OPEN, RoundState.PAUSED)).order_by("-pk").first()
        or labelling.order_by("-pk").first()
    )


def submitted_of(round_: Round) -> tuple[int, int] | None:
    """(ratings in, ratings wanted) of one round; of a large one, as it was a while ago, and None
    while it is counted for the first time."""
    if not is_large(round_):
        return in_and_wanted(round_)
    found = counted_soon(f"round-submitted/{round_.pk}", lambda: in_and_wanted(round_))
    return found.value if found else None


def in_and_wanted(round_: Round) -> tuple[int, int]:
    """(ratings in, ratings wanted) of one round at this moment."""
    totals = Assignment.objects.filter(NO_GOLD, round=round_).aggregate(
        slots=Count("pk", filter=LIVE), submitted=Count("pk", filter=SUBMITTED)
    )
    return totals["submitted"], totals["slots"]


def next_name(*, project_id: int) -> str:
    """A name for the next round that nobody took."""
    taken = set(Round.objects.filter(project=project_id).values_list("name", flat=True))
    number = len(taken) + 1
    while f"Round {number}" in taken:
        number += 1
    return f"Round {number}"


def free_name(plain: str, *, project_id: int) -> str:
    """The name itself, or with the first number that makes it one that nobody took."""
    taken = set(
        Round.objects.filter(project=project_id, name__startswith=plain).values_list(
            "name", flat=True
        )
    )
    number, name = 1, plain
    while name in taken:
        number += 1
        name = f"{plain} {number}"
    return name
