"""Whole tables with missing cells and unused labels, against other people's libraries."""

from __future__ import annotations

from itertools import combinations

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from measurement.agreement import AgreementSummary, summarise
from measurement.arrays import Floats
from measurement.scale import LEVELS, Level, Scale
from measurement.table import RatingTable

SEEDS = range(10)
WEIGHTS: dict[Level, str | None] = {"nominal": None, "ordinal": "linear", "interval": "quadratic"}
POINTS = np.arange(1.0, 10.0)
USED = np.array([2.0, 3.0, 5.0, 9.0])
"""The labels that anybody gives, of a scale from 1 to 9."""


def ratings(seed: int, *, missing: float = 0.25) -> Floats:
    """Items x raters; a third of the labels are guessed, nan where one is missing."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(8, 60)), int(rng.integers(2, 6)))
    truth = rng.choice(USED, size=(shape[0], 1))
    found = np.where(rng.random(shape) < 0.33, rng.choice(USED, size=shape), truth)
    found[rng.random(shape) < missing] = np.nan
    return found


def summary(table: Floats, level: Level) -> AgreementSummary:
    rows = (
        (f"{item:02}", f"{rater}", label)
        for item, labels in enumerate(table)
        for rater, label in enumerate(labels)
    )
    return summarise(RatingTable.build(rows), scale=Scale.points(1, 9, level=level))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_alpha_of_a_table_is_krippendorffs(seed: int, level: Level) -> None:
    table = ratings(seed)
    theirs = krippendorff.alpha(
        reliability_data=table.T, value_domain=POINTS, level_of_measurement=level
    )
    assert summary(table, level).alpha.value == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_kappa_of_each_two_raters_is_scikit_learns(seed: int, level: Level) -> None:
    table = ratings(seed)
    found = summary(table, level).kappa
    pairs = list(combinations(range(table.shape[1]), 2))
    assert len(found) == len(pairs)
    for ours, (a, b) in zip(found, pairs, strict=True):
        both = table[~np.isnan(table[:, [a, b]]).any(axis=1)]
        theirs = cohen_kappa_score(both[:, a], both[:, b], labels=POINTS, weights=WEIGHTS[level])
        assert ours.estimate.n == len(both)
        assert ours.estimate.value == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_fleiss_kappa_of_a_complete_table_is_statsmodels(seed: int) -> None:
    from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

    table = ratings(seed, missing=0)
    theirs = fleiss_kappa(aggregate_raters(table.astype(int))[0])
    assert summary(table, "nominal").fleiss.value == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_all_agree_share_has_statsmodels_wilson_interval(seed: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    found = summary(ratings(seed), "nominal").all_agree
    assert found.value is not None
    assert found.interval is not None
    theirs = proportion_confint(round(found.value * found.n), found.n, method="wilson")
    assert (found.interval.low, found.interval.high) == pytest.approx(theirs, abs=1e-10)
