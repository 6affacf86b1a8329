"""Seconds at work: no page gets more of them taken than have passed on the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from accounts.models import Rater
from accounts.roles import Role
from annotation.models import Assignment, Dataset, Draft, GuidelineVersion
from annotation.services import claim, rating
from tests import builders
from tests.builders import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

FOURS = dict.fromkeys(builders.FOUR, "4")
HALF_AN_HOUR = claim.lease_time()


@dataclass
class Seat:
    """A rater with an item that was handed out at noon."""

    row: Assignment
    rater: Rater

    def draft(self, seconds: float, *, after: float) -> float:
        """What is kept of the seconds claimed so many seconds after noon."""
        draft = rating.save_draft(
            assignment_id=self.row.pk,
            rater=self.rater,
            labels={},
            active_seconds=seconds,
            now=at(after),
        )
        return draft.active_seconds

    def submit(self, seconds: float, *, after: float) -> float:
        stored = rating.submit(
            assignment_id=self.row.pk,
            rater=self.rater,
            labels=FOURS,
            active_seconds=seconds,
            now=at(after),
        )
        stored.refresh_from_db()
        return stored.active_seconds


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def seat() -> Seat:
    project = builders.make_project()
    user = builders.join(project, builders.make_user(username="ana"), Role.RATER)
    rater = builders.rater_of(project, user)
    return take_seat(builders.make_dataset(project), builders.make_guideline(project), rater)


@pytest.fixture
def other_seat(seat: Seat) -> Seat:
    """The same rater's item of another round, handed out at noon too."""
    dataset = builders.make_dataset(seat.rater.project, name="week 47")
    return take_seat(dataset, seat.row.round.guideline_version, seat.rater)


def take_seat(dataset: Dataset, version: GuidelineVersion, rater: Rater) -> Seat:
    round_ = builders.make_round(
        dataset,
        version,
        items=[builders.make_item(dataset)],
        raters=[rater],
        overlap=1,
        name=f"Round on {dataset.name}",
    )
    given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=NOON)
    assert given.assignment_id is not None
    return Seat(Assignment.objects.get(pk=given.assignment_id), rater)


def test_what_was_counted_is_kept(seat: Seat) -> None:
    assert seat.draft(40, after=60) == 40
    assert seat.submit(70, after=100) == 70


def test_drafts_sent_over_and_over_do_not_make_time(seat: Seat) -> None:
    for second in range(1, 6):
        assert seat.draft(3_600, after=second) == second
    assert seat.submit(3_600, after=10) == 10


def test_time_away_between_draft_and_answer_is_not_added_by_the_server(seat: Seat) -> None:
    seat.draft(40, after=60)
    assert seat.submit(45, after=1_700) == 45


def test_a_late_answer_counts_the_lease_that_ran_out_and_what_came_after(seat: Seat) -> None:
    claim.expire(NOON + HALF_AN_HOUR)
    late = HALF_AN_HOUR.total_seconds() + 60
    assert seat.submit(90_000, after=late) == late


def test_active_time_is_never_more_than_has_passed(seat: Seat) -> None:
    assert seat.submit(90_000, after=240) == 240


def test_no_item_takes_more_than_two_hours(seat: Seat) -> None:
    Draft.objects.create(
        round=seat.row.round, item=seat.row.item, rater=seat.rater,
        active_seconds=7_100, saved_at=NOON,
    )  # fmt: skip
    assert seat.submit(90_000, after=1_000) == 7_200


def test_two_windows_do_not_make_one_hour_two(seat: Seat, other_seat: Seat) -> None:
    assert seat.submit(600, after=600) == 600
    assert other_seat.submit(700, after=700) == 100


def test_who_goes_to_and_fro_between_two_items_loses_nothing(seat: Seat, other_seat: Seat) -> None:
    assert seat.draft(60, after=60) == 60
    assert other_seat.draft(240, after=300) == 240
    assert seat.submit(180, after=420) == 180
    assert other_seat.submit(300, after=480) == 300


def test_a_draft_elsewhere_counts_as_time_that_was_spent(seat: Seat, other_seat: Seat) -> None:
    seat.draft(500, after=500)
    assert other_seat.submit(600, after=600) == 100


@pytest.mark.parametrize("act", [rating.skip, rating.flag])
def test_the_time_before_an_item_was_passed_by_is_kept(seat: Seat, act: object) -> None:
    assert callable(act)
    act(
        assignment_id=seat.row.pk,
        rater=seat.rater,
        reason="The response is cut off",
        active_seconds=20.0,
        now=at(30),
    )
    seat.row.refresh_from_db()
    assert seat.row.active_seconds == 20


@pytest.mark.parametrize("claimed", [float("nan"), float("inf"), -1.0, 0.0])
def test_what_is_no_time_counts_as_none(seat: Seat, claimed: float) -> None:
    assert seat.submit(claimed, after=60) == 0
