"""Who was right? Draw a review, answer it blind, close it, and use what it found.

An answer and the close of a review stand in line at its row: after the close, which tells whose
each label was, nobody answers any more.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import User
from annotation.models import Dimension, ReferenceLabel
from annotation.queries import adjudication as adjudication_queries
from annotation.queries.labels import scale_of
from annotation.services import adjudication, roundacts
from annotation.services.adjudication import TAKEN_BACK
from calibration.models import ClauseNote, Review, ReviewAnswer, ReviewItem
from calibration.queries import reviews as queries
from calibration.rules import reviews as rules
from calibration.rules.reviews import CORRECTABLE, UNCLEAR, Labels
from calibration.rules.sessions import lines_of
from calibration.services import sessiontalk
from calibration.states import ReviewState
from core import audit
from core.errors import Conflict, Invalid, NotAllowed, NotReady
from judges.models import Run
from judges.queries.people import READABLE_RUNS
from measurement.scale import NOT_APPLICABLE

MOST_DIFFERENCES = 200
SEED_BITS = 62


def start(*, run: Run, dimension: Dimension, count: int, by: User) -> Review:
    """Draw at most `count` differences of a run on one dimension, and as many agreements.

    Raises `NotReady` for a run whose labels are not read one by one or not there yet, `Conflict`
    without a difference or while another review of the same is open, `Invalid` for the count.
    """
    if not 1 <= count <= MOST_DIFFERENCES:
        sentence = f"From 1 to {MOST_DIFFERENCES} differences are reviewed at once."
        raise Invalid("count", sentence, {"count": [sentence]})
    if run.purpose not in READABLE_RUNS or run.combined_at is None:
        raise NotReady("no_labels", "This run has no labels of development items to review.")
    try:
        return _start(run, dimension, count, by)
    except IntegrityError:
        raise Conflict(
            "review_open",
            "A review of this run on this dimension is open already: close it first.",
        ) from None


@transaction.atomic(durable=True)
def answer(*, place_id: int, label: str, reason: str, seen: int, by: User) -> ReviewAnswer:
    """Say which label is right on an item, or UNCLEAR; what was said before stays as history.

    `seen` is the revision of one's own that the page showed, 0 for none. Raises `Conflict` once
    the review is closed or for another revision, `NotAllowed` for an item that this person rated
    or may not read, `Invalid` for a label outside the scale or no reason.
    """
    said = roundacts.reason_of(reason)
    place = ReviewItem.objects.get(pk=place_id)
    review = _held(place.review_id)
    if review.state != ReviewState.OPEN:
        raise _closed()
    _demand_may_answer(review, place, by)
    if label not in {UNCLEAR, *place.shown, *queries.labels_of(review.dimension)}:
        sentence = "Choose one of the labels, or say that the guideline does not settle it."
        raise Invalid("label_invalid", sentence, {"answer": [sentence]})
    before = queries.own_answer(place, user_id=by.pk)
    if (before.revision if before else 0) != seen:
        raise Conflict(
            "answered_meanwhile",
            "You answered this item in another window. Your newest answer is shown now; change it "
            "if you see it otherwise.",
        )
    made = ReviewAnswer.objects.create(
        place=place, reviewer=by, revision=seen + 1, label=label, reason=said
    )
    # Neither the label nor whose it is: the trail is read while the review is open.
    _record(review, "review.answered", by, {"place": place.position, "revision": made.revision})
    return made


@transaction.atomic(durable=True)
def close(*, review_id: int, by: User, now: datetime) -> Review:
    """End the answers and tell whose each label was, for good."""
    review = _held(review_id)
    open_rows = Review.objects.filter(pk=review_id, state=ReviewState.OPEN)
    if open_rows.update(state=ReviewState.CLOSED, closed_at=now) != 1:
        raise _closed()
    review.refresh_from_db()
    _record(review, "review.closed", by)
    return review


def correct(*, place: ReviewItem, point: str, reason: str, seen: int, by: User) -> ReferenceLabel:
    """Correct the human label of an item that a closed review found wrong, or take that back.

    `point` is one of the dimension's whole scale; it has to say what the review found right.
    """
    line = _closed_line(place)
    if line.outcome not in CORRECTABLE:
        raise Conflict("not_found_wrong", "The review did not find this human label wrong.")
    dimension = place.review.dimension
    if point != TAKEN_BACK and tested(dimension, point) != line.right:
        sentence = f"The review found {line.right} right. Choose a point that says so."
        raise Invalid("label_invalid", sentence, {"label": [sentence]})
    return adjudication.correct(
        item_id=place.item_id, dimension=dimension, label=point, reason=reason, seen=seen, by=by
    )


@transaction.atomic(durable=True)
def note_clause(*, place: ReviewItem, line: int, note: str, by: User) -> ClauseNote:
    """Say what a line of the guideline lacks: it becomes to do for the next version."""
    said = sessiontalk.words(note, sessiontalk.REASON_CHARS, "note", "note")
    _closed_line(place)
    dimension = place.review.dimension
    version = adjudication_queries.version_in_force(dimension) or dimension.version
    clause = next((one.text for one in lines_of(version.text) if one.number == line), None)
    if clause is None:
        sentence = "Choose a line of the guideline."
        raise Invalid("no_such_line", sentence, {"line": [sentence]})
    made = ClauseNote.objects.create(
        guideline_version=version,
        review_place=place,
        line=line,
        clause=clause,
        note=said,
        author=by,
    )
    _record(place.review, "review.clause_noted", by, {"place": place.position, "line": line})
    return made


@transaction.atomic(durable=True)
def _start(run: Run, dimension: Dimension, count: int, by: User) -> Review:
    cases = queries.compared(run, dimension, user_id=by.pk)
    misses = sum(case.is_miss for case in cases)
    if not misses:
        raise Conflict(
            "no_difference", "Judge and people differ on no development item that you may read."
        )
    seed = secrets.randbits(SEED_BITS)
    labels = [Labels(case.item_id, case.judged, case.people) for case in cases]
    drawn = rules.draw(labels, most=count, scale=queries.labels_of(dimension), seed=seed)
    review = Review.objects.create(
        project_id=run.project_id,
        run=run,
        dimension=dimension,
        seed=seed,
        differing=misses,
        agreeing=len(cases) - misses,
        before=queries.agreement(cases).as_dict(),
        author=by,
    )
    ReviewItem.objects.bulk_create(
        ReviewItem(
            review=review,
            item_id=one.labels.item_id,
            position=position,
            judge_label=one.labels.judge,
            people_label=one.labels.people,
            foil=one.foil,
            is_swapped=one.is_swapped,
        )
        for position, one in enumerate(drawn, start=1)
    )
    _record(review, "review.started", by, {"dimension": dimension.key, "items": len(drawn)})
    return review


def _held(review_id: int) -> Review:
    """Inside a transaction: the review, locked."""
    return (
        Review.objects.select_for_update(of=("self",), no_key=True)
        .select_related("dimension__version__guideline", "run")
        .get(pk=review_id)
    )


def _demand_may_answer(review: Review, place: ReviewItem, by: User) -> None:
    if not queries.readable(review, user_id=by.pk).filter(pk=place.item_id).exists():
        raise NotAllowed(
            "This item is not for you to review: it is no open development item any more, or you "
            "may yet rate it."
        )
    if queries.rated_by(by.pk).filter(item=place.item_id).exists():
        raise NotAllowed(queries.OWN)


def _closed_line(place: ReviewItem) -> queries.Line:
    if place.review.state != ReviewState.CLOSED:
        raise NotReady("review_open", "Close the review first: it is answered blind until then.")
    return queries.line_of(place)


def tested(dimension: Dimension, point: str) -> str:
    """What a point of the whole scale says as it is tested; "" for none of the scale."""
    if point == NOT_APPLICABLE:
        return point
    scale = scale_of(dimension)
    if point not in scale.labels:
        return ""
    return scale.tested().labels[int(scale.tested_codes()[scale.labels.index(point)])]


def _closed() -> Conflict:
    return Conflict(
        "review_closed", "This review is closed: whose each label was is told, nothing changes."
    )


def _record(review: Review, verb: str, by: User, data: dict[str, object] | None = None) -> None:
    audit.record(
        actor=by.actor,
        verb=verb,
        object_type="review",
        object_id=review.pk,
        project_id=review.project_id,
        data={"run": review.run_id, **(data or {})},
    )
