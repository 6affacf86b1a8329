"""A lead's acts while raters work: whoever is first, no slot is lost and none is held twice.

Each race is run first with its guard taken away (`naive_*`), where it has to go wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.utils import timezone

from accounts.models import Rater, User
from accounts.roles import Role
from annotation.models import Assignment, Draft, Rating, Round, RoundItem, RoundRater, Withdrawal
from annotation.queries import health
from annotation.services import claim, handing, rating, removing, withdrawing
from annotation.states import LIVE_ASSIGNMENTS, AssignmentState
from core.errors import Conflict
from tests import builders
from tests.concurrency.racing import FOURS, PATIENCE, at_once, claim_now, make_round

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

AGAIN = range(6)


def lead_of(round_: Round) -> User:
    return builders.join(round_.project, builders.make_user(username="lea"), Role.LEAD)


def told(act: Callable[[], object]) -> bool:
    """Whether the act was done; a refusal is an answer too."""
    try:
        act()
    except Conflict:
        return False
    return True


def held_by(round_: Round, rater: Rater) -> Assignment:
    given = claim_now(round_, rater)
    assert given.assignment_id is not None
    return Assignment.objects.get(pk=given.assignment_id)


def withdraw(round_: Round, item_id: int, lead: User) -> bool:
    return told(
        lambda: withdrawing.withdraw_item(
            round_id=round_.pk, item_id=item_id, reason="Broken.", by=lead, now=timezone.now()
        )
    )


def remove(round_: Round, rater: Rater, lead: User) -> bool:
    return told(
        lambda: removing.remove_rater(
            round_id=round_.pk,
            rater_id=rater.pk,
            keep_answers=False,
            reason="Clicked through.",
            by=lead,
            now=timezone.now(),
        )
    )


def skip(row: Assignment, rater: Rater) -> bool:
    return told(
        lambda: rating.skip(
            assignment_id=row.pk, rater=rater, reason="Not mine.", now=timezone.now()
        )
    )


def submit(row: Assignment, rater: Rater) -> bool:
    return told(
        lambda: rating.submit(assignment_id=row.pk, rater=rater, labels=FOURS, now=timezone.now())
    )


def naive_withdraw(item_id: int, looked: threading.Barrier, changed: threading.Barrier) -> None:
    """What a withdrawal must not be: the rows that it saw, whatever came since."""
    rows = Assignment.objects.filter(item=item_id, state__in=LIVE_ASSIGNMENTS)
    seen = list(rows.values_list("pk", flat=True))
    looked.wait()
    changed.wait()
    Assignment.objects.filter(pk__in=seen, state__in=LIVE_ASSIGNMENTS).update(
        state=AssignmentState.WITHDRAWN, lease_until=None
    )


def naive_lease(round_: Round, rater: Rater, pause: threading.Barrier) -> None:
    """What a claim must not be: a member when it looked, a lease whoever left since."""
    is_member = RoundRater.objects.filter(round=round_, rater=rater, removed_at=None).exists()
    pause.wait()
    pause.wait()
    if is_member:
        now = timezone.now()
        slot = Assignment.objects.filter(round=round_, state=AssignmentState.OPEN).earliest("pk")
        Assignment.objects.filter(pk=slot.pk, state=AssignmentState.OPEN).update(
            state=AssignmentState.LEASED, rater=rater, lease_until=now, leased_at=now
        )


def test_control_without_the_guard_a_skip_leaves_a_slot_of_a_withdrawn_item() -> None:
    round_, (rater,) = make_round(items=1, raters=1, overlap=1)
    row = held_by(round_, rater)
    looked, changed = (threading.Barrier(2, timeout=PATIENCE) for _ in range(2))

    def skip_between() -> None:
        looked.wait()
        skip(row, rater)
        changed.wait()

    acts: list[Callable[[], None]] = [
        partial(naive_withdraw, row.item_id, looked, changed),
        skip_between,
    ]
    at_once(acts)
    assert Assignment.objects.filter(state=AssignmentState.OPEN).exists()


@pytest.mark.parametrize("_", AGAIN)
def test_a_withdrawn_item_keeps_no_slot_whatever_raters_do_meanwhile(_: int) -> None:
    round_, raters = make_round(items=1, raters=5, overlap=3)
    lead = lead_of(round_)
    first, second = held_by(round_, raters[0]), held_by(round_, raters[1])
    acts: list[Callable[[], bool]] = [
        partial(skip, first, raters[0]),
        partial(withdraw, round_, first.item_id, lead),
        partial(submit, second, raters[1]),
    ]
    acts += [partial(told, partial(claim_now, round_, rater)) for rater in raters[2:]]
    done = at_once(acts)
    assert done[1]
    assert not Assignment.objects.filter(state__in=LIVE_ASSIGNMENTS).exists()
    assert RoundItem.objects.values_list("taken", "is_full").get() == (0, True)
    assert Rating.objects.count() == (len(FOURS) if done[2] else 0)


def test_of_two_leads_one_withdraws_the_item() -> None:
    round_, _ = make_round(items=1, raters=2, overlap=2)
    lead = lead_of(round_)
    item = RoundItem.objects.get().item_id
    assert sorted(at_once([partial(withdraw, round_, item, lead)] * 3)) == [False, False, True]
    assert Withdrawal.objects.count() == 1


def test_control_without_the_guard_a_removed_rater_gets_a_lease() -> None:
    round_, (rater,) = make_round(items=1, raters=1, overlap=1)
    lead = lead_of(round_)
    pause = threading.Barrier(2, timeout=PATIENCE)

    def remove_between() -> None:
        pause.wait()
        removing.remove_rater(
            round_id=round_.pk,
            rater_id=rater.pk,
            keep_answers=True,
            reason="On leave.",
            by=lead,
            now=timezone.now(),
        )
        pause.wait()

    acts: list[Callable[[], None]] = [
        partial(naive_lease, round_, rater, pause),
        remove_between,
    ]
    at_once(acts)
    assert Assignment.objects.filter(rater=rater, state=AssignmentState.LEASED).exists()


@pytest.mark.parametrize("_", AGAIN)
def test_a_rater_who_is_removed_while_asking_holds_nothing(_: int) -> None:
    round_, raters = make_round(items=4, raters=2, overlap=1)
    lead = lead_of(round_)
    builders.make_rating(round_, RoundItem.objects.earliest("pk").item, raters[0], labels=FOURS)
    RoundItem.objects.filter(pk=RoundItem.objects.earliest("pk").pk).update(taken=1, is_full=True)
    acts: list[Callable[[], bool]] = [
        partial(told, partial(claim_now, round_, raters[0])),
        partial(remove, round_, raters[0], lead),
    ]
    done = at_once(acts)
    assert done[1]
    assert not Assignment.objects.filter(
        rater=raters[0], state__in=(AssignmentState.LEASED, AssignmentState.SUBMITTED)
    ).exists()
    assert health.counters_are_true().is_ok


@pytest.mark.parametrize("_", AGAIN)
def test_an_answer_that_comes_while_its_rater_is_removed_counts_nowhere_and_is_kept(
    _: int,
) -> None:
    round_, raters = make_round(items=2, raters=1, overlap=1)
    lead = lead_of(round_)
    row = held_by(round_, raters[0])
    acts: list[Callable[[], bool]] = [
        partial(submit, row, raters[0]),
        partial(remove, round_, raters[0], lead),
    ]
    stored, removed = at_once(acts)
    assert removed
    assert not Assignment.objects.filter(state=AssignmentState.SUBMITTED).exists()
    assert Rating.objects.count() == (len(FOURS) if stored else 0)
    assert Assignment.objects.filter(state=AssignmentState.OPEN).count() == 2
    assert health.counters_are_true().is_ok


@pytest.mark.parametrize("_", AGAIN)
def test_an_answer_that_comes_back_and_a_claim_cannot_both_have_the_slot(_: int) -> None:
    round_, raters = make_round(items=1, raters=2, overlap=1)
    lead = lead_of(round_)
    row = held_by(round_, raters[0])
    submit(row, raters[0])
    remove(round_, raters[0], lead)
    made = Withdrawal.objects.get()

    def undo() -> int:
        return removing.take_back_rater(withdrawal_id=made.pk, by=lead, now=timezone.now()).answers

    def take() -> int:
        given = claim.next_slot(round_id=round_.pk, rater_id=raters[1].pk, now=timezone.now())
        return int(given.assignment_id is not None)

    assert sum(at_once([undo, take])) == 1
    assert RoundItem.objects.values_list("taken", "is_full").get() == (1, True)
    assert health.counters_are_true().is_ok


def hand_back(round_: Round, rater: Rater, lead: User) -> bool:
    return told(
        lambda: handing.hand_back(
            round_id=round_.pk, rater_id=rater.pk, by=lead, now=timezone.now()
        )
    )


def naive_hand_back(row: Assignment, looked: threading.Barrier, changed: threading.Barrier) -> None:
    """What handing back must not be: the row that it saw, whatever became of it since."""
    is_leased = Assignment.objects.filter(pk=row.pk, state=AssignmentState.LEASED).exists()
    looked.wait()
    changed.wait()
    if is_leased:
        Assignment.objects.filter(pk=row.pk).update(
            state=AssignmentState.OPEN, rater=None, lease_until=None, submitted_at=None
        )


def test_control_without_the_guard_handing_back_loses_an_answer() -> None:
    round_, (rater,) = make_round(items=1, raters=1, overlap=1)
    row = held_by(round_, rater)
    looked, changed = (threading.Barrier(2, timeout=PATIENCE) for _ in range(2))

    def submit_between() -> None:
        looked.wait()
        submit(row, rater)
        changed.wait()

    acts: list[Callable[[], None]] = [
        partial(naive_hand_back, row, looked, changed),
        submit_between,
    ]
    at_once(acts)
    assert Rating.objects.filter(assignment=row).exists()
    assert not Assignment.objects.filter(state=AssignmentState.SUBMITTED).exists()


@pytest.mark.parametrize("_", AGAIN)
def test_an_answer_sent_while_its_item_is_handed_back_counts_or_is_kept(_: int) -> None:
    round_, raters = make_round(items=1, raters=2, overlap=1)
    lead = lead_of(round_)
    row = held_by(round_, raters[0])
    acts: list[Callable[[], bool]] = [
        partial(hand_back, round_, raters[0], lead),
        partial(submit, row, raters[0]),
        partial(told, partial(claim_now, round_, raters[1])),
    ]
    done = at_once(acts)
    mine = Assignment.objects.filter(rater=raters[0], state=AssignmentState.SUBMITTED)
    assert mine.count() == (1 if done[1] else 0)
    assert done[1] or Draft.objects.filter(rater=raters[0]).exists()
    assert Assignment.objects.filter(state__in=LIVE_ASSIGNMENTS).count() == 1
    assert health.counters_are_true().is_ok


# Kept for one rater -------------------------------------------------------------------------------


def keep(round_: Round, item_id: int, rater: Rater, lead: User) -> bool:
    return told(
        lambda: handing.keep_for(
            round_id=round_.pk, item_id=item_id, rater_id=rater.pk, by=lead, now=timezone.now()
        )
    )


def hand_on(round_: Round, rater: Rater, to: Rater, lead: User) -> bool:
    return told(
        lambda: handing.hand_back(
            round_id=round_.pk, rater_id=rater.pk, to=to.pk, by=lead, now=timezone.now()
        )
    )


def let_go(round_: Round, slot: int, lead: User) -> bool:
    return told(lambda: handing.let_go(round_id=round_.pk, assignment_id=slot, by=lead))


def naive_keep(slot: int, rater: Rater, looked: threading.Barrier, kept: threading.Barrier) -> bool:
    """What keeping must not be: a look, and a change that asks nothing."""
    is_free = Assignment.objects.filter(pk=slot, state=AssignmentState.OPEN).exists()
    looked.wait()
    Assignment.objects.filter(pk=slot).update(kept_for=rater, kept_until=timezone.now())
    kept.wait()
    return is_free


def naive_lease_of(
    slot: int, rater: Rater, looked: threading.Barrier, kept: threading.Barrier
) -> bool:
    is_free = Assignment.objects.filter(pk=slot, kept_for__isnull=True).exists()
    looked.wait()
    kept.wait()
    Assignment.objects.filter(pk=slot).update(
        state=AssignmentState.LEASED,
        rater=rater,
        lease_until=timezone.now(),
        kept_for=None,
        kept_until=None,
    )
    return is_free


def test_control_without_the_guard_a_slot_is_kept_for_one_and_held_by_another() -> None:
    _, raters = make_round(items=1, raters=2, overlap=1)
    slot = Assignment.objects.get().pk
    looked, kept = (threading.Barrier(2, timeout=PATIENCE) for _ in range(2))
    acts: list[Callable[[], bool]] = [
        partial(naive_keep, slot, raters[0], looked, kept),
        partial(naive_lease_of, slot, raters[1], looked, kept),
    ]
    assert at_once(acts) == [True, True], "both were told that it is theirs"
    assert Assignment.objects.get().rater == raters[1]


@pytest.mark.parametrize("_", AGAIN)
def test_a_slot_is_kept_for_one_or_held_by_another(_: int) -> None:
    round_, raters = make_round(items=1, raters=3, overlap=1)
    lead, item_id = lead_of(round_), RoundItem.objects.get().item_id
    acts: list[Callable[[], bool]] = [
        partial(keep, round_, item_id, raters[0], lead),
        partial(told, partial(claim_now, round_, raters[1])),
        partial(told, partial(claim_now, round_, raters[2])),
    ]
    is_kept = at_once(acts)[0]
    row = Assignment.objects.get()
    assert (row.kept_for == raters[0]) is is_kept
    assert (row.state == AssignmentState.LEASED) is not is_kept
    assert health.counters_are_true().is_ok


@pytest.mark.parametrize("_", AGAIN)
def test_what_is_kept_is_taken_or_let_go_and_never_both(_: int) -> None:
    round_, raters = make_round(items=1, raters=2, overlap=1)
    lead, item_id = lead_of(round_), RoundItem.objects.get().item_id
    assert keep(round_, item_id, raters[0], lead)
    slot = Assignment.objects.get().pk
    acts: list[Callable[[], bool]] = [
        partial(let_go, round_, slot, lead),
        partial(told, partial(claim_now, round_, raters[0])),
        partial(told, partial(claim_now, round_, raters[1])),
    ]
    is_free = at_once(acts)[0]
    row = Assignment.objects.get()
    assert row.kept_for is None
    assert is_free or row.rater == raters[0]
    assert health.counters_are_true().is_ok


@pytest.mark.parametrize("_", AGAIN)
def test_what_is_handed_on_reaches_its_rater_whatever_both_do(_: int) -> None:
    round_, raters = make_round(items=4, raters=3, overlap=2)
    lead = lead_of(round_)
    row = held_by(round_, raters[0])
    acts: list[Callable[[], bool]] = [
        partial(hand_on, round_, raters[0], raters[1], lead),
        partial(submit, row, raters[0]),
        partial(told, partial(claim_now, round_, raters[1])),
        partial(told, partial(claim_now, round_, raters[2])),
    ]
    is_handed = at_once(acts)[0]
    of_item = Assignment.objects.filter(item=row.item_id, state__in=LIVE_ASSIGNMENTS)
    assert of_item.count() == 2
    assert (
        not is_handed
        or of_item.filter(kept_for=raters[1]).exists()
        or (of_item.filter(rater=raters[1]).exists())
    )
    assert health.counters_are_true().is_ok
    assert health.nobody_is_over_overlap().is_ok
