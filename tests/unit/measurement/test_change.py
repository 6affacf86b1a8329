"""Agreement before and after on other items: against direct computation and published values."""

from __future__ import annotations

import numpy as np
import pytest

from measurement.change import change, difference_of_shares, resampled_difference
from measurement.estimate import Estimate
from measurement.intervals import Replicates, wilson
from measurement.scale import Scale
from measurement.table import RatingTable, Vote

SCALE = Scale.listed(("1", "2", "3", "4", "5"), level="ordinal")


def table(rows: list[str], *, prefix: str) -> RatingTable:
    """One text an item, one digit a rater."""
    return RatingTable.build(
        Vote(f"{prefix}{place:03}", f"r{rater}", label)
        for place, labels in enumerate(rows)
        for rater, label in enumerate(labels)
    )


NOISY = ["134", "155", "222", "415", "333", "521", "113", "244", "351", "455"] * 3
CLEAN = ["444", "555", "221", "111", "333", "554", "222", "445", "111", "333"] * 3


def test_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80: [0.0524, 0.3339] (Newcombe 1998, table II, method 10)."""
    better = Estimate(56 / 70, 70, wilson(56, 70))
    worse = Estimate(48 / 80, 80, wilson(48, 80))
    found = difference_of_shares(worse, better)
    assert found.interval is not None
    assert found.value == pytest.approx(0.2)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.n == 150


def test_the_interval_of_alphas_difference_is_that_of_two_samples_drawn_apart() -> None:
    """Directly: items of each sample drawn with replacement, alpha by the package each time."""
    import krippendorff

    found = change(table(NOISY, prefix="a"), table(CLEAN, prefix="b"), scale=SCALE)
    assert found.alpha.interval is not None
    assert found.alpha_before.value is not None
    assert found.alpha_after.value is not None
    assert found.alpha.value == pytest.approx(found.alpha_after.value - found.alpha_before.value)

    def counts(rows: list[str]) -> np.ndarray:
        return np.array([[row.count(str(n)) for n in range(1, 6)] for row in rows])

    rng = np.random.default_rng(7)
    before, after = counts(NOISY), counts(CLEAN)

    def drawn(given: np.ndarray) -> float:
        rows = given[rng.integers(0, len(given), len(given))]
        return float(
            krippendorff.alpha(
                value_counts=rows, value_domain=range(1, 6), level_of_measurement="ordinal"
            )
        )

    direct = [drawn(after) - drawn(before) for _ in range(1000)]
    low, high = np.quantile(direct, [0.025, 0.975])
    assert found.alpha.interval.low == pytest.approx(low, abs=0.05)
    assert found.alpha.interval.high == pytest.approx(high, abs=0.05)
    assert found.alpha.n == 60


def test_the_two_samples_are_not_drawn_alike() -> None:
    """With the same draws for both, a sample against itself would show no spread at all."""
    found = change(table(NOISY, prefix="a"), table(NOISY, prefix="b"), scale=SCALE)
    assert found.alpha.value == 0
    assert found.alpha.interval is not None
    assert found.alpha.interval.low < -0.1
    assert found.alpha.interval.high > 0.1


def test_the_same_labels_give_the_same_interval() -> None:
    first, again = (
        change(table(NOISY, prefix="a"), table(CLEAN, prefix="b"), scale=SCALE).as_dict()
        for _ in range(2)
    )
    assert first == again


def test_no_spread_gives_no_interval_and_the_reason() -> None:
    found = change(table(NOISY, prefix="a"), table(["111", "222", "333"], prefix="b"), scale=SCALE)
    assert found.alpha_after.value == 1
    assert found.alpha.value is not None
    assert found.alpha.interval is None
    assert "agree" in found.alpha.undefined_because
    assert found.agreement.interval is not None
    assert found.agreement.interval.high > found.agreement.interval.low


def test_undefined_stays_undefined_and_says_which() -> None:
    found = change(table(NOISY, prefix="a"), table(["1", "2"], prefix="b"), scale=SCALE)
    assert found.alpha.value is None
    assert found.alpha.undefined_because == "after: no item has two labels"
    assert found.agreement.value is None


def test_replicates_without_a_value_are_left_out() -> None:
    one = Replicates(np.array([0.1, np.nan, 0.3]), 5, "item")
    other = Replicates(np.array([0.5, 0.5, 0.5]), 5, "item")
    found = resampled_difference(Estimate(0.2, 5), one, Estimate(0.5, 5), other)
    assert found.interval is not None
    assert "1 of them undefined" in found.interval.method
