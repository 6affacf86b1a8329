"""What must always hold in the annotation room, recomputed from its rows."""

from __future__ import annotations

from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.models import Assignment, Item, Rating, RoundItem, RoundRater, SealedSet
from annotation.states import AssignmentState, Part, RoundKind
from core.registry import Finding

TAKEN = (AssignmentState.LEASED, AssignmentState.SUBMITTED)


def counters_are_true() -> Finding:
    """RoundItem.taken equals the leased and submitted slots, and those kept for a rater."""
    counted = (
        Assignment.objects.filter(
            round=OuterRef("round"),
            item=OuterRef("item"),
            gold__isnull=True,
        )
        .filter(Q(state__in=TAKEN) | Q(kept_for__isnull=False))
        .order_by()
        .values("item")
        .annotate(n=Count("pk"))
        .values("n")
    )
    wrong = (
        RoundItem.objects.annotate(
            counted=Coalesce(Subquery(counted, output_field=IntegerField()), 0)
        )
        .exclude(taken=F("counted"))
        .count()
    )
    return _finding("taken slots", wrong, "items of rounds with a wrong counter")


def raters_counters_are_true() -> Finding:
    """RoundRater.answered and .skipped equal the rater's rows in the round."""
    mine = Assignment.objects.filter(round=OuterRef("round"), rater=OuterRef("rater")).order_by()

    def counted(rows: QuerySet[Assignment]) -> Coalesce:
        of_each = rows.values("rater").annotate(n=Count("pk")).values("n")
        return Coalesce(Subquery(of_each, output_field=IntegerField()), 0)

    wrong = (
        RoundRater.objects.annotate(
            sent=counted(mine.filter(submitted_at__isnull=False)),
            passed=counted(mine.filter(state=AssignmentState.SKIPPED)),
        )
        .exclude(answered=F("sent"), skipped=F("passed"))
        .count()
    )
    return _finding("raters' counters", wrong, "raters of rounds with a wrong counter")


def nobody_is_over_overlap() -> Finding:
    """No item of a round that is rated here has more submitted slots than its overlap."""
    wrong = (
        Assignment.objects.exclude(round__kind__in=(RoundKind.IMPORTED, RoundKind.RERATING))
        .filter(state=AssignmentState.SUBMITTED, gold__isnull=True)
        .values("round", "item", "round__overlap")
        .annotate(n=Count("pk"))
        .filter(n__gt=F("round__overlap"))
        .count()
    )
    return _finding("overlap", wrong, "items rated more often than their overlap")


def submitted_have_ratings() -> Finding:
    """What the browser was told is saved, is saved."""
    wrong = (
        Assignment.objects.filter(state=AssignmentState.SUBMITTED)
        .annotate(n=Count("ratings", filter=Q(ratings__is_current=True)))
        .filter(n=0)
        .count()
    )
    return _finding("submitted ratings", wrong, "submitted assignments without a rating")


def sealed_items_have_a_set() -> Finding:
    """An item is sealed only while its dataset has a live sealed set."""
    live = SealedSet.objects.filter(retired_at__isnull=True).values("dataset")
    wrong = Item.objects.filter(part=Part.SEALED).exclude(dataset__in=live).count()
    return _finding("sealed parts", wrong, "sealed items without a live sealed set")


def revisions_have_one_end() -> Finding:
    """Each (assignment, dimension) with ratings has exactly one current one."""
    wrong = (
        Rating.objects.values("assignment", "dimension")
        .annotate(n=Count("pk", filter=Q(is_current=True)))
        .exclude(n=1)
        .count()
    )
    return _finding("rating revisions", wrong, "ratings without exactly one current revision")


def _finding(name: str, wrong: int, what: str) -> Finding:
    return Finding(name, is_ok=wrong == 0, sentence=f"{wrong} {what}.")
