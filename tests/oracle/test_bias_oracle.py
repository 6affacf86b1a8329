"""The length model against statsmodels' binomial GLM; exact tests against scipy's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from measurement import logistic
from measurement.arrays import Floats, Ints
from measurement.missingness import DRAWS, _drawn, _fisher

SEEDS = range(12)


def sample(seed: int) -> tuple[Floats, Floats, Ints]:
    """A design of two or three columns, outcomes with ties, clusters of one to four rows."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(40, 300))
    lengths = np.tanh(rng.normal(0, 1.5, size=n))
    columns = [np.ones(n), lengths]
    if seed % 2:
        columns.append(rng.integers(-1, 2, size=n).astype(float))
    design = np.column_stack(columns)
    odds = design @ rng.normal(0, 1, size=design.shape[1])
    outcomes = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    outcomes[rng.random(n) < 0.15] = 0.5
    clusters = np.sort(rng.integers(0, n // 2, size=n))
    return design, outcomes, clusters


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fit_of_fractional_outcomes_is_statsmodels(seed: int) -> None:
    import statsmodels.api as sm

    design, outcomes, clusters = sample(seed)
    ours = logistic.fit(design, outcomes, clusters)
    theirs = sm.GLM(outcomes, design, family=sm.families.Binomial()).fit(tol=1e-12)
    assert ours.coefficients == pytest.approx(theirs.params, abs=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_spread_by_cluster_is_statsmodels(seed: int) -> None:
    import statsmodels.api as sm

    design, outcomes, clusters = sample(seed)
    ours = logistic.fit(design, outcomes, clusters)
    theirs = sm.GLM(outcomes, design, family=sm.families.Binomial()).fit(
        tol=1e-12, cov_type="cluster", cov_kwds={"groups": clusters}
    )
    assert ours.spread == pytest.approx(theirs.bse, rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_is_students_on_the_clusters(seed: int) -> None:
    from scipy.stats import t

    design, outcomes, clusters = sample(seed)
    ours = logistic.fit(design, outcomes, clusters)
    found = ours.estimate(1)
    assert ours.spread is not None
    assert found.interval is not None
    half = t.ppf(0.975, len(np.unique(clusters)) - 1) * ours.spread[1]
    assert found.interval.high - found.interval.low == pytest.approx(2 * half)


@pytest.mark.parametrize("seed", SEEDS)
def test_separation_is_found_where_statsmodels_runs_away(seed: int) -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 40))
    lengths = np.tanh(rng.normal(0, 1.5, size=n))
    design = np.column_stack([np.ones(n), lengths])
    outcomes = (lengths > 0.1).astype(float)
    if outcomes.min() == outcomes.max():
        outcomes[lengths.argmax()] = 1 - outcomes[0]
    assert logistic.fit(design, outcomes, np.arange(n)).undefined_because == logistic.SEPARATED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sm.GLM(outcomes, design, family=sm.families.Binomial()).fit(maxiter=60)
    assert abs(theirs.params[1]) > 20
    # One contradiction at either end is enough for a value.
    outcomes[lengths.argmax()], outcomes[lengths.argmin()] = 0.5, 0.5
    mended = logistic.fit(design, outcomes, np.arange(n))
    if len(np.unique(outcomes)) == 3:
        assert mended.undefined_because == ""


def test_drawing_both_margins_comes_near_to_fishers_exact_test() -> None:
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        codes = np.sort(rng.integers(0, 2, size=60))
        gone = rng.random(60) < 0.15 + 0.15 * codes
        if gone.sum() < 2:
            continue
        drawn = _drawn(codes, gone, seed=seed)
        # With two labels both margins fix the table; the statistics order it alike but for ties.
        assert drawn == pytest.approx(_chi_square_exact(codes, gone), abs=4 / np.sqrt(DRAWS) / 2)
        assert 0 < _fisher(codes, gone) <= 1


def _chi_square_exact(codes: Ints, gone: np.typing.NDArray[np.bool_]) -> float:
    """The exact distribution of the same statistic, from the hypergeometric one."""
    from scipy.stats import hypergeom

    n, ones, missing = len(codes), int(codes.sum()), int(gone.sum())
    counts = np.arange(max(0, missing - (n - ones)), min(ones, missing) + 1)
    distances = np.abs(counts - missing * ones / n)
    observed = abs(int((codes * gone).sum()) - missing * ones / n)
    chances = hypergeom(n, ones, missing).pmf(counts)
    return float(chances[distances >= observed - 1e-9].sum())
