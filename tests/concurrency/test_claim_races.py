"""Raters at the same time: real threads with connections of their own, on either database.

Each race is run first with its guard taken away (`naive_*`): it has to go wrong there, else the
test would prove nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.models import Rater
from annotation.models import Assignment, Rating, ReferenceLabel, Round, RoundItem
from annotation.services import claim, rating
from annotation.states import LIVE_ASSIGNMENTS, AssignmentState
from core.errors import Conflict
from tests.concurrency.racing import FOURS, PATIENCE, at_once, claim_now, make_round, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


def naive_claim(round_: Round, rater: Rater, pause: threading.Barrier) -> int | None:
    """What a claim must not be: look first, write later, without asking whether it still holds."""
    slot = (
        Assignment.objects.filter(round=round_, state=AssignmentState.OPEN).order_by("pk").first()
    )
    pause.wait()
    if slot is None:
        return None
    now = timezone.now()
    Assignment.objects.filter(pk=slot.pk).update(
        state=AssignmentState.LEASED, rater=rater, lease_until=now, leased_at=now
    )
    return slot.pk


def naive_submit(row: Assignment, pause: threading.Barrier) -> bool:
    """What a submit must not be: both clicks find the lease and both say that they stored it."""
    is_leased = Assignment.objects.filter(pk=row.pk, state=AssignmentState.LEASED).exists()
    pause.wait()
    Assignment.objects.filter(pk=row.pk).update(
        state=AssignmentState.SUBMITTED, submitted_at=timezone.now(), lease_until=None
    )
    return is_leased


def test_control_without_the_guard_two_raters_get_one_slot() -> None:
    round_, raters = make_round(items=1, raters=2, overlap=1)
    pause = threading.Barrier(2, timeout=PATIENCE)
    given = at_once([partial(naive_claim, round_, r, pause) for r in raters])
    assert given[0] is not None
    assert given[0] == given[1]


def test_one_slot_goes_to_one_of_many_raters() -> None:
    round_, raters = make_round(items=1, raters=6, overlap=1)
    given = at_once([partial(claim_now, round_, r) for r in raters])
    assert len([one for one in given if one.assignment_id is not None]) == 1


def test_raters_at_work_together_never_exceed_the_overlap_nor_repeat_an_item() -> None:
    round_, raters = make_round(items=12, raters=6, overlap=3)
    given = at_once([partial(work, round_, r) for r in raters])
    rows = Assignment.objects.filter(round=round_)
    by_item = Counter(rows.filter(state__in=LIVE_ASSIGNMENTS).values_list("item", flat=True))
    pairs = Counter(rows.filter(rater__isnull=False).values_list("item", "rater"))
    told = [assignment for one in given for assignment in one]
    assert set(by_item.values()) == {3}
    assert set(pairs.values()) == {1}
    assert len(told) == len(set(told)) == 36
    assert set(RoundItem.objects.values_list("taken", "is_full")) == {(3, True)}
    assert Rating.objects.count() == 36 * 4


def test_the_last_two_raters_of_an_item_leave_a_reference_label() -> None:
    round_, raters = make_round(items=1, raters=2, overlap=2)
    at_once([partial(work, round_, r) for r in raters])
    assert ReferenceLabel.objects.filter(dimension_key="safety").exists()


def test_one_rater_in_two_windows_holds_one_lease() -> None:
    round_, raters = make_round(items=6, raters=1, overlap=1)
    given = at_once([partial(claim_now, round_, raters[0])] * 6)
    assert len({one.assignment_id for one in given}) == 1
    assert Assignment.objects.filter(state=AssignmentState.LEASED).count() == 1
    assert sum(RoundItem.objects.values_list("taken", flat=True)) == 1


def test_control_without_the_guard_both_clicks_think_they_stored_the_answer() -> None:
    round_, raters = make_round(items=1, raters=1, overlap=1)
    row = _take(round_, raters[0])
    pause = threading.Barrier(2, timeout=PATIENCE)
    stored = at_once([partial(naive_submit, row, pause)] * 2)
    assert stored == [True, True]


def test_a_double_click_stores_one_answer_and_both_are_told_so() -> None:
    round_, raters = make_round(items=1, raters=1, overlap=1)
    row = _take(round_, raters[0])

    def click() -> int:
        return rating.submit(
            assignment_id=row.pk, rater=raters[0], labels=FOURS, now=timezone.now()
        ).pk

    assert at_once([click] * 4) == [row.pk] * 4
    assert Rating.objects.count() == 4


def test_a_lease_that_lapses_while_others_claim_is_taken_back_once() -> None:
    round_, raters = make_round(items=3, raters=5, overlap=1)
    for rater in raters[:3]:
        _take(round_, rater)
    later = timezone.now() + timedelta(hours=2)

    def sweep() -> int:
        return claim.expire(later)

    assert sum(at_once([sweep] * 4)) == 3
    assert set(RoundItem.objects.values_list("taken", "is_full")) == {(0, False)}


def test_a_late_answer_and_a_new_claim_cannot_both_have_the_slot() -> None:
    round_, raters = make_round(items=1, raters=2, overlap=1)
    row = _take(round_, raters[0])
    claim.expire(timezone.now() + timedelta(hours=2))

    def answer() -> bool:
        try:
            rating.submit(assignment_id=row.pk, rater=raters[0], labels=FOURS, now=timezone.now())
        except Conflict:
            return False
        return True

    def take() -> bool:
        given = claim.next_slot(round_id=round_.pk, rater_id=raters[1].pk, now=timezone.now())
        return given.assignment_id is not None

    assert sorted(at_once([answer, take])) == [False, True]
    assert RoundItem.objects.get().taken == 1


def _take(round_: Round, rater: Rater) -> Assignment:
    given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=timezone.now())
    assert given.assignment_id is not None
    return Assignment.objects.get(pk=given.assignment_id)
