"""Rater quality against scikit-learn and plain counting on random tables; intervals by trial."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from measurement.estimate import Estimate
from measurement.raters import rater_quality
from measurement.scale import Scale
from measurement.table import RatingTable

SEEDS = range(8)


def rows_of(seed: int) -> list[tuple[str, str, int]]:
    rng = np.random.default_rng(seed)
    labels = int(rng.integers(2, 6))
    rows = []
    for item in range(int(rng.integers(5, 60))):
        truth = int(rng.integers(1, labels + 1))
        for rater in range(5):
            if rng.random() < 0.7:
                said = truth if rng.random() < 0.6 else int(rng.integers(1, labels + 1))
                rows.append((f"{item:02}", f"{rater}", said))
    return rows


@pytest.mark.parametrize("seed", SEEDS)
def test_the_majorities_and_means_are_those_of_counting_vote_by_vote(seed: int) -> None:
    rows = rows_of(seed)
    for found in rater_quality(RatingTable.build(rows), scale=Scale.parse("1-5")):
        said, majorities, apart = [], [], []
        for item, rater, label in rows:
            if rater != found.rater:
                continue
            others = [other for place, who, other in rows if place == item and who != rater]
            if others:
                apart.append(label - np.mean(others))
            top = Counter(others).most_common(1)
            if top and 2 * top[0][1] > len(others):
                majorities.append(top[0][0])
                said.append(label)
        theirs = confusion_matrix(majorities, said, labels=range(1, 6))
        assert found.confusion.tolist() == theirs.tolist()
        assert found.agreement.value == pytest.approx(np.trace(theirs) / theirs.sum())
        assert found.bias.value == pytest.approx(np.mean(apart))
        assert found.spread.value == pytest.approx(np.std(apart, ddof=1))


def test_the_interval_of_bias_is_students() -> None:
    from scipy import stats

    rows = [(f"{i:02}", rater, point) for i in range(30) for rater, point in _points(i)]
    found = rater_quality(RatingTable.build(rows), scale=Scale.parse("1-5"))[0].bias
    apart = [_points(i)[0][1] - _points(i)[1][1] for i in range(30)]
    theirs = stats.ttest_1samp(apart, 0).confidence_interval(0.95)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((theirs.low, theirs.high))


def _points(item: int) -> list[tuple[str, int]]:
    return [("ana", 1 + item * 7 % 5), ("ben", 1 + item * 3 % 4)]


@pytest.mark.parametrize("size", [1, 4])
def test_the_intervals_of_bias_and_spread_cover(size: int) -> None:
    # The others always say 3; rater 0 is off by −1, 0 or 1, alike within a cluster.
    rng = np.random.default_rng(91)
    trials, groups = 400, 100
    bias = spread = 0
    for _ in range(trials):
        off = np.repeat(rng.choice([-1, 0, 1], p=[0.2, 0.5, 0.3], size=groups), size)
        rows = [
            (f"{i:03}", rater, 3 + (move if rater == "0" else 0), f"{i // size}")
            for i, move in enumerate(off.tolist())
            for rater in ("0", "1")
        ]
        first = rater_quality(RatingTable.build(rows), scale=Scale.parse("1-5"))[0]
        bias += _covers(first.bias, 0.1)
        spread += _covers(first.spread, 0.49**0.5)
    # Three standard errors of a true 95 % are 3.3 points at 400 trials.
    for covered in (bias, spread):
        assert 0.915 <= covered / trials <= 0.985


def _covers(found: Estimate, truth: float) -> bool:
    return found.interval is not None and found.interval.low <= truth <= found.interval.high
