"""Reviewers at once, and a close among them: nobody's answer is lost, none comes after the close.

The race is run first with its guard taken away, where it has to go wrong.
"""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from calibration.models import Review, ReviewAnswer, ReviewItem
from calibration.services import reviews
from calibration.states import ReviewState
from core.errors import Conflict
from tests import builders
from tests.concurrency.racing import PATIENCE, at_once
from tests.reviewing import Scene, make_scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

AGAIN = range(4)


def leads(scene: Scene, count: int) -> list[User]:
    return [
        builders.join(scene.project, builders.make_user(username=f"lead{n}"), Role.LEAD)
        for n in range(count)
    ]


def said(place: ReviewItem, label: str, by: User, *, seen: int = 0) -> bool:
    try:
        reviews.answer(place_id=place.pk, label=label, reason="So.", seen=seen, by=by)
    except Conflict:
        return False
    return True


def closed(scene: Scene) -> bool:
    try:
        reviews.close(review_id=scene.review.pk, by=scene.cast.lea, now=timezone.now())
    except Conflict:
        return False
    return True


def test_control_without_the_guard_an_answer_comes_after_the_close() -> None:
    """What an answer must not be: a look at the state, and a write whatever came since."""
    scene = make_scene()
    place = scene.places()[0]
    looked, done = threading.Event(), threading.Event()

    def naive_answer() -> bool:
        assert Review.objects.get(pk=scene.review.pk).state == ReviewState.OPEN
        looked.set()
        assert done.wait(PATIENCE)
        ReviewAnswer.objects.create(
            place=place, reviewer=scene.cast.lea, revision=1, label="A", reason="So."
        )
        return True

    def naive_close() -> bool:
        assert looked.wait(PATIENCE)
        Review.objects.filter(pk=scene.review.pk).update(
            state=ReviewState.CLOSED, closed_at=timezone.now()
        )
        done.set()
        return True

    at_once([naive_answer, naive_close])
    review = Review.objects.get(pk=scene.review.pk)
    answered = ReviewAnswer.objects.aggregate(at=Max("created_at"))["at"]
    assert review.closed_at is not None
    assert answered > review.closed_at


@pytest.mark.parametrize("_", AGAIN)
def test_reviewers_who_answer_one_item_at_once_all_have_their_answer(_: int) -> None:
    scene = make_scene()
    place, people = scene.places()[0], leads(scene, 4)
    done = at_once([partial(said, place, "AB"[n % 2], by) for n, by in enumerate(people)])
    assert all(done)
    rows = ReviewAnswer.objects.values_list("reviewer", "revision", "label")
    assert sorted(rows) == sorted((by.pk, 1, "AB"[n % 2]) for n, by in enumerate(people))


@pytest.mark.parametrize("_", AGAIN)
def test_one_reviewer_in_several_windows_answers_once(_: int) -> None:
    scene = make_scene()
    place = scene.places()[0]
    done = at_once([partial(said, place, label, scene.cast.lea) for label in ("A", "B", "", "A")])
    assert sum(done) == 1
    assert ReviewAnswer.objects.get().revision == 1


@pytest.mark.parametrize("_", AGAIN)
def test_no_answer_comes_after_the_close_and_none_before_it_is_lost(_: int) -> None:
    scene = make_scene()
    places, people = scene.places(), leads(scene, 3)
    acts = [partial(said, place, "A", by) for place, by in zip(places, people, strict=False)]
    *answered, first, second = at_once([*acts, partial(closed, scene), partial(closed, scene)])
    assert [first, second].count(True) == 1
    assert ReviewAnswer.objects.count() == sum(answered)
    assert not said(places[5], "A", people[0])


@pytest.mark.parametrize("_", AGAIN)
def test_of_several_who_start_the_same_review_one_does(_: int) -> None:
    scene = make_scene()
    scene.close()

    def start(by: User) -> bool:
        try:
            reviews.start(run=scene.tuned.run, dimension=scene.dimension, count=4, by=by)
        except Conflict:
            return False
        return True

    assert sum(at_once([partial(start, by) for by in leads(scene, 3)])) == 1
    assert Review.objects.filter(state=ReviewState.OPEN).count() == 1
