"""How fast a round goes and when it ends: pauses do not slow it, and too little tells nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.rules import pace
from annotation.rules.pace import QUARTER, pace_of

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def sitting(*, hours_ago: float, quarters: int, each: int) -> list[datetime]:
    """`each` ratings in every one of so many quarters, the first so long ago."""
    start = NOW - timedelta(hours=hours_ago)
    return [
        start + quarter * QUARTER + n * QUARTER / each
        for quarter in range(quarters)
        for n in range(each)
    ]


def test_a_steady_sitting_has_its_own_pace_and_hours_left() -> None:
    found = pace_of(sitting(hours_ago=2, quarters=8, each=10), left=100, now=NOW)
    assert (found.an_hour.value, found.an_hour.n) == (40, 8)
    assert found.hours_left.value == 2.5


def test_a_night_between_two_sittings_changes_no_pace() -> None:
    moments = sitting(hours_ago=2, quarters=8, each=10) + sitting(hours_ago=20, quarters=8, each=10)
    found = pace_of(moments, left=100, now=NOW)
    assert (found.an_hour.value, found.an_hour.n) == (40, 16)


def test_the_interval_is_the_t_interval_over_hours() -> None:
    # Two hours with 20 and 60 ratings: the mean is 40, its error 20, t for one degree 12.706.
    moments = sitting(hours_ago=2, quarters=4, each=5) + sitting(hours_ago=1, quarters=4, each=15)
    interval = pace_of(moments, left=100, now=NOW).an_hour.interval
    assert interval is not None
    assert interval.low == 0.0
    assert interval.high == pytest.approx(40 + 12.7062 * 20, abs=0.01)


def test_the_hours_left_take_their_interval_from_the_pace() -> None:
    moments = [
        moment
        for hour, each in enumerate((9, 10, 11, 10))
        for moment in sitting(hours_ago=4 - hour, quarters=4, each=each)
    ]
    found = pace_of(moments, left=100, now=NOW)
    assert found.an_hour.interval is not None
    assert found.hours_left.interval is not None
    assert found.hours_left.interval.low == pytest.approx(100 / found.an_hour.interval.high)
    assert found.hours_left.interval.high == pytest.approx(100 / found.an_hour.interval.low)


def test_the_end_is_found_from_how_much_of_a_day_is_rated() -> None:
    # Two hours a day at 40 an hour: 160 ratings are four hours, which are two days.
    moments = sitting(hours_ago=48, quarters=8, each=10) + sitting(
        hours_ago=24, quarters=8, each=10
    )
    found = pace_of(moments, left=160, now=NOW)
    assert (found.hours_a_day, found.days) == (2.0, 2.0)
    assert found.end == NOW + timedelta(days=2)


def test_the_interval_of_the_pace_gives_the_soonest_and_the_latest_end() -> None:
    moments = sitting(hours_ago=48, quarters=8, each=5) + sitting(hours_ago=24, quarters=8, each=15)
    found = pace_of(moments, left=160, now=NOW)
    left = found.hours_left.interval
    assert left is not None
    assert found.end is not None
    assert found.between == (
        NOW + timedelta(days=left.low / 2),
        NOW + timedelta(days=left.high / 2),
    )
    assert found.between[0] < found.end < found.between[1]


def test_the_first_day_has_a_pace_and_no_end() -> None:
    found = pace_of(sitting(hours_ago=23, quarters=8, each=10), left=100, now=NOW)
    assert found.an_hour.value == 40
    assert found.end is None
    assert found.no_end_because == pace.NOT_A_DAY


def test_an_end_beyond_ten_years_is_none() -> None:
    found = pace_of(sitting(hours_ago=30, quarters=4, each=1), left=10**9, now=NOW)
    assert (found.end, found.no_end_because) == (None, pace.TOO_FAR)


NONE = [
    ([], False, pace.NOT_BEGUN),
    ([], True, pace.LONG_AGO),
    ([NOW - timedelta(days=8)], True, pace.LONG_AGO),
    (sitting(hours_ago=2, quarters=3, each=40), True, pace.TOO_EARLY),
]


@pytest.mark.parametrize(("moments", "has_begun", "because"), NONE)
def test_too_little_to_go_by_is_said(
    moments: list[datetime], has_begun: bool, because: str
) -> None:
    found = pace_of(moments, left=5, now=NOW, has_begun=has_begun)
    assert (found.an_hour.value, found.end) == (None, None)
    assert found.an_hour.undefined_because == found.no_end_because == because


def test_the_quarter_that_runs_is_left_out() -> None:
    full = sitting(hours_ago=2, quarters=8, each=10)
    late = NOW + 5 * MINUTE
    assert pace_of([*full, NOW + MINUTE], left=5, now=late).an_hour.value == 40


@given(st.lists(st.integers(0, 12 * 24 * 60), max_size=200), st.integers(1, 10**6))
def test_nothing_that_comes_in_breaks_it(minutes: list[int], left: int) -> None:
    found = pace_of([NOW - n * MINUTE for n in minutes], left=left, now=NOW)
    assert (found.an_hour.value is None) == bool(found.an_hour.undefined_because)
    assert (found.end is None) == bool(found.no_end_because)
    assert found.end is None or found.end > NOW
