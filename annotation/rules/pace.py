"""How fast a round is rated, and when it is done at that pace.

Only quarters of the clock in which somebody rated count, so that nights and breaks do not slow the
pace. How much of a day is rated is counted apart, and brings them back for the day of the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from measurement import intervals
from measurement.arrays import np
from measurement.estimate import Estimate, Interval

QUARTER = timedelta(minutes=15)
PER_HOUR = 4
DAY = timedelta(days=1)
LOOKED_AT = timedelta(days=7)
LATEST = 32
"""Quarters that make the pace: the last eight hours of rating."""
LEAST = 4
FURTHEST = timedelta(days=3650)

NOT_BEGUN = "nobody has rated yet"
LONG_AGO = "nobody rated in the last seven days"
TOO_EARLY = "there is less than an hour of rating to go by"
NOT_A_DAY = "nobody rated yet for more than a day, so it is not known how much of a day is rated"
TOO_FAR = "it is more than ten years away at this pace"


@dataclass(frozen=True, slots=True)
class Pace:
    """What the last days say about the rest of a round.

    `an_hour`: ratings in an hour of rating (n = quarters of an hour in which somebody rated).
    `hours_left`: hours of rating that are left, with the interval of the pace. `hours_a_day`:
    hours in which somebody rated, of the `days` looked at. `end`: when all is rated if both go
    on, or `no_end_because`; `between`: the same by the ends of the pace's interval.
    """

    an_hour: Estimate
    hours_left: Estimate
    hours_a_day: float | None
    days: float
    end: datetime | None
    no_end_because: str
    between: tuple[datetime, datetime] | None = None


def pace_of(
    moments: Iterable[datetime], *, left: int, now: datetime, has_begun: bool = True
) -> Pace:
    """The pace from the moments at which ratings came in during the last seven days.

    `left` is how many are wanted yet; `has_begun` whether there is any rating, older ones too.
    """
    quarters = _quarters(moments, now)
    if not quarters:
        return _unknown(LONG_AGO if has_begun else NOT_BEGUN)
    if len(quarters) < LEAST:
        return _unknown(TOO_EARLY)
    an_hour = _an_hour(quarters)
    hours_left = _hours_left(an_hour, left)
    days = (_quarter(now) - min(quarters)) * QUARTER / DAY
    if days < 1:
        return Pace(an_hour, hours_left, None, days, None, NOT_A_DAY)
    hours_a_day = len(quarters) / PER_HOUR / days
    end = _after(hours_left.value, hours_a_day, now)
    if end is None:
        return Pace(an_hour, hours_left, hours_a_day, days, None, TOO_FAR)
    between = _between(hours_left, hours_a_day, now)
    return Pace(an_hour, hours_left, hours_a_day, days, end, "", between)


def _unknown(because: str) -> Pace:
    none = Estimate.undefined(because)
    return Pace(none, none, None, 0.0, None, because)


def _quarters(moments: Iterable[datetime], now: datetime) -> Counter[int]:
    """How many came in by quarter of the clock; the one that runs is not over and left out."""
    current = _quarter(now)
    since = now - LOOKED_AT
    quarters = (_quarter(moment) for moment in moments if since < moment <= now)
    return Counter(quarter for quarter in quarters if quarter < current)


def _quarter(moment: datetime) -> int:
    return int(moment.timestamp() // QUARTER.total_seconds())


def _an_hour(quarters: Counter[int]) -> Estimate:
    """The mean of the latest quarters, times four; those of one hour belong together."""
    latest = sorted(quarters, reverse=True)[:LATEST]
    counts = np.array([quarters[quarter] for quarter in latest], dtype=np.float64)
    hours = np.array([quarter // PER_HOUR for quarter in latest], dtype=np.int64)
    clusters = np.unique(hours, return_inverse=True)[1]
    mean = intervals.mean(counts * PER_HOUR, clusters, because=NOT_BEGUN)
    if mean.interval is None:
        return mean
    found = mean.interval
    return replace(mean, interval=replace(found, low=max(found.low, 0.0)))


def _hours_left(an_hour: Estimate, left: int) -> Estimate:
    assert an_hour.value  # a quarter with a rating is more than nothing
    value = left / an_hour.value
    if an_hour.interval is None or an_hour.interval.low <= 0:
        return Estimate(value, an_hour.n)
    ends = Interval(
        left / an_hour.interval.high, left / an_hour.interval.low, 0.95, "from the pace"
    )
    return Estimate(value, an_hour.n, ends)


def _between(
    hours_left: Estimate, hours_a_day: float, now: datetime
) -> tuple[datetime, datetime] | None:
    if hours_left.interval is None:
        return None
    soonest = _after(hours_left.interval.low, hours_a_day, now)
    latest = _after(hours_left.interval.high, hours_a_day, now)
    return (soonest, latest) if soonest and latest else None


def _after(hours: float | None, hours_a_day: float, now: datetime) -> datetime | None:
    """When so many hours of rating are over."""
    assert hours is not None
    days = hours / hours_a_day
    return now + days * DAY if days * DAY < FURTHEST else None
