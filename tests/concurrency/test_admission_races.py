"""Passing a qualification in two windows at the same time, on either database."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Rater
from annotation.models import Admission, Assignment, GoldItem, Rating, Round, RoundItem
from annotation.queries import admissions as queries
from annotation.queries import health
from annotation.services import admissions, claim, rating
from annotation.services.claim import Reason
from annotation.states import RoundKind
from core.models import AuditEvent
from tests import builders
from tests.concurrency.racing import FOURS, PATIENCE, at_once, claim_now, make_round

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


def make_qualification(*, gold: int, pass_items: int) -> tuple[Round, Round, Rater]:
    """A qualification that one rater is in, and a round that demands it."""
    round_, (rater,) = make_round(items=4, raters=1, overlap=1)
    first = builders.make_round(
        round_.dataset, round_.guideline_version, items=(), raters=[rater], name="First"
    )
    Round.objects.filter(pk=first.pk).update(
        kind=RoundKind.QUALIFICATION, pass_share=0.8, pass_items=pass_items
    )
    Round.objects.filter(pk=round_.pk).update(qualification=first)
    for number in range(gold):
        item = builders.make_item(round_.dataset, external_id=f"g{number}")
        builders.make_gold(item, round_.guideline_version)
        RoundItem.objects.create(round=first, item=item, shuffle=number, is_full=True)
    return Round.objects.get(pk=first.pk), Round.objects.get(pk=round_.pk), rater


def two_rows(first: Round, rater: Rater) -> list[int]:
    """Two items of the qualification in two windows: a late answer is under way beside a lease."""
    one = claim_now(first, rater).assignment_id
    assert one is not None
    row = Assignment.objects.get(pk=one)
    with transaction.atomic():
        claim.empty(row, now=timezone.now())
    # Meanwhile it is out of the ring, so that the other item comes.
    gold = GoldItem.objects.filter(assignments=row)
    gold.update(withdrawn_at=timezone.now())
    other = claim_now(first, rater).assignment_id
    gold.update(withdrawn_at=None)
    assert other is not None
    assert other != one
    return [one, other]


def send(rater: Rater, row: int) -> bool:
    rating.submit(assignment_id=row, rater=rater, labels=FOURS, now=timezone.now())
    return True


def test_control_looking_first_lets_each_of_two_answers_miss_the_other() -> None:
    """What settling must not be: counted before the other answer is in, each finds too few."""
    first, _, rater = make_qualification(gold=2, pass_items=2)
    rows = two_rows(first, rater)
    pause = threading.Barrier(2, timeout=PATIENCE)

    def look_then_answer(row: int) -> bool:
        score = queries.scores(round_=first, rater_ids=[rater.pk])[rater.pk]
        pause.wait()
        send(rater, row)
        return score.items + 1 >= 2

    assert at_once([partial(look_then_answer, row) for row in rows]) == [False, False]


def test_two_answers_at_once_that_reach_the_mark_together_admit_once() -> None:
    first, round_, rater = make_qualification(gold=2, pass_items=2)
    rows = two_rows(first, rater)
    assert at_once([partial(send, rater, row) for row in rows]) == [True, True]
    assert Admission.objects.count() == 1
    assert Admission.objects.get().figures["items"] == 2
    assert AuditEvent.objects.filter(verb="round.qualification_passed").count() == 1
    assert health.raters_counters_are_true().is_ok
    assert claim_now(round_, rater).assignment_id is not None


def test_control_without_the_constraint_two_acts_would_admit_twice() -> None:
    """What makes it one admission is the database and not the look before."""
    first, _, rater = make_qualification(gold=1, pass_items=1)
    pause = threading.Barrier(2, timeout=PATIENCE)

    def look_then_write() -> bool:
        was_there = Admission.objects.filter(qualification=first, rater=rater).exists()
        pause.wait()
        try:
            Admission.objects.create(qualification=first, rater=rater)
        except IntegrityError:
            return False
        return not was_there

    assert sorted(at_once([look_then_write] * 2)) == [False, True]


def test_many_windows_that_ask_after_a_correction_admit_once() -> None:
    first, round_, rater = make_qualification(gold=1, pass_items=1)
    given = claim_now(first, rater).assignment_id
    assert given is not None
    ones = dict.fromkeys(builders.FOUR, "1")
    rating.submit(assignment_id=given, rater=rater, labels=ones, now=timezone.now())
    assert claim_now(round_, rater).reason == Reason.NOT_QUALIFIED
    Rating.objects.filter(assignment=given).update(label="4")
    asked = [
        partial(admissions.admitted, qualification_id=first.pk, rater_id=rater.pk) for _ in range(4)
    ]
    assert at_once(asked) == [True] * 4
    assert Admission.objects.count() == 1
    assert AuditEvent.objects.filter(verb="round.qualification_passed").count() == 1
