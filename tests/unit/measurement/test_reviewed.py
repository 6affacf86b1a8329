"""Agreement after a review: against counts by hand, the trap that it exists for, and coverage."""

from __future__ import annotations

import numpy as np
import pytest

from measurement.estimate import Estimate
from measurement.intervals import wilson
from measurement.reviewed import NO_SAMPLE, Part, agreement_after_review


def part(items: int, right: int, wrong: int, *, clusters: int = 0) -> Part:
    hits = np.array([1.0] * right + [0.0] * wrong)
    codes = np.arange(len(hits))
    if clusters:
        codes = codes * clusters // len(hits)
    return Part(items, hits, codes)


def test_each_kind_counts_by_its_number_of_items() -> None:
    found = agreement_after_review(differing=part(200, 15, 35), agreeing=part(800, 45, 5))
    assert found.value == pytest.approx(0.2 * 0.3 + 0.8 * 0.9)
    assert found.n == 100
    assert found.interval is not None
    assert found.interval.low < 0.78 < found.interval.high


def test_reviewing_differences_alone_turns_78_into_84_6_percent_and_is_not_shown() -> None:
    """statistics.md, 11: reviewers who side with the judge in 30 % of the differences."""
    differing = part(220, 66, 154)
    found = agreement_after_review(differing=differing, agreeing=part(780, 0, 0))
    assert (found.value, found.undefined_because) == (None, NO_SAMPLE)
    upheld = agreement_after_review(differing=differing, agreeing=part(780, 220, 0))
    assert upheld.value == pytest.approx(0.846)
    # As many errors among the agreements, and the gain is gone.
    as_bad = agreement_after_review(differing=differing, agreeing=part(780, 198, 22))
    assert as_bad.value == pytest.approx(0.066 + 0.78 * 0.9)


def test_a_sample_that_is_one_item_short_is_no_equal_one() -> None:
    found = agreement_after_review(differing=part(20, 10, 10), agreeing=part(80, 19, 0))
    assert found.undefined_because == NO_SAMPLE


def test_all_agreements_there_are_do_as_well() -> None:
    found = agreement_after_review(differing=part(20, 10, 10), agreeing=part(5, 5, 0))
    assert found.value == pytest.approx(15 / 25)


def test_where_all_was_reviewed_it_is_the_plain_share_with_about_its_interval() -> None:
    found = agreement_after_review(differing=part(100, 20, 80), agreeing=part(300, 290, 10))
    plain = wilson(310, 400)
    assert found.value == pytest.approx(310 / 400)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(plain.low, abs=0.01)
    assert found.interval.high == pytest.approx(plain.high, abs=0.01)


def test_without_a_difference_there_is_one_part_only() -> None:
    found = agreement_after_review(differing=part(0, 0, 0), agreeing=part(50, 10, 0))
    assert found.value == 1.0
    assert found.interval is not None
    assert found.interval.low == pytest.approx(wilson(10, 10).low)


@pytest.mark.parametrize(
    ("differing", "agreeing", "because"),
    [
        (part(0, 0, 0), part(0, 0, 0), "no item with both labels"),
        (part(5, 0, 0), part(9, 5, 0), "on which judge and people differ"),
    ],
)
def test_it_says_why_there_is_none(differing: Part, agreeing: Part, because: str) -> None:
    found = agreement_after_review(differing=differing, agreeing=agreeing)
    assert found.value is None
    assert because in found.undefined_because


def test_items_of_one_cluster_are_worth_less() -> None:
    alone = agreement_after_review(differing=part(40, 10, 30), agreeing=part(60, 30, 10))
    together = agreement_after_review(
        differing=part(40, 10, 30, clusters=4), agreeing=part(60, 30, 10, clusters=4)
    )
    assert width(together) > width(alone)


def width(found: Estimate) -> float:
    assert found.interval is not None
    return found.interval.high - found.interval.low


@pytest.mark.parametrize(
    ("items", "differ", "right_there", "right_here", "drawn"),
    [(200, 0.25, 0.3, 0.97, 30), (300, 0.2, 0.5, 0.9, 40), (120, 0.4, 0.2, 0.99, 30)],
)
def test_the_interval_covers_as_often_as_it_says(
    items: int, differ: float, right_there: float, right_here: float, drawn: int
) -> None:
    """600 trials each: items drawn, a random part of either kind reviewed."""
    rng = np.random.default_rng(29)
    truth = differ * right_there + (1 - differ) * right_here
    covered = 0
    for _ in range(600):
        kind = int(rng.binomial(items, differ))
        take = min(drawn, kind)
        there = int(rng.binomial(take, right_there))
        here = int(rng.binomial(take, right_here))
        found = agreement_after_review(
            differing=part(kind, there, take - there),
            agreeing=part(items - kind, here, take - here),
        )
        assert found.interval is not None
        covered += found.interval.low <= truth <= found.interval.high
    assert 0.92 <= covered / 600 <= 0.99
