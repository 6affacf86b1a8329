from __future__ import annotations

import numpy as np
import pytest

from measurement.alttest import alt_test, by_distance, by_match
from measurement.scale import Scale
from tests.unit.measurement.builders import aligned

POINTS = Scale.parse("1-5")


def test_nearness_is_the_share_of_the_other_raters_with_the_same_label() -> None:
    counts = np.array([[2, 1]])
    found = by_match(
        raters=np.array([0, 1, 2]),
        items=np.zeros(3, dtype=np.int64),
        votes=np.array([0, 0, 1]),
        verdicts=np.array([0]),
        counts=counts,
    )
    assert found.rater.tolist() == [0.5, 0.5, 0.0]
    assert found.judge.tolist() == [0.5, 0.5, 1.0]


def test_nearness_of_numbers_is_the_root_mean_squared_distance() -> None:
    found = by_distance(
        raters=np.array([0, 1, 2]),
        items=np.zeros(3, dtype=np.int64),
        votes=np.array([1.0, 3.0, 5.0]),
        verdicts=np.array([3.0]),
        n_items=1,
    )
    # rater 0 is 2 and 4 away: √((4 + 16) / 2); the judge is 0 and 2 away from those two.
    assert found.rater[0] == pytest.approx(-(10**0.5))
    assert found.judge[0] == pytest.approx(-(2**0.5))


def test_a_judge_in_line_with_the_majority_may_replace_every_rater() -> None:
    votes = {f"{i:03}": ["AAB", "ABA", "BAA"][i % 3] for i in range(90)}
    found = aligned(votes, dict.fromkeys(votes, "A")).alt_test
    assert found.omega == 1
    assert found.rho == 1


def test_a_judge_that_contradicts_everybody_replaces_nobody() -> None:
    votes = {f"{i:03}": "AAA" for i in range(40)}
    found = aligned(votes, dict.fromkeys(votes, "B")).alt_test
    assert (found.omega, found.rho) == (0, 0)
    assert [rater.p for rater in found.raters] == [1.0, 1.0, 1.0]


def test_no_spread_is_decided_by_the_mean() -> None:
    votes = {f"{i:03}": "AAA" for i in range(40)}
    found = aligned(votes, dict.fromkeys(votes, "A")).alt_test
    assert [rater["p"] for rater in found.as_dict()["raters"]] == [0.0, 0.0, 0.0]


def test_raters_with_fewer_than_thirty_items_are_left_out() -> None:
    votes = {f"{i:03}": "AAA" if i < 29 else "AA." for i in range(40)}
    found = aligned(votes, dict.fromkeys(votes, "A")).alt_test
    assert [rater.rater for rater in found.raters] == ["rater0", "rater1"]


def test_with_nobody_left_the_test_is_undefined() -> None:
    found = aligned({"i": "AAA"}, {"i": "A"}).alt_test
    assert (found.omega, found.rho) == (None, None)
    assert "30 items" in found.undefined_because


def test_missing_verdicts_are_dropped_and_scored_worst_in_the_strict_form() -> None:
    votes = {f"{i:03}": "AAA" for i in range(80)}
    verdicts = {item: "A" if int(item) < 40 else "!failed" for item in votes}
    found = aligned(votes, verdicts).alt_test
    assert (found.omega, found.rho) == (1, 1)
    assert (found.strict_omega, found.strict_rho) == (0, 0.5)


def test_a_larger_allowance_lets_more_judges_through() -> None:
    votes = {f"{i:03}": "AAA" for i in range(100)}
    verdicts = {item: "A" if int(item) % 10 else "B" for item in votes}
    strict = aligned(votes, verdicts, epsilon=0.1).alt_test
    kind = aligned(votes, verdicts, epsilon=0.3).alt_test
    assert (strict.omega, kind.omega) == (0, 1)


def test_ratings_without_a_cut_are_compared_by_distance() -> None:
    votes = {f"{i:03}": ["345", "453", "534"][i % 3] for i in range(60)}
    found = aligned(votes, dict.fromkeys(votes, "4"), scale=POINTS).alt_test
    # The judge in the middle is never further away than a rater at 3, 4 or 5.
    assert found.rho == 1


def test_no_rater_is_tested_on_empty_comparisons() -> None:
    none = np.empty(0, dtype=np.int64)
    empty = by_match(none, none, none, none, np.empty((0, 2), dtype=np.int64))
    assert alt_test((), empty, epsilon=0.2).omega is None
