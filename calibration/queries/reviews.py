"""Reviews of who was right: what may be read of an open one, and what a closed one found.

Every item is reached through `people.open_items`: nothing sealed, nothing beside it, and nothing
that the reader may yet rate. While a review is open nothing here says whose a label is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from annotation.models import Assignment, Dimension, Item, ReferenceLabel
from annotation.queries.labels import scale_of
from annotation.queries.sealed import touching_sealed
from annotation.rules.scales import NOT_APPLICABLE
from annotation.states import AssignmentState, Method, ReferenceState
from calibration.models import Review, ReviewAnswer, ReviewItem
from calibration.rules import reviews as rules
from calibration.rules.reviews import Labels, Outcome
from judges.models import Run
from judges.queries import people
from judges.rules.improving import Case
from measurement.arrays import Floats, Ints, np
from measurement.estimate import Estimate
from measurement.intervals import share
from measurement.reviewed import Part, agreement_after_review

OWN = "You rated this item yourself: somebody who did not says what is right."


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """An item that this reviewer answers, by its position in the review."""

    position: int
    is_answered: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an open review is: items that anybody answered, of all; people who answered."""

    done: int
    total: int
    people: int


@dataclass(frozen=True, slots=True)
class Line:
    """An item of a closed review: what its answers, the newest of each reviewer, come to."""

    place: ReviewItem
    answers: Sequence[ReviewAnswer]
    outcome: Outcome
    right: str

    @property
    def words(self) -> str:
        return rules.WORDS[self.outcome]


@dataclass(frozen=True, slots=True)
class Share:
    """How often an outcome came, where judge and people had differed and where not."""

    outcome: Outcome
    differing: Estimate
    agreeing: Estimate

    @property
    def words(self) -> str:
        return rules.WORDS[self.outcome]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a closed review found. `after` takes an unsettled item as a miss, `at_most` as a hit."""

    before: Estimate
    after: Estimate
    at_most: Estimate
    shares: Sequence[Share]


def of_project(project_id: int) -> QuerySet[Review]:
    """The project's reviews, newest first."""
    return (
        Review.objects.filter(project=project_id)
        .select_related("run__version__judge", "dimension")
        .annotate(count=Count("items"))
        .order_by("-pk")
    )


def compared(run: Run, dimension: Dimension, *, user_id: int) -> list[Case]:
    """The development items of a run that have a label of judge and people, as this person may
    read them."""
    return people.compared(run, user_id=user_id, dimension=dimension.key)


def agreement(cases: Sequence[Case]) -> Estimate:
    """How far judge and people agree on the items that a review is drawn from."""
    hits = np.array([not case.is_miss for case in cases], dtype=np.float64)
    clusters = _codes([case.cluster for case in cases])
    return share(hits, np.ones(len(cases)), clusters, because="no item has both labels")


def labels_of(dimension: Dimension) -> tuple[str, ...]:
    """What can be right on a dimension, as judge and people are held against each other."""
    tested = scale_of(dimension).tested().labels
    return (*tested, NOT_APPLICABLE) if dimension.allow_na else tested


def readable(review: Review, *, user_id: int) -> QuerySet[Item]:
    """Those of the review's items that this person may read at this moment."""
    items = people.open_items(review.project_id, user_id=user_id)
    return items.filter(review_items__review=review)


def rated_by(user_id: int) -> QuerySet[Assignment]:
    """What this person rated: their label would count twice."""
    return Assignment.objects.filter(
        rater__user=user_id, state=AssignmentState.SUBMITTED, gold__isnull=True
    )


def own_places(review: Review, *, user_id: int) -> list[OwnPlace]:
    """The items that this person answers, in the order of the review."""
    items = readable(review, user_id=user_id).exclude(pk__in=rated_by(user_id).values("item"))
    places = review.items.filter(item__in=items.values("pk")).order_by("position")
    own = ReviewAnswer.objects.filter(place__review=review, reviewer=user_id)
    answered = set(own.values_list("place", flat=True))
    return [
        OwnPlace(position, pk in answered) for pk, position in places.values_list("pk", "position")
    ]


def progress(review: Review) -> Progress:
    answers = ReviewAnswer.objects.filter(place__review=review)
    counted = answers.aggregate(
        done=Count("place", distinct=True), people=Count("reviewer", distinct=True)
    )
    return Progress(counted["done"], review.items.count(), counted["people"])


def own_answer(place: ReviewItem, *, user_id: int) -> ReviewAnswer | None:
    """What this person said last of the item."""
    return place.answers.filter(reviewer=user_id).order_by("-revision").first()


# Closed -------------------------------------------------------------------------------------------


def lines(review: Review) -> list[Line]:
    """Every item of a closed review with what was found, in two queries; nothing that has become
    sealed since it was drawn."""
    items = Item.objects.filter(review_items__review=review)
    sealed = touching_sealed(items, review.project_id).values("pk")
    places = review.items.exclude(item__in=sealed).select_related("item").order_by("position")
    newest: dict[int, dict[int, ReviewAnswer]] = defaultdict(dict)
    given = ReviewAnswer.objects.filter(place__review=review).select_related("reviewer")
    for answer in given.order_by("revision"):
        newest[answer.place_id][answer.reviewer_id] = answer
    return [_line(place, list(newest[place.pk].values())) for place in places]


def line_of(place: ReviewItem) -> Line:
    """One item of a closed review."""
    newest = {}
    for answer in place.answers.select_related("reviewer").order_by("revision"):
        newest[answer.reviewer_id] = answer
    return _line(place, list(newest.values()))


def figures(review: Review, found: Sequence[Line]) -> Figures:
    """What the answers say about the agreement of judge and people."""
    before = Estimate.from_dict(review.before)
    missing = sum(line.outcome is Outcome.OPEN for line in found)
    if missing:
        none = Estimate.undefined(
            f"{missing} of {len(found)} items were not answered, and both halves have to be "
            "reviewed whole",
            n=len(found) - missing,
        )
        after = at_most = none
    else:
        after = _after(review, found, before, unsettled=0.0)
        at_most = _after(review, found, before, unsettled=1.0)
    halves = [
        [line for line in found if line.place.is_difference is is_difference]
        for is_difference in (True, False)
    ]
    kinds = [kind for kind in Outcome if kind is not Outcome.OPEN]
    shares = [Share(kind, *(_share(half, kind) for half in halves)) for kind in kinds]
    return Figures(before, after, at_most, shares)


def corrected(review: Review, found: Sequence[Line]) -> dict[int, ReferenceLabel]:
    """The correction in force of those of the items that have one."""
    version = review.dimension.version
    rows = ReferenceLabel.objects.filter(
        item__in=[line.place.item_id for line in found],
        guideline=version.guideline_id,
        major=version.major,
        dimension_key=review.dimension.key,
        method=Method.CORRECTED,
    ).order_by("version")
    newest = {row.item_id: row for row in rows}
    return {pk: row for pk, row in newest.items() if row.state != ReferenceState.WITHDRAWN}


def neighbours(positions: Sequence[int], position: int) -> tuple[int | None, int | None]:
    """The positions before and behind this one in a list of them."""
    before = [one for one in positions if one < position]
    behind = [one for one in positions if one > position]
    return (before[-1] if before else None), (behind[0] if behind else None)


def _line(place: ReviewItem, answers: Sequence[ReviewAnswer]) -> Line:
    said = [answer.label for answer in answers]
    labels = Labels(place.item_id, place.judge_label, place.people_label)
    return Line(place, answers, rules.outcome(labels, said), rules.found_right(said) or "")


def _after(
    review: Review, found: Sequence[Line], before: Estimate, *, unsettled: float
) -> Estimate:
    parts: Mapping[bool, list[Line]] = defaultdict(list)
    for line in found:
        parts[line.place.is_difference].append(line)
    return agreement_after_review(
        differing=_part(parts[True], review.differing, unsettled),
        agreeing=_part(parts[False], review.agreeing, unsettled),
        before=before.interval,
    )


def _part(members: Sequence[Line], items: int, unsettled: float) -> Part:
    hits = [
        unsettled
        if line.outcome in (Outcome.UNCLEAR, Outcome.APART)
        else float(line.right == line.place.judge_label)
        for line in members
    ]
    return Part(items, np.array(hits, dtype=np.float64), _clusters(members))


def _share(half: Sequence[Line], kind: Outcome) -> Estimate:
    answered = [line for line in half if line.outcome is not Outcome.OPEN]
    hits: Floats = np.array([line.outcome is kind for line in answered], dtype=np.float64)
    return share(hits, np.ones(len(answered)), _clusters(answered), because="none was answered")


def _clusters(members: Sequence[Line]) -> Ints:
    return _codes([line.place.item.cluster_key for line in members])


def _codes(keys: Sequence[str]) -> Ints:
    return np.unique(np.array(keys, dtype=str), return_inverse=True)[1].astype(np.int64)
