"""Quotas and gold items under raters at the same time, on either database. See test_claim_races."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from annotation.models import Assignment, Round, RoundItem, RoundRater
from annotation.queries import health
from annotation.services import claim
from annotation.states import AssignmentState
from tests import builders
from tests.concurrency.racing import PATIENCE, at_once, make_round, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


def test_control_counting_first_lets_two_answers_past_the_quota() -> None:
    """What a quota must not be: counted first, acted on later."""
    round_, raters = make_round(items=4, raters=1, overlap=1)
    RoundRater.objects.update(quota=1)
    pause = threading.Barrier(2, timeout=PATIENCE)

    def count_then_act() -> bool:
        member = RoundRater.objects.get(round=round_, rater=raters[0])
        pause.wait()
        return member.quota is not None and member.answered < member.quota

    assert at_once([count_then_act] * 2) == [True, True]


def test_many_windows_at_the_edge_of_the_quota_do_not_pass_it() -> None:
    round_, raters = make_round(items=12, raters=1, overlap=1)
    RoundRater.objects.update(quota=5)
    at_once([partial(work, round_, raters[0])] * 4)
    assert Assignment.objects.filter(state=AssignmentState.SUBMITTED).count() == 5
    assert RoundRater.objects.get().answered == 5
    assert not Assignment.objects.filter(state=AssignmentState.LEASED).exists()


def test_a_lease_and_an_answer_of_one_rater_stand_in_line_at_the_quota() -> None:
    """The last answer of the quota is under way: no lease comes before it is in or given up."""
    _, raters = make_round(items=2, raters=1, overlap=1)
    RoundRater.objects.update(quota=1)
    place = RoundRater.objects.get()
    pause = threading.Barrier(2, timeout=PATIENCE)

    def answer() -> bool:
        with transaction.atomic():
            RoundRater.objects.filter(pk=place.pk).update(answered=F("answered") + 1)
            pause.wait()
        return True

    def lease() -> bool:
        pause.wait()
        with transaction.atomic():
            return claim.still_rates(
                round_id=place.round_id, rater_id=raters[0].pk, is_within_quota=True
            )

    assert at_once([answer, lease]) == [True, False]


def test_gold_items_are_given_once_to_each_of_many_windows_and_change_no_overlap() -> None:
    round_, raters = make_round(items=8, raters=3, overlap=2)
    Round.objects.update(gold_every=2)
    for number in range(4):
        item = builders.make_item(round_.dataset, external_id=f"g{number}")
        builders.make_gold(item, round_.guideline_version)
    at_once([partial(work, round_, r) for r in raters for _ in range(2)])
    rows = Assignment.objects.filter(state=AssignmentState.SUBMITTED)
    golds = Counter(rows.filter(gold__isnull=False).values_list("gold", "rater"))
    assert golds
    assert set(golds.values()) == {1}
    by_item = Counter(rows.filter(gold__isnull=True).values_list("item", flat=True))
    assert set(by_item.values()) == {2}
    assert set(RoundItem.objects.values_list("taken", "is_full")) == {(2, True)}
    assert health.raters_counters_are_true().is_ok


def test_control_without_the_constraint_two_windows_would_write_a_gold_item_twice() -> None:
    """What keeps a rater from having a gold item twice is the database and not the look before."""
    round_, raters = make_round(items=1, raters=1, overlap=1)
    other = builders.make_round(
        round_.dataset, round_.guideline_version, items=(), raters=raters, name="Round 2"
    )
    item = builders.make_item(round_.dataset, external_id="g")
    gold = builders.make_gold(item, round_.guideline_version)
    pause = threading.Barrier(2, timeout=PATIENCE)

    def look_then_write(of_round: Round) -> bool:
        had = Assignment.objects.filter(gold=gold, rater=raters[0]).exists()
        pause.wait()
        try:
            Assignment.objects.create(
                round=of_round,
                item=item,
                gold=gold,
                rater=raters[0],
                state=AssignmentState.LEASED,
                leased_at=timezone.now(),
                lease_until=timezone.now(),
            )
        except IntegrityError:
            return False
        return not had

    assert sorted(at_once([partial(look_then_write, one) for one in (round_, other)])) == [
        False,
        True,
    ]
