"""Own figures against krippendorff, scikit-learn and statsmodels on random tables."""

from __future__ import annotations

import warnings

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from measurement import intervals, kappa
from measurement.alpha import _alpha_parts, _ordinal_by_weights, alpha
from measurement.arrays import Floats, Ints
from measurement.scale import LEVELS, Level, Scale

SEEDS = range(12)
WEIGHTS: dict[Level, str | None] = {"nominal": None, "ordinal": "linear", "interval": "quadratic"}


def ratings(seed: int) -> Floats:
    """A random items x raters table with gaps; its labels are 1 to k."""
    rng = np.random.default_rng(seed)
    items, raters, labels = rng.integers(5, 80), rng.integers(2, 7), rng.integers(2, 8)
    truth = rng.integers(1, labels + 1, size=(items, 1))
    noise = rng.integers(1, labels + 1, size=(items, raters))
    table = np.where(rng.random((items, raters)) < rng.random(), truth, noise).astype(float)
    table[rng.random((items, raters)) < 0.2] = np.nan
    return np.asarray(table)


def counts_of(table: Floats) -> Ints:
    labels = int(np.nanmax(table))
    return np.stack([(table == label).sum(axis=1) for label in range(1, labels + 1)], axis=1)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_our_formula_for_alpha_is_krippendorffs(seed: int, level: Level) -> None:
    table = ratings(seed)
    counts = counts_of(table)
    kept = counts[counts.sum(axis=1) >= 2]
    features, formula = _alpha_parts(kept, level, np.arange(1.0, kept.shape[1] + 1))
    ours = formula(features.sum(axis=0, keepdims=True))[0]
    theirs = krippendorff.alpha(reliability_data=table.T, level_of_measurement=level)
    assert ours == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_value_shown_is_krippendorffs(seed: int, level: Level) -> None:
    table = ratings(seed)
    counts = counts_of(table)
    numbers = np.arange(1.0, counts.shape[1] + 1)
    found = alpha(counts, np.arange(len(counts)), level=level, numbers=numbers, seed=1)
    theirs = krippendorff.alpha(reliability_data=table.T, level_of_measurement=level)
    assert found.value == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_a_replicate_is_alpha_of_the_items_drawn(level: Level) -> None:
    table = ratings(3)
    table = table[(~np.isnan(table)).sum(axis=1) >= 2]
    counts = counts_of(table)
    features, formula = _alpha_parts(counts, level, np.arange(1.0, counts.shape[1] + 1))
    rng = np.random.default_rng(8)
    for _ in range(20):
        drawn = rng.integers(0, len(table), size=len(table))
        ours = formula(features[drawn].sum(axis=0, keepdims=True))[0]
        theirs = krippendorff.alpha(reliability_data=table[drawn].T, level_of_measurement=level)
        assert ours == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_replicate_of_many_ordered_labels_is_alpha_of_the_items_drawn(seed: int) -> None:
    table = ratings(seed)
    table = table[(~np.isnan(table)).sum(axis=1) >= 2]
    figure = _ordinal_by_weights(counts_of(table))
    rng = np.random.default_rng(seed)
    for _ in range(5):
        drawn = rng.integers(0, len(table), size=len(table))
        weights = np.bincount(drawn, minlength=len(table)).astype(float)
        theirs = krippendorff.alpha(reliability_data=table[drawn].T, level_of_measurement="ordinal")
        assert figure(weights[None, :])[0] == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_krippendorff_answers_nan_the_figure_is_undefined(seed: int) -> None:
    # One value everywhere; a second one only where it pairs with nothing.
    items = 3 + seed
    table = np.ones((items, 2))
    table[-1] = [5.0, np.nan]
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        theirs = krippendorff.alpha(reliability_data=table.T, level_of_measurement="nominal")
    counts = counts_of(table)
    ours = alpha(counts, np.arange(items), level="nominal", numbers=np.arange(1.0, 6.0), seed=1)
    assert np.isnan(theirs)
    assert "all labels are the same" in ours.undefined_because


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_cohens_kappa_is_scikit_learns(seed: int, level: Level) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 7))
    # The scale has one label more than anybody uses.
    scale = Scale.points(1, size + 1, level=level)
    one = rng.integers(0, size, size=60)
    other = np.where(rng.random(60) < 0.6, one, rng.integers(0, size, size=60))
    ours = kappa.cohen_kappa(one, other, np.arange(60), weights=kappa.distances(scale))
    theirs = cohen_kappa_score(one, other, labels=range(size + 1), weights=WEIGHTS[level])
    assert ours.value == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_fleiss_kappa_is_statsmodels(seed: int) -> None:
    from statsmodels.stats.inter_rater import fleiss_kappa

    rng = np.random.default_rng(seed)
    counts = rng.multinomial(int(rng.integers(2, 8)), rng.dirichlet(np.ones(4)), size=30)
    ours = kappa.fleiss(counts, np.arange(30), seed=1)
    assert ours.value == pytest.approx(fleiss_kappa(counts), abs=1e-12)


@pytest.mark.parametrize("n", [1, 7, 40, 999])
def test_intervals_of_a_share_are_statsmodels(n: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    for hits in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        wilson, exact = intervals.wilson(hits, n), intervals.clopper_pearson(hits, n)
        theirs = proportion_confint(hits, n, method="wilson")
        assert (wilson.low, wilson.high) == pytest.approx(theirs, abs=1e-10)
        assert (exact.low, exact.high) == pytest.approx(
            proportion_confint(hits, n, method="beta"), abs=1e-10
        )


def test_the_one_sided_bound_is_scipys_exact_test() -> None:
    from scipy.stats import binomtest

    for hits, n in ((0, 20), (13, 20), (170, 200), (20, 20)):
        theirs = binomtest(hits, n, alternative="greater").proportion_ci(0.95, method="exact")
        assert intervals.lower_bound(hits, n, level=0.05) == pytest.approx(theirs.low, abs=1e-12)
