from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from measurement.arrays import Ints
from measurement.comparison import MID_P, WILCOXON, Comparison, PairedScores, compare
from measurement.mcnemar import mcnemar


def compared(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    clusters: Ints | None = None,
    **options: bool,
) -> Comparison:
    scores = PairedScores(
        np.array(baseline, dtype=float),
        np.array(candidate, dtype=float),
        np.arange(len(baseline)) if clusters is None else clusters,
    )
    return compare(scores, seed=1, **options)


def test_the_difference_is_candidate_less_baseline_in_the_metrics_unit() -> None:
    found = compared([1, 2, 3, 4], [2, 2, 5, 4])
    assert (found.baseline.value, found.candidate.value) == (2.5, 3.25)
    assert (found.difference.value, found.difference.n) == (0.75, 4)
    assert (found.wins, found.ties, found.losses) == (2, 2, 0)
    assert found.win_rate.value == 0.75


def test_where_lower_is_better_the_sign_stays_and_the_winner_turns() -> None:
    found = compared([1, 2, 3, 4], [2, 2, 5, 3], lower_is_better=True)
    assert found.difference.value == 0.5
    assert (found.wins, found.ties, found.losses) == (1, 1, 2)
    assert found.rank_biserial.value is not None
    assert found.rank_biserial.value > 0


def test_scores_of_zero_and_one_are_tested_by_the_items_that_changed_sides() -> None:
    found = compared([1] * 8 + [0] * 18 + [1] * 74, [0] * 8 + [1] * 18 + [1] * 74)
    assert found.test == MID_P
    assert found.binary is not None
    assert (found.binary.b, found.binary.c) == (8, 18)
    assert found.p == found.binary.p_mid
    assert compared([1, 2, 1], [0, 1, 1]).test == WILCOXON


def test_the_interval_of_right_and_wrong_is_near_the_paired_normal_one() -> None:
    found = compared([1] * 86 + [0] * 150 + [1] * 1364, [0] * 86 + [1] * 150 + [1] * 1364)
    interval = found.difference.interval
    assert interval is not None
    # [.0212838831, .0587161169] by the normal approximation.
    assert (interval.low, interval.high) == pytest.approx((0.0213, 0.0587), abs=0.002)


def test_versions_that_agree_everywhere_have_p_one_and_reasons() -> None:
    found = compared([1, 0, 1, 1, 0, 1], [1, 0, 1, 1, 0, 1])
    assert found.difference.value == 0
    assert found.binary is not None
    p_values = (found.p, found.wilcoxon.p, found.pratt.p, found.sign_p, found.binary.p_exact)
    assert p_values == (1.0,) * 5
    assert found.rank_biserial.undefined_because == "no item differs"
    assert "no spread" in found.d_z.undefined_because
    assert "no spread" in found.smallest.undefined_because
    # Nothing seen in six items: up to 1 − .05^(1/6) = 39.3 % of others.
    assert any("39.3 %" in note for note in found.notes)


@pytest.mark.parametrize(("n", "has_interval"), [(5, False), (6, True)])
def test_a_handful_of_items_that_all_move_alike_carries_no_interval(
    n: int, has_interval: bool
) -> None:
    found = compared([1] * n, [2] * n)
    assert found.difference.value == 1
    assert (found.difference.interval is not None) == has_interval
    assert ("no interval" in " ".join(found.notes)) != has_interval


def test_one_item_has_a_difference_and_no_interval() -> None:
    found = compared([2], [4])
    assert (found.difference.value, found.difference.interval) == (2, None)
    assert found.p == 1.0
    assert "no interval" in found.d_z.undefined_because
    assert "no interval" in found.smallest.undefined_because
    assert any("no interval" in note for note in found.notes)


def test_the_same_difference_everywhere_leaves_the_standardised_one_undefined() -> None:
    found = compared([0.1, 0.2, 0.3, 0.7], [0.2, 0.3, 0.4, 0.8])
    assert found.difference.value == pytest.approx(0.1)
    assert "same amount" in found.d_z.undefined_because
    assert found.rank_biserial.value == 1
    assert found.spread == 0


def test_d_z_far_from_zero_keeps_its_digits() -> None:
    rng = np.random.default_rng(2)
    baseline = rng.random(60)
    moved = baseline + 1e6 + rng.random(60)
    found = compared(baseline.tolist(), moved.tolist())
    differences = moved - baseline
    assert found.d_z.value == pytest.approx(differences.mean() / differences.std(ddof=1))
    interval = found.d_z.interval
    assert interval is not None
    assert found.d_z.value is not None
    assert interval.low < found.d_z.value < interval.high
    assert interval.high < 2 * found.d_z.value


def test_clusters_that_move_together_widen_the_interval_and_weaken_the_test() -> None:
    baseline = [0.0] * 60
    candidate = np.repeat([1.0, 0, 1, 2, -1, 1], 10).tolist()
    apart = compared(baseline, candidate)
    together = compared(baseline, candidate, clusters=np.arange(60) // 10)
    assert (apart.clusters, together.clusters) == (60, 6)
    assert apart.difference.value == together.difference.value
    assert together.p > apart.p
    assert together.smallest.value is not None
    assert apart.smallest.value is not None
    assert together.smallest.value > 2 * apart.smallest.value
    assert any("Fewer than 50 clusters" in note for note in together.notes)


def test_the_smallest_change_of_right_and_wrong_rests_on_the_discordance() -> None:
    # 500 pairs of which a fifth differ: 5.6 points.
    found = compared([1] * 50 + [0] * 50 + [1] * 400, [0] * 50 + [1] * 50 + [1] * 400)
    assert found.smallest.value == pytest.approx(0.056, abs=5e-4)


def test_clustered_right_and_wrong_have_the_error_between_clusters() -> None:
    baseline, candidate = np.array([1.0, 1, 0, 0, 1, 1]), np.array([0.0, 0, 1, 1, 1, 1])
    found = mcnemar(baseline, candidate, np.array([0, 0, 1, 1, 2, 2]))
    # Cluster sums −2, 2, 0 around a mean of 0: √(3/2 · 8) / 6.
    assert found.se == pytest.approx(12**0.5 / 6)
    assert found.agresti_min is None
    assert found.p_exact == 1.0


def test_clusters_that_cancel_out_inside_show_no_spread_between_them() -> None:
    found = compared([1.0, 2.0] * 8, [2.0, 1.0] * 8, clusters=np.arange(16) // 2)
    assert found.d_z.value == 0
    assert (found.spread, found.p) == (0, 1.0)
    assert any("all clusters differ by the same amount" in note for note in found.notes)
