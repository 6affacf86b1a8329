"""Own tests and adjustments against scipy and statsmodels on random tables."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import samplesize_confint_proportion

from measurement import adjust, intervals, planning
from measurement.arrays import Floats
from measurement.comparison import PairedScores, compare
from measurement.findings import Margin, find
from measurement.mcnemar import mcnemar
from measurement.signedrank import signed_levels, signed_rank
from measurement.signflip import sign_flip

SEEDS = range(12)


def ratings(seed: int, *, n: int | None = None) -> tuple[Floats, Floats]:
    """Two versions' ratings from 1 to 5 on the same items, many of them equal."""
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(5, 14))
    one = rng.integers(1, 6, size=n).astype(float)
    moved = np.clip(one + rng.choice([-1, 0, 1, 2], size=n, p=[0.2, 0.3, 0.3, 0.2]), 1, 5)
    return one, moved


@pytest.mark.parametrize("seed", SEEDS)
def test_wilcoxon_without_zeros_is_scipys_permutation_test(seed: int) -> None:
    baseline, candidate = ratings(seed)
    differences = candidate - baseline
    kept = differences[differences != 0]
    levels = signed_levels(differences, noise=1e-12)
    ours = signed_rank(levels, np.arange(len(levels)))
    exact = stats.PermutationMethod(n_resamples=np.inf)
    theirs = stats.wilcoxon(kept, method=exact) if len(kept) > 1 else None
    assert ours.p == pytest.approx(1.0 if theirs is None else theirs.pvalue, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_wilcoxon_by_pratt_is_the_sum_over_all_signs(seed: int) -> None:
    baseline, candidate = ratings(seed)
    differences = candidate - baseline
    ranks = stats.rankdata(np.abs(differences))[differences != 0]
    signs = np.sign(differences[differences != 0])
    found = stats.permutation_test(
        (ranks * signs,), np.sum, permutation_type="samples", n_resamples=np.inf
    )
    levels = signed_levels(differences, noise=1e-12)
    ours = signed_rank(levels, np.arange(len(levels)), zeros="pratt")
    assert ours.p == pytest.approx(float(found.pvalue), abs=1e-12)


@pytest.mark.parametrize("zeros", ["wilcox", "pratt"])
def test_a_large_table_is_scipys_normal_approximation(zeros: str) -> None:
    baseline, candidate = ratings(1, n=3000)
    differences = candidate - baseline
    levels = signed_levels(differences, noise=1e-12)
    ours = signed_rank(levels, np.arange(3000), zeros=zeros)  # type: ignore[arg-type]
    theirs = stats.wilcoxon(differences, zero_method=zeros, correction=False, method="asymptotic")
    assert not ours.is_exact
    assert min(ours.r_plus, ours.r_minus) == theirs.statistic
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_untied_differences_are_scipys_exact_test(seed: int) -> None:
    rng = np.random.default_rng(seed)
    differences = rng.normal(0.3, 1, size=int(rng.integers(4, 50)))
    levels = signed_levels(differences, noise=1e-12)
    theirs = stats.wilcoxon(differences, method="exact")
    assert signed_rank(levels, np.arange(len(levels))).p == pytest.approx(theirs.pvalue, abs=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_mcnemars_exact_test_is_statsmodels_and_the_sign_test_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 400))
    baseline = (rng.random(n) < 0.7).astype(float)
    candidate = np.where(rng.random(n) < 0.7, baseline, 1 - baseline)
    ours = mcnemar(baseline, candidate, np.arange(n))
    theirs = their_mcnemar([[0, ours.b], [ours.c, 0]], exact=True)
    assert ours.p_exact == pytest.approx(theirs.pvalue, abs=1e-12)
    sign_p = stats.binomtest(ours.b, max(1, ours.b + ours.c)).pvalue
    found = compare(PairedScores(baseline, candidate, np.arange(n)), seed=1)
    assert found.sign_p == pytest.approx(sign_p, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_flips_of_whole_clusters_are_the_sum_over_all_signs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sums = rng.integers(-9, 10, size=11)
    found = stats.permutation_test((sums,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(sums).p == pytest.approx(float(found.pvalue), abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_adjusted_p_values_are_statsmodels_and_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p_values = (rng.random(int(rng.integers(1, 15))) ** 3).tolist()
    for ours, theirs in (
        (adjust.holm, "holm"),
        (adjust.benjamini_hochberg, "fdr_bh"),
        (adjust.benjamini_yekutieli, "fdr_by"),
    ):
        expected = multipletests(p_values, method=theirs)[1]
        assert ours(p_values) == pytest.approx(expected, abs=1e-12)
    for method, ours in (("bh", adjust.benjamini_hochberg), ("by", adjust.benjamini_yekutieli)):
        scipys = stats.false_discovery_control(p_values, method=method)
        assert ours(p_values) == pytest.approx(scipys, abs=1e-12)


@pytest.mark.parametrize("spread", [0.5, 0.8, 1.2])
def test_items_for_ratings_are_statsmodels_normal_power(spread: float) -> None:
    theirs = NormalIndPower(ddof=0).solve_power(
        effect_size=0.08 / spread, alpha=0.05, power=0.8, ratio=0
    )
    assert planning.rating_items(0.08, spread=spread) == pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_items_for_an_interval_are_statsmodels(share: float) -> None:
    theirs = samplesize_confint_proportion(share, 0.02, alpha=0.05)
    assert planning.interval_items(share, half_width=0.02) == pytest.approx(theirs)


def test_the_error_between_clusters_is_a_regressions() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(5)
    clusters = rng.integers(0, 25, size=200)
    values = rng.normal(size=200) + rng.normal(size=25)[clusters]
    groups = len(np.unique(clusters))
    fitted = sm.OLS(values, np.ones(200)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False}
    )
    expected = float(fitted.bse[0]) * (groups / (groups - 1)) ** 0.5
    assert intervals.clustered_error(values, clusters) == pytest.approx(expected)


def test_paired_items_have_the_power_that_they_promise() -> None:
    # 1,960 items at a discordance of 10 %: .80 by the formula, ± .012 for 4,000 trials.
    rng = np.random.default_rng(6)
    cells = rng.multinomial(1960, [0.04, 0.06, 0.9], size=4000)
    chances = {(b, c): 0.0 for b, c, _ in cells.tolist()}
    for b, c in chances:
        chances[b, c] = sign_flip(np.repeat([-1, 1], [b, c])).mid_p
    power = np.mean([chances[b, c] <= 0.05 for b, c, _ in cells.tolist()])
    assert power == pytest.approx(0.8, abs=0.025)


def test_the_paired_difference_covers_at_a_hundred_items() -> None:
    rng = np.random.default_rng(7)
    trials, covered = 500, 0
    for _ in range(trials):
        differences = rng.choice([-1.0, 0, 1, 2], size=100, p=[0.2, 0.4, 0.3, 0.1])
        found = intervals.mean_difference(differences, np.arange(100), seed=1, because="")
        assert found.interval is not None
        covered += found.interval.low <= 0.3 <= found.interval.high
    # Three standard errors of a true 95 % are 2.9 points at 500 trials.
    assert 0.92 <= covered / trials <= 0.98


def test_four_metrics_of_an_equal_version_seldom_raise_a_false_alarm() -> None:
    rng = np.random.default_rng(8)
    trials, alarms, alone = 200, 0, 0
    for _ in range(trials):
        moved = rng.choice([-1.0, 0, 1], size=(4, 100), p=[0.2, 0.6, 0.2])
        compared = {
            f"m{i}": compare(PairedScores(np.full(100, 3.0), 3.0 + row, np.arange(100)), seed=1)
            for i, row in enumerate(moved)
        }
        alarms += find(compared, Margin()).status == 1
        alone += any(find({name: one}, Margin()).status == 1 for name, one in compared.items())
    # One side of 5 %: .025, with a standard error of .011. Each by itself: 1 − .975⁴ = .096.
    assert alarms / trials <= 0.06
    assert alone / trials > alarms / trials
