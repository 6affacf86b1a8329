"""Gwet's AC1 and AC2: agreement that stays stable when one label dominates."""

from __future__ import annotations

from measurement import intervals
from measurement.arrays import Floats, Ints, np
from measurement.counts import NO_PAIR
from measurement.estimate import Estimate
from measurement.scale import Scale


def ac1(counts: Ints, clusters: Ints, *, seed: int) -> Estimate:
    """Gwet's AC1 (2008) with the categories of the scale; n = items with ≥ 2 labels.

    Stable when one label dominates, and for that reason no guard against constant raters.
    """
    labels = counts.shape[1]
    return ac2(counts, clusters, weights=np.eye(labels), seed=seed)


def ac2(counts: Ints, clusters: Ints, *, weights: Floats, seed: int) -> Estimate:
    """Gwet's AC2 (2008): AC1 with partial credit `weights` (labels x labels, 1 on the diagonal).

    `counts` (items x labels of the scale); n = items with ≥ 2 labels; the interval resamples.
    """
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


def ac2_by_level(counts: Ints, clusters: Ints, *, scale: Scale, seed: int) -> Estimate:
    """AC2 with the credit that the scale's level stands for; n = items with ≥ 2 labels.

    Ordinal: linear by steps; interval: quadratic by numbers; nominal: none, hence AC1.
    """
    if scale.level == "nominal":
        return Estimate.undefined("the labels are read as categories: see AC1")
    places = np.arange(len(scale.labels), dtype=np.float64)
    numbers, power = (places, 1) if scale.level == "ordinal" else (scale.numbers(), 2)
    weights = credit_weights(numbers, power=power)
    return ac2(counts, clusters, weights=weights, seed=seed)


def credit_weights(numbers: Floats, *, power: int) -> Floats:
    """Partial credit for AC2: 1 − (distance / range)^power; 1 is linear, 2 quadratic.

    `numbers` holds each label's place or number, at least two of them different.
    """
    distance = np.abs(numbers[:, None] - numbers[None, :])
    return np.asarray(1 - (distance / distance.max()) ** power)
