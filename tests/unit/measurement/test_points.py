"""How far a judge's points lie from people's: by hand and by numpy."""

from __future__ import annotations

import numpy as np
import pytest

from measurement.points import Points
from measurement.scale import Scale
from tests.unit.measurement.builders import aligned, shows

SCALE = Scale.points(1, 5, level="ordinal")
PEOPLE = (1, 2, 3, 4, 5, 3, 2, 4)
JUDGE = (1, 3, 5, 4, 2, 3, 1, 4)


def found(verdicts: dict[str, str]) -> Points:
    votes = {str(n): str(point) * 3 for n, point in enumerate(PEOPLE)}
    points = aligned(votes, verdicts, scale=SCALE).points
    assert points is not None
    return points


@pytest.fixture
def complete() -> Points:
    return found({str(n): str(point) for n, point in enumerate(JUDGE)})


def test_shares_of_steps_are_counted(complete: Points) -> None:
    assert shows(complete.within_one, 6, 8)
    assert shows(complete.one_off, 2, 8)
    assert shows(complete.two_off, 1, 8)


def test_a_missing_verdict_is_a_miss_within_one_point_and_no_step() -> None:
    verdicts = {str(n): str(point) for n, point in enumerate(JUDGE)} | {"0": "!refused"}
    assert shows(found(verdicts).within_one, 5, 8)
    assert shows(found(verdicts).one_off, 2, 7)


def test_limits_of_agreement_are_mean_and_spread_of_the_differences(complete: Points) -> None:
    apart = np.array(JUDGE) - np.array(PEOPLE)
    half = 1.959963984540054 * apart.std(ddof=1)
    for limit, expected in (
        (complete.limit_low, apart.mean() - half),
        (complete.limit_high, apart.mean() + half),
    ):
        assert limit.value == pytest.approx(expected)
        assert limit.n == 8
        assert limit.interval is not None
        assert limit.interval.low < expected < limit.interval.high


def test_icc_of_judge_and_people_is_that_of_two_raters(complete: Points) -> None:
    """ICC(2,1) from the two-way mean squares, by hand."""
    table = np.column_stack([JUDGE, PEOPLE]).astype(float)
    n, k = table.shape
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    between = k * ((rows - table.mean()) ** 2).sum() / (n - 1)
    offset = n * ((columns - table.mean()) ** 2).sum() / (k - 1)
    rest = table - rows[:, None] - columns[None, :] + table.mean()
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    expected = (between - error) / (between + error + k * (offset - error) / n)
    assert complete.icc.value == pytest.approx(expected)


def test_labels_without_an_order_have_no_points() -> None:
    assert aligned({"1": "AAB"}, {"1": "A"}).points is None


def test_one_item_has_no_limits() -> None:
    points = aligned({"1": "333"}, {"1": "4"}, scale=SCALE).points
    assert points is not None
    assert points.limit_low.undefined_because
    assert shows(points.within_one, 1, 1)
