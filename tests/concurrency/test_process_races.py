"""Raters in processes of their own. Threads of one process queue before they write to SQLite, so
only processes meet at the database itself; on PostgreSQL it is as in production.
"""

from __future__ import annotations

from collections import Counter

import pytest

from annotation.models import Assignment, Rating, RoundItem
from annotation.states import LIVE_ASSIGNMENTS, AssignmentState
from tests.concurrency.racing import FOURS, make_round
from tests.concurrency.windows import AT_WORK, NAIVE, Window, all_told

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.databases,
    pytest.mark.processes,
]

ITEMS, WINDOWS = 15, 5


def test_control_without_the_guard_two_processes_get_one_slot() -> None:
    round_, raters = make_round(items=1, raters=2, overlap=1)
    first, second = all_told(
        [Window(NAIVE, round_id=round_.pk, rater_id=rater.pk, seed=0) for rater in raters]
    )
    assert first == second


def test_ten_processes_of_two_raters_rate_each_item_once_and_lose_nothing() -> None:
    """Every lease of everybody runs out again and again, and each answer is sent twice."""
    round_, raters = make_round(items=ITEMS, raters=2, overlap=2)
    told = all_told(
        [
            Window(AT_WORK, round_id=round_.pk, rater_id=rater.pk, seed=seed)
            for seed in range(WINDOWS)
            for rater in raters
        ]
    )
    rows = Assignment.objects.filter(round=round_)
    answered = rows.filter(state=AssignmentState.SUBMITTED)
    by_item = Counter(rows.filter(state__in=LIVE_ASSIGNMENTS).values_list("item", flat=True))
    assert set(by_item.values()) == {2}
    assert set(Counter(answered.values_list("item", "rater")).values()) == {1}
    assert answered.count() == ITEMS * len(raters)
    stored = {slot for slots in told for slot in slots}
    assert stored == set(answered.values_list("pk", flat=True))
    assert Rating.objects.count() == ITEMS * len(raters) * len(FOURS)
    assert set(RoundItem.objects.values_list("taken", "is_full")) == {(2, True)}
