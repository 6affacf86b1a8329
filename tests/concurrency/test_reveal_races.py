"""A reveal while people submit and change: nothing moves after it, nothing stored before is lost.

The race is run first with its guard taken away (`naive_submit`), where it has to go wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Rater
from annotation.models import Assignment, Rating, Round
from annotation.services import claim, rating, sessionrounds
from annotation.services.worktime import active_seconds
from annotation.states import AssignmentState
from calibration.services import sessions
from calibration.states import SessionState
from core.errors import Conflict
from tests.concurrency.racing import PATIENCE, at_once
from tests.sessions import Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

AGAIN = range(5)
FOUR = {"accuracy": "4", "clarity": "4"}
ONE = {"accuracy": "1", "clarity": "1"}


def told(act: Callable[[], object]) -> bool:
    """Whether the act was done; a refusal is an answer too."""
    try:
        act()
    except Conflict:
        return False
    return True


def held_by(round_: Round, rater: Rater) -> int:
    given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=timezone.now())
    assert given.assignment_id is not None
    return given.assignment_id


def submit(row: int, rater: Rater) -> bool:
    return told(
        lambda: rating.submit(assignment_id=row, rater=rater, labels=FOUR, now=timezone.now())
    )


def amend(row: int, rater: Rater) -> bool:
    return told(
        lambda: rating.amend(assignment_id=row, rater=rater, labels=ONE, now=timezone.now())
    )


def shown() -> list[tuple[int, str]]:
    """What everybody can read from the reveal on."""
    current = Rating.objects.filter(
        is_current=True, assignment__state=AssignmentState.SUBMITTED
    ).order_by("assignment", "dimension")
    return list(current.values_list("assignment_id", "label"))


def reveal_and_read(scene: Scene) -> list[tuple[int, str]]:
    sessions.reveal(session_id=scene.session.pk, by=scene.lea, now=timezone.now())
    return shown()


def naive_submit(row: int, looked: threading.Barrier, revealed: threading.Barrier) -> None:
    """What a submit must not be: it looks whether there was a reveal, then it writes."""
    assignment = Assignment.objects.select_related("round").get(pk=row)
    is_open = assignment.round.revealed_at is None
    looked.wait()
    revealed.wait()
    if is_open:
        with transaction.atomic():
            Assignment.objects.filter(pk=row, state=AssignmentState.LEASED).update(
                state=AssignmentState.SUBMITTED, submitted_at=timezone.now(), lease_until=None
            )


def test_control_without_the_guard_an_answer_slips_in_after_the_reveal() -> None:
    scene = Scene()
    row = held_by(scene.start(), scene.rater(scene.ana))
    looked, revealed = (threading.Barrier(2, timeout=PATIENCE) for _ in range(2))

    def reveal_between() -> None:
        looked.wait()
        reveal_and_read(scene)
        revealed.wait()

    acts: list[Callable[[], None]] = [
        partial(naive_submit, row, looked, revealed),
        reveal_between,
    ]
    at_once(acts)
    found = Assignment.objects.select_related("round").get(pk=row)
    assert found.state == AssignmentState.SUBMITTED
    assert found.submitted_at is not None
    assert found.round.revealed_at is not None
    assert found.submitted_at > found.round.revealed_at


def test_a_submit_that_looked_before_the_reveal_and_writes_after_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The window of the control, held open in the real service between its look and its write."""
    scene = Scene()
    rater = scene.rater(scene.ana)
    row = held_by(scene.start(), rater)
    looked, revealed = (threading.Barrier(2, timeout=PATIENCE) for _ in range(2))
    counted = active_seconds

    def pause(*args: object, **kwargs: object) -> float:
        looked.wait()
        revealed.wait()
        return counted(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(rating, "counted", pause)
    seen: list[list[tuple[int, str]]] = []

    def reveal_between() -> bool:
        looked.wait()
        seen.append(reveal_and_read(scene))
        # Its draft is kept, which counts the time once more, without waiting.
        monkeypatch.setattr(rating, "counted", counted)
        revealed.wait()
        return True

    assert at_once([lambda: submit(row, rater), reveal_between]) == [False, True]
    assert shown() == seen[0] == []


@pytest.mark.parametrize("_", AGAIN)
def test_whoever_is_first_nothing_changes_after_the_reveal_and_nothing_is_lost(_: int) -> None:
    scene = Scene()
    round_ = scene.start()
    people = [scene.rater(user) for user in (scene.ana, scene.ben, scene.lea)]
    rows = [held_by(round_, rater) for rater in people]
    assert submit(rows[2], people[2])
    acts: list[Callable[[], object]] = [
        partial(submit, rows[0], people[0]),
        partial(submit, rows[1], people[1]),
        partial(amend, rows[2], people[2]),
        partial(reveal_and_read, scene),
    ]
    first, second, changed, seen = at_once(acts)
    assert shown() == seen
    stored = {row for row, _label in shown()}
    assert (rows[0] in stored, rows[1] in stored) == (first, second)
    assert {label for row, label in shown() if row == rows[2]} == ({"1"} if changed else {"4"})
    round_.refresh_from_db()
    assert round_.revealed_at is not None
    answered = Assignment.objects.filter(round=round_, state=AssignmentState.SUBMITTED)
    assert all(row.submitted_at <= round_.revealed_at for row in answered if row.submitted_at)


def test_a_submit_waits_for_a_reveal_that_is_under_way() -> None:
    """On PostgreSQL a conditional statement alone would see the round as it was before."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time: the second waits before it looks")
    scene = Scene()
    rater = scene.rater(scene.ana)
    round_ = scene.start()
    row = held_by(round_, rater)
    begun = threading.Event()

    def slow_reveal() -> bool:
        with transaction.atomic():
            sessionrounds.reveal(round_id=round_.pk, by=scene.lea, now=timezone.now())
            begun.set()
            threading.Event().wait(0.5)
        return True

    def submit_meanwhile() -> bool:
        assert begun.wait(PATIENCE)
        return submit(row, rater)

    assert at_once([slow_reveal, submit_meanwhile]) == [True, False]
    assert shown() == []


@pytest.mark.parametrize("_", AGAIN)
def test_two_leads_start_reveal_and_close_at_once_and_one_of_them_does(_: int) -> None:
    scene = Scene()
    pk, now = scene.session.pk, timezone.now()
    for act in (sessions.start, sessions.reveal, sessions.close):
        done = at_once(
            [lambda act=act: told(lambda: act(session_id=pk, by=scene.lea, now=now))] * 2  # type: ignore[misc]
        )
        assert sorted(done) == [False, True]
    scene.session.refresh_from_db()
    assert scene.session.state == SessionState.CLOSED
    assert Round.objects.count() == 1
