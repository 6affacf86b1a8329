"""A rater's own agreement: with what the others say of the same items, and with gold labels.

Only of answers that the rater was told about, which can no longer be changed, and never of items
that touch the sealed part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Rater
from annotation.models import Assignment, Dimension, GoldLabel, Item, Rating, Round
from annotation.queries import labels
from annotation.queries.sealed import touching_sealed
from annotation.states import AssignmentState, Part, RoundState
from measurement.estimate import Estimate
from measurement.raters import NO_MAJORITY, rater_quality
from measurement.table import RatingTable, Vote

LEAST_NEW = 10
"""So many answers are told at once at least: figures before and after one more item would tell
what the others said of that item."""

ROUNDS_SHOWN = 50
NO_GOLD = "no answer to a gold item counts here"
_OTHERS, _GOLD = "others", "gold"
SUBMITTED = AssignmentState.SUBMITTED


@dataclass(frozen=True, slots=True)
class OwnAgreement:
    """One dimension. `with_others`: own labels that are the strict majority of the others';
    `with_gold`: own labels that are the gold one. Pass and fail count where the scale has a cut.
    """

    dimension: Dimension
    with_others: Estimate
    with_gold: Estimate


def rounds_of(rater: Rater) -> QuerySet[Round]:
    """The rater's rounds whose lead lets raters see their agreement, the newest first."""
    return (
        Round.objects.filter(
            round_raters__rater=rater,
            round_raters__removed_at__isnull=True,
            shows_own_agreement=True,
        )
        .exclude(state=RoundState.DRAFT)
        .order_by("-pk")[:ROUNDS_SHOWN]
    )


def tellable(round_: Round, rater: Rater) -> dict[str, QuerySet[Assignment]]:
    """Own answers that could be told about: beside full items' others, and to gold items."""
    mine = Assignment.objects.filter(
        round=round_,
        rater=rater,
        state=SUBMITTED,
        told_at__isnull=True,
        item__withdrawn_at__isnull=True,
    )
    mine = _unsealed(mine, round_)
    beside = Assignment.objects.filter(
        round=round_, item=OuterRef("item"), gold__isnull=True
    ).exclude(rater=rater)
    waiting = beside.filter(state__in=(AssignmentState.OPEN, AssignmentState.LEASED))
    others = mine.filter(Exists(beside.filter(state=SUBMITTED)), gold__isnull=True)
    if round_.state != RoundState.CLOSED:
        others = others.exclude(Exists(waiting))
    fixed = GoldLabel.objects.filter(
        gold=OuterRef("gold"), is_current=True, gold__withdrawn_at__isnull=True
    ).exclude(label="")
    return {_OTHERS: others, _GOLD: mine.filter(Exists(fixed))}


def enough(found: QuerySet[Assignment]) -> bool:
    """Whether so many are new that the figures say nothing about one of them."""
    return len(found.values_list("pk", flat=True)[:LEAST_NEW]) == LEAST_NEW


def count_new(round_: Round, rater: Rater) -> int:
    """How many own answers would be told about now, and could not be changed afterwards."""
    return sum(found.count() for found in tellable(round_, rater).values() if enough(found))


def told(round_: Round, rater: Rater) -> QuerySet[Assignment]:
    """Own answers that the rater was told about and that still stand."""
    mine = Assignment.objects.filter(
        round=round_,
        rater=rater,
        state=SUBMITTED,
        told_at__isnull=False,
        item__withdrawn_at__isnull=True,
    )
    return _unsealed(mine, round_)


def own_agreement(round_: Round, rater: Rater) -> list[OwnAgreement]:
    """Every dimension of the round: two queries each, bounded by own answers x overlap."""
    mine = told(round_, rater)
    return [
        OwnAgreement(
            dimension,
            with_others=_figure(
                _beside(mine, round_, dimension.key), dimension, rater, none=NO_MAJORITY
            ),
            with_gold=_figure(_gold(mine, dimension.key), dimension, rater, none=NO_GOLD),
        )
        for dimension in round_.guideline_version.dimensions.all()
    ]


def _figure(votes: Sequence[Vote], dimension: Dimension, rater: Rater, *, none: str) -> Estimate:
    if not votes:
        return Estimate.undefined(none)
    table = RatingTable.build(votes)
    found = rater_quality(table, scale=labels.scale_of(dimension))
    return next(one.agreement for one in found if one.rater == str(rater.pk))


def _beside(mine: QuerySet[Assignment], round_: Round, key: str) -> list[Vote]:
    """All current labels of the items that the rater was told about."""
    ratings = Rating.objects.filter(
        is_current=True,
        dimension__key=key,
        assignment__round=round_,
        assignment__state=SUBMITTED,
        assignment__gold__isnull=True,
        assignment__item__in=mine.filter(gold__isnull=True).values("item"),
    )
    return list(_votes(ratings))


def _gold(mine: QuerySet[Assignment], key: str) -> list[Vote]:
    """Own labels of gold items, and the gold ones as those of one more rater."""
    own = Rating.objects.filter(
        is_current=True, dimension__key=key, assignment__in=mine.filter(gold__isnull=False)
    )
    fixed = (
        GoldLabel.objects.filter(
            is_current=True,
            dimension_key=key,
            gold__in=mine.values("gold"),
            gold__withdrawn_at__isnull=True,
        )
        .exclude(label="")
        .values_list("gold__item_id", "label", "gold__item__cluster_key")
    )
    votes = [Vote(str(item), _GOLD, label, cluster) for item, label, cluster in fixed]
    return [*_votes(own), *votes] if votes else []


def _votes(ratings: QuerySet[Rating]) -> Iterator[Vote]:
    rows = ratings.values_list(
        "assignment__item_id", "assignment__rater_id", "label", "assignment__item__cluster_key"
    )
    for item, rater, label, cluster in rows.iterator(chunk_size=5000):
        yield Vote(str(item), str(rater), label, cluster)


def _unsealed(rows: QuerySet[Assignment], round_: Round) -> QuerySet[Assignment]:
    if not Item.objects.filter(project=round_.project_id, part=Part.SEALED).exists():
        return rows
    in_round = Item.objects.filter(Q(round_items__round=round_) | Q(golds__isnull=False))
    sealed = touching_sealed(in_round.filter(project=round_.project_id), round_.project_id)
    return rows.exclude(item__in=sealed.values("pk"))
