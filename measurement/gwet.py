"""Gwet's AC1 and AC2: agreement that stays stable when one label dominates."""

from __future__ import annotations

import numpy as np

from measurement import intervals
from measurement.arrays import Floats, Ints
from measurement.counts import NO_PAIR
from measurement.estimate import Estimate


def ac1(counts: Ints, clusters: Ints, *, seed: int) -> Estimate:
    """Gwet's AC1 (2008) with the categories of the scale; n = items with ≥ 2 labels.

    Stable when one label dominates, and for that reason no guard against constant raters.
    """
    labels = counts.shape[1]
    return ac2(counts, clusters, weights=np.eye(labels), seed=seed)


def ac2(counts: Ints, clusters: Ints, *, weights: Floats, seed: int) -> Estimate:
    """Gwet's AC2: AC1 with partial credit `weights` (labels x labels, 1 on the diagonal)."""
    rated = counts.sum(axis=1) > 0
    counts, clusters = counts[rated], clusters[rated]
    votes, labels = counts.sum(axis=1), counts.shape[1]
    several = votes >= 2
    n = int(several.sum())
    if n == 0:
        return Estimate.undefined(NO_PAIR)
    if labels < 2:
        return Estimate.undefined("the scale has one label", n=n)
    credit = (counts * (counts @ weights - 1)).sum(axis=1)
    agreement = np.where(several, credit / np.maximum(votes * (votes - 1), 1), 0.0)
    total = float(weights.sum())

    def formula(sums: Floats) -> Floats:
        shares = sums[:, :labels] / sums[:, labels, None]
        observed = sums[:, labels + 1] / sums[:, labels + 2]
        chance = total * (shares * (1 - shares)).sum(axis=1) / (labels * (labels - 1))
        return np.asarray((observed - chance) / (1 - chance), dtype=np.float64)

    features = np.column_stack([counts / votes[:, None], np.ones(len(counts)), agreement, several])
    return intervals.bootstrapped(features.astype(np.float64), clusters, formula, n=n, seed=seed)


def credit_weights(numbers: Floats, *, power: int) -> Floats:
    """Partial credit for AC2: 1 − (distance / range)^power; 1 is linear, 2 quadratic."""
    distance = np.abs(numbers[:, None] - numbers[None, :])
    return np.asarray(1 - (distance / distance.max()) ** power)
